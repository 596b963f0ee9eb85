import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openConsole, type ConsolePage, type TestConsole } from "./console.ts";
import { hostileAddresses, hostileLine } from "./hostile-texts.ts";
import { fillWithHostility, hostilePlugin, type HostileRuns } from "./hostile-world.ts";

let tutti: TestConsole;
let runs: HostileRuns;
before(async () => {
  tutti = await openConsole({ inlinePlugins: [hostilePlugin], toolsAllow: ["mail"] });
  runs = await fillWithHostility(tutti.tutti);
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

const PAGES = [
  "/",
  "/approvals",
  "/runs",
  "/schedules",
  "/queues",
  "/dead-letters",
  "/events",
  "/workflows",
  "/workflows/evil",
  "/workflows/evil-graph",
  "/agents",
  "/agents/mallory",
  "/compare",
  "/commerce",
];
const SECTIONS = ["access", "models", "policy", "plugins", "mcp", "sandbox", "budgets", "health", "configuration", "appearance"];
const RUN_TABS = ["timeline", "log", "graph", "values", "receipt", "cost", "raw"];

/** A page, and everything that came of it which should not have. */
interface Watched {
  readonly page: ConsolePage;
  /** Fails when anything of a stranger ran, was asked for, leads away, or lies where it can be found. */
  readonly holds: (where: string) => Promise<void>;
}

async function watched(path = "/"): Promise<Watched> {
  const page = await tutti.open(path, { userAgent: hostileLine("browser").replaceAll(/[^\x20-\x7E]/g, "") });
  const { origin, host } = new URL(tutti.tutti.url);
  const wrong: string[] = [];
  page.context().on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (asked !== origin && protocol !== "blob:" && !request.url().startsWith("data:image/")) wrong.push(`asked ${request.url()}`);
    if (request.url().includes(tutti.tutti.token)) wrong.push(`the token in ${request.url()}`);
  });
  page.on("websocket", (socket) => new URL(socket.url()).host !== host && wrong.push(`opened ${socket.url()}`));
  page.on("dialog", (dialog) => {
    wrong.push(`said ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", (popup) => wrong.push(`opened a window at ${popup.url()}`));
  page.on("download", (download) => wrong.push(`downloaded ${download.url()}`));
  return {
    page,
    async holds(where) {
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

/** Run in the page: lists what a stranger's text may never become. */
const INSPECTION = `(() => {
  const wrong = [];
  if (document.querySelector("h1") === null) wrong.push("no page");
  if (/could not be shown|Something went wrong/.test(document.body.innerText)) wrong.push("a broken page: " + document.querySelector("[role=alert]")?.innerText);
  if (globalThis.hacked !== undefined) wrong.push("ran: " + globalThis.hacked);
  if ({}.polluted !== undefined || [].isAdmin !== undefined) wrong.push("what all objects share was changed");
  for (const node of document.querySelectorAll("*")) {
    const name = node.localName;
    const shown = () => node.outerHTML.slice(0, 300);
    for (const { name: attribute, value } of node.attributes) {
      if (/^on/i.test(attribute)) wrong.push("a handler: " + shown());
      if (attribute === "srcdoc" || attribute === "formaction" || attribute === "ping") wrong.push(attribute + ": " + shown());
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
    if (name === "base" && node.getAttribute("href") !== "/admin/") wrong.push("a base: " + shown());
    if (name === "meta" && node.httpEquiv !== "") wrong.push("a meta: " + shown());
  }
  return wrong;
})()`;

async function go(page: ConsolePage, path: string): Promise<void> {
  await page.goto(`${tutti.tutti.url}/admin${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await settled(page);
}

/** Until nothing is loading: what is shown is whole. */
async function settled(page: ConsolePage): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.waitForFunction('document.querySelector("[aria-busy=true]") === null');
}

test("no page shows a stranger's name, text or address as anything but text", async () => {
  const { page, holds } = await watched();
  const child = `/workflows/${encodeURIComponent(hostileLine("workflow-name"))}`;
  const sections = ["spend", "datasets", "search", "values"].map((tab) => `/data?tab=${tab}`);
  const paths = [
    ...PAGES,
    "/approvals?tab=grants",
    "/workflows/evil-graph?tab=history",
    child,
    ...sections,
    ...SECTIONS.map((section) => `/settings/${section}`),
  ];
  for (const path of paths) {
    await go(page, path);
    await holds(path);
  }
});

test("no tab of a run does, whatever the run was named, given, asked, answered or failed with", async () => {
  const { page, holds } = await watched();
  for (const runId of Object.values(runs))
    for (const tab of RUN_TABS) {
      await go(page, `/runs/${runId}?tab=${tab}`);
      await holds(`${tab} of ${runId}`);
    }
});

test("no panel of a plugin does: titles, cells, links, markdown, timelines, charts and forms are text", async () => {
  const { page, holds } = await watched("/commerce");
  await page.getByText("[picture: ").first().waitFor();
  await page.getByRole("table").first().waitFor();
  await settled(page);
  // Of the addresses in the cells only those of the web are links.
  const links = await page.evaluate<readonly string[]>("[...document.querySelectorAll('main td a')].map((link) => link.protocol)");
  assert.ok(links.length > 0 && links.every((protocol) => protocol === "http:" || protocol === "https:"), String(links));
  await holds("commerce");
});

test("an address of a stranger says nothing and does nothing, in the path or behind the question mark", async () => {
  const { page, holds } = await watched();
  const parameters =
    "tab q text type run status workflow parent by from to last since until step span node event with sort model left right";
  const [script = ""] = hostileAddresses("search");
  const values = [hostileLine("search"), script, "toString", "__proto__", "9".repeat(400)];
  const pages = [...PAGES, `/runs/${runs.evil}`, "/data", "/settings/policy"];
  for (const path of pages) {
    for (const value of values) {
      const search = new URLSearchParams(`${parameters} __proto__ constructor`.split(" ").map((name): [string, string] => [name, value]));
      await page.goto(`${tutti.tutti.url}/admin${path}?${String(search)}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await holds(`${path} with ${value}`);
    }
  }
  for (const value of values) {
    const part = encodeURIComponent(value);
    for (const path of [
      `/runs/${part}`,
      `/workflows/${part}`,
      `/agents/${part}`,
      `/settings/${part}`,
      `/panels/${part}/${part}`,
      `/${part}`,
    ]) {
      await page.goto(`${tutti.tutti.url}/admin${path}`);
      await page.locator("h1, pre").first().waitFor();
      await holds(path);
    }
  }
});

test("a saved view with a stranger's values opens nothing but its page", async () => {
  const { page, holds } = await watched();
  for (const path of ["/runs", "/events"]) {
    await go(page, path);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByText("onerror 0", { exact: false }).first().click();
    await settled(page);
    await holds(path);
  }
});

test("the policy of the pages lets no script, style, frame or request of a stranger through", async () => {
  const { page } = await watched();
  const tried = await page.evaluate<readonly string[]>(ATTEMPTS);
  assert.deepEqual(tried, []);
  assert.ok(page.problems.some((problem) => problem.includes("Content Security Policy")));
});

/** Does by hand what an injected element would do, and tells what came through. */
const ATTEMPTS = `(async () => {
  const came = [];
  const attempt = (name, attributes, content = "") => new Promise((resolve) => {
    const node = Object.assign(document.createElement(name), attributes);
    node.textContent = content;
    node.onload = () => { if (name !== "iframe") came.push(name + " " + JSON.stringify(attributes)); resolve(); };
    node.onerror = resolve;
    document.body.append(node);
    setTimeout(resolve, 300);
  });
  await attempt("script", {}, "globalThis.hacked = 'inline'");
  await attempt("script", { src: "data:text/javascript,globalThis.hacked='data'" });
  await attempt("script", { src: URL.createObjectURL(new Blob(["globalThis.hacked='blob'"])) });
  await attempt("link", { rel: "stylesheet", href: "data:text/css,body{color:red}" });
  await attempt("object", { data: "data:text/html,x" });
  const handler = document.createElement("div");
  handler.innerHTML = "<img src=x onerror=\\"globalThis.hacked='handler'\\">";
  document.body.append(handler);
  await attempt("img", { src: "https://tutti-evil.invalid/x.png" });
  try { globalThis.eval("globalThis.hacked = 'eval'"); came.push("eval"); } catch {}
  try { new Function("globalThis.hacked = 'Function'")(); came.push("Function"); } catch {}
  try { new Worker("data:text/javascript,postMessage(1)"); } catch {}
  try { await fetch("https://tutti-evil.invalid/"); came.push("fetch"); } catch {}
  const frame = document.createElement("iframe");
  frame.src = location.href;
  document.body.append(frame);
  await new Promise((resolve) => setTimeout(resolve, 100));
  try { if (frame.contentDocument?.querySelector("nav") !== null && frame.contentDocument !== null) came.push("iframe"); } catch {}
  const link = Object.assign(document.createElement("a"), { href: "javascript:globalThis.hacked='link'" });
  document.body.append(link);
  link.click();
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (globalThis.hacked !== undefined) came.push("ran " + globalThis.hacked);
  return came;
})()`;
