/** Pages that strangers' texts are shown on, and a look at everything that may never come of them. */
import assert from "node:assert/strict";
import type { BrowserContextOptions } from "playwright-core";
import { until, type ConsolePage, type TestConsole } from "./console.ts";
import { FOREIGN_HOST, hostileLine } from "./hostile-texts.ts";

/** A page, and everything that came of it which should not have. */
export interface Watched {
  readonly page: ConsolePage;
  /** Fails when anything of a stranger ran, was asked for, leads away, or lies where it can be found. */
  readonly holds: (where: string) => Promise<void>;
  /** Goes to a page, and waits until it is whole. */
  readonly go: (path: string) => Promise<void>;
}

/** Opens a page that is watched. The stranger's host answers: what gets through would run. */
export async function openWatched(tutti: TestConsole, path = "/", options: BrowserContextOptions = {}): Promise<Watched> {
  const page = await tutti.open(path, { userAgent: hostileLine("browser").replaceAll(/[^\x20-\x7E]/g, ""), ...options });
  const wrong = watch(page, tutti);
  await answerAsStranger(page, (url) => wrong.push(`asked ${url}`));
  const { origin } = new URL(tutti.tutti.url);
  return {
    page,
    async go(to) {
      await page.goto(`${tutti.tutti.url}/admin${to}`);
      await settled(page);
    },
    async holds(where) {
      // A page gives its name after it is drawn.
      await until(page, "document.title !== 'Tutti'");
      const found = await page.evaluate<readonly string[]>(INSPECTION);
      assert.deepEqual([...found, ...wrong, ...page.problems], [], where);
      assert.equal(new URL(page.url()).origin, origin, where);
      const kept = await page.evaluate<string>(
        "document.documentElement.outerHTML + JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie + location",
      );
      assert.ok(!kept.includes(tutti.tutti.token), `${where}: the token can be read`);
    },
  };
}

/** Until the page has its heading and nothing of it is loading: what is shown is whole. */
export async function settled(page: ConsolePage): Promise<void> {
  // A window over the page hides the page's heading from whoever does not see it.
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("networkidle");
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}

/** The stranger's host, which is there and answers with a script: whatever asks it, is told of and would run. */
export async function answerAsStranger(page: ConsolePage, onAsked: (url: string) => void): Promise<void> {
  await page.context().route(
    (url) => url.hostname === FOREIGN_HOST,
    (route) => {
      onAsked(route.request().url());
      return route.fulfill({
        contentType: "text/javascript",
        headers: { "access-control-allow-origin": "*" },
        body: "globalThis.hacked = 'the stranger’s host'",
      });
    },
  );
}

function watch(page: ConsolePage, { tutti }: TestConsole): string[] {
  const { origin, host } = new URL(tutti.url);
  const wrong: string[] = [];
  page.context().on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (asked !== origin && protocol !== "blob:" && !request.url().startsWith("data:image/")) wrong.push(`asked ${request.url()}`);
    if (request.url().includes(tutti.token)) wrong.push(`the token in ${request.url()}`);
  });
  page.on("websocket", (socket) => new URL(socket.url()).host !== host && wrong.push(`opened ${socket.url()}`));
  page.on("dialog", (dialog) => {
    wrong.push(`said ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", (popup) => wrong.push(`opened a window at ${popup.url()}`));
  page.on("framenavigated", (frame) => frame !== page.mainFrame() && wrong.push(`framed ${frame.url()}`));
  return wrong;
}

/** Run in the page: lists what a stranger's text may never become. */
const INSPECTION = `(() => {
  const wrong = [];
  const overrides = /[\\u202A-\\u202E\\u2066-\\u2069]/;
  if (document.querySelector("h1") === null) wrong.push("no page");
  if (/could not be shown|Something went wrong/.test(document.body.innerText)) wrong.push("a broken page: " + document.querySelector("[role=alert]")?.innerText);
  if (globalThis.hacked !== undefined) wrong.push("ran: " + globalThis.hacked);
  if ({}.polluted !== undefined || [].isAdmin !== undefined) wrong.push("what all objects share was changed");
  if (overrides.test(document.title) || !document.title.endsWith(" · Tutti")) wrong.push("a title that looks other than it is: " + JSON.stringify(document.title));
  for (const node of document.querySelectorAll("*")) {
    const name = node.localName;
    const shown = () => node.outerHTML.slice(0, 300);
    for (const { name: attribute, value } of node.attributes) {
      if (/^on/i.test(attribute)) wrong.push("a handler: " + shown());
      if (["srcdoc", "formaction", "ping", "srcset", "background", "http-equiv"].includes(attribute)) wrong.push(attribute + ": " + shown());
      if (attribute === "style" && /url\\(|image-set|expression|@import/i.test(value)) wrong.push("a style that asks: " + shown());
      if (!/^(?:href|src|xlink:href|action|data|poster)$/.test(attribute)) continue;
      const to = new URL(value, document.baseURI);
      const isOwn = to.origin === location.origin || (name === "img" && /^data:image\\//.test(to.href));
      if (isOwn) continue;
      const isKnown = name === "a" && ["http:", "https:", "mailto:"].includes(to.protocol);
      const isApart = node.target === "_blank" && /noopener/.test(node.rel) && /noreferrer/.test(node.rel);
      if (!isKnown || !isApart) wrong.push("leads away: " + shown());
    }
    if (["iframe", "frame", "object", "embed", "applet", "portal", "foreignobject", "animate", "set"].includes(name)) wrong.push(name + ": " + shown());
    if (name === "script" && (node.textContent !== "" || new URL(node.src).origin !== location.origin)) wrong.push("a script: " + shown());
    if (name === "style" && !node.hasAttribute("data-own")) wrong.push("a style: " + shown());
    if (name === "base" && node.getAttribute("href") !== "/admin/") wrong.push("a base: " + shown());
    if (name === "meta" && node.httpEquiv !== "") wrong.push("a meta: " + shown());
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!overrides.test(text.data)) continue;
    let around = text.parentElement;
    // A text or a title of a drawing is a line of its own.
    const isApart = (element) => element.hasAttribute("dir") || ["text", "title"].includes(element.localName) || /isolate|plaintext/.test(getComputedStyle(element).unicodeBidi);
    while (around !== null && getComputedStyle(around).display === "inline" && !isApart(around)) around = around.parentElement;
    if (around !== null && !isApart(around) && around.textContent.trim() !== text.data.trim())
      wrong.push("turns what stands beside it: " + around.outerHTML.slice(0, 300));
  }
  return wrong;
})()`;
