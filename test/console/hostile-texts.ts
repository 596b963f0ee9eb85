/** Texts of strangers who want a page to do something: run a script, send a request, look like another text, or break what shows them. */

/** A host that no page of the console may ever ask. */
export const FOREIGN_HOST = "tutti-evil.invalid";

const run = (place: string): string => `globalThis.hacked='${place}'`;

/** One line for where texts are short; `place` says who was hacked. */
export function hostileLine(place: string): string {
  return `<img src=x onerror="${run(place)}">\u202Eevil \u2066{{1}}`;
}

/** Everything at once, for where a text may be long. A null byte is in it only where the store takes one. */
export function hostileText(place: string): string {
  return [
    hostileLine(place),
    `<script>${run(place)}</script>`,
    `"><svg onload="${run(place)}"><a href="javascript:${run(place)}">x</a></svg>`,
    `<svg xmlns="http://www.w3.org/2000/svg"><script>${run(place)}</script><use href="//${FOREIGN_HOST}/${place}.svg#x"/></svg>`,
    `<iframe src="//${FOREIGN_HOST}/${place}"></iframe><object data="data:text/html,<script>${run(place)}</script>"></object>`,
    `<style>@import "//${FOREIGN_HOST}/${place}.css"; body { display: none }</style><base href="//${FOREIGN_HOST}/">`,
    `<meta http-equiv="refresh" content="0;url=//${FOREIGN_HOST}/"><form action="//${FOREIGN_HOST}/"><button>Continue</button></form>`,
    ``,
    ...hostileAddresses(place).map((address, index) => `- [link ${index}](${address}) ![picture ${index}](${address}) <${address}>`),
    ``,
    `[named][evil]`,
    ``,
    `[evil]: javascript:${run(place)} "x"`,
    ``,
    "```js onmouseover=1",
    `</code></pre><img src=x onerror="${run(place)}">`,
    "```",
    "| a | b |",
    "|---|---|",
    `| <img src=x onerror="${run(place)}"> | [x](javascript:${run(place)}) |`,
    "",
    "{{constructor.constructor('globalThis.hacked=1')()}} ${globalThis.hacked=1} <%= globalThis.hacked=1 %> #{globalThis.hacked=1}",
    `\u202E\u2066\u200B\uFEFF\u0007\u001B[31mred\u001B[0m \uD800 ${"\u0301".repeat(40)}`,
    "W".repeat(600),
  ].join("\n");
}

/** Addresses that run something, or that lead away while they look as if they did not. */
export function hostileAddresses(place: string): readonly string[] {
  return [
    `javascript:${run(place)}`,
    `JaVaScRiPt:${run(place)}`,
    ` \u0001javascript:${run(place)}`,
    `java\tscript:${run(place)}`,
    `&#106;avascript:${run(place)}`,
    `javascript&colon;${run(place)}`,
    `data:text/html,<script>${run(place)}</script>`,
    `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="${run(place)}"/>`,
    `vbscript:msgbox(1)`,
    `//${FOREIGN_HOST}/${place}`,
    `\\\\${FOREIGN_HOST}\\${place}`,
    `/\t/${FOREIGN_HOST}/${place}`,
    `https:${FOREIGN_HOST}`,
    `https://${FOREIGN_HOST}/${place}`,
    `blob:https://${FOREIGN_HOST}/${place}`,
    `file:///etc/passwd`,
    `intent://${FOREIGN_HOST}#Intent;end`,
    `ｊavascript:${run(place)}`,
  ];
}

/** An object whose keys would reach what all objects share, if anybody merged it carelessly. */
export function hostileObject(place: string): Readonly<Record<string, unknown>> {
  return JSON.parse(
    JSON.stringify({
      "[proto]": { polluted: place, isAdmin: true },
      constructor: { prototype: { polluted: place } },
      toString: "no function",
      "[then]": "no promise",
      $$typeof: "Symbol(react.element)",
      type: "script",
      props: { dangerouslySetInnerHTML: { __html: hostileLine(place) } },
      [hostileLine(place)]: hostileText(place),
      href: `javascript:${run(place)}`,
      nothing: null,
      deep: [[[[[hostileLine(place)]]]]],
    })
      .replace('"[proto]"', '"__proto__"')
      .replace('"[then]"', '"then"'),
  ) as Readonly<Record<string, unknown>>;
}
