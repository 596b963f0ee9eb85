import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { contrast } from "./contrast.ts";

const css = await readFile(new URL("tokens.css", import.meta.url), "utf8");
const GROUNDS = ["ground", "ground-1", "ground-2", "ground-3"];
const READ = ["ink", "ink-2", "ink-3", "blue", "orange", "green", "red", "violet", "yellow"];
/** What is text on a filled button or badge. */
const ACCENTS = ["blue", "orange", "green", "red", "violet", "yellow"];

for (const theme of ["dark", "light"]) {
  const tokens = tokensOf(theme);
  test(`in the ${theme} theme whatever is read stands out from every ground, 4.5 to 1`, () => {
    const weak = GROUNDS.flatMap((ground) => READ.map((ink) => pair(tokens, ink, ground))).filter(({ ratio }) => ratio < 4.5);
    assert.deepEqual(weak, []);
  });
  test(`in the ${theme} theme what lies on an accent can be read, 4.5 to 1`, () => {
    assert.deepEqual(
      ACCENTS.map((accent) => pair(tokens, "on-accent", accent)).filter(({ ratio }) => ratio < 4.5),
      [],
    );
  });
  test(`in the ${theme} theme the edges of controls stand out, 3 to 1`, () => {
    assert.deepEqual(
      GROUNDS.map((ground) => pair(tokens, "line-strong", ground)).filter(({ ratio }) => ratio < 3),
      [],
    );
  });
}

test("contrast is WCAG's: black and white are 21 to 1, a colour and itself 1 to 1, and the order is of no matter", () => {
  assert.equal(contrast("#000000", "#ffffff"), 21);
  assert.equal(contrast("#123456", "#123456"), 1);
  assert.equal(contrast("#777777", "#ffffff").toFixed(2), "4.48");
});

function tokensOf(theme: string): ReadonlyMap<string, string> {
  const block = new RegExp(`\\[data-theme="${theme}"\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", value = ""]) => [name, value]));
}

function pair(tokens: ReadonlyMap<string, string>, front: string, back: string): { readonly pair: string; readonly ratio: number } {
  const [one, other] = [tokens.get(front), tokens.get(back)];
  assert.ok(one !== undefined && other !== undefined, `wanted the tokens ${front} and ${back}`);
  return { pair: `${front} on ${back}`, ratio: contrast(one, other) };
}
