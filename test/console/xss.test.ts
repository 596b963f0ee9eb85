import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RUN_TABS, SECTIONS } from "./addresses.ts";
import { openConsole, type TestConsole } from "./console.ts";
import { hostileAddresses, hostileLine } from "./hostile-texts.ts";
import { fillWithHostility, hostilePlugin, type HostileRuns } from "./hostile-world.ts";
import { openWatched, settled } from "./watched.ts";

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

test("no page shows a stranger's name, text or address as anything but text", async () => {
  const { holds, go } = await openWatched(tutti);
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
    await go(path);
    await holds(path);
  }
});

test("no tab of a run does, whatever the run was named, given, asked, answered or failed with", async () => {
  const { holds, go } = await openWatched(tutti);
  for (const runId of Object.values(runs))
    for (const tab of RUN_TABS) {
      await go(`/runs/${runId}?tab=${tab}`);
      await holds(`${tab} of ${runId}`);
    }
});

test("no panel of a plugin does: titles, cells, links, markdown, timelines, charts and forms are text", async () => {
  const { page, holds } = await openWatched(tutti, "/commerce");
  await page.getByText("[picture: ").first().waitFor();
  await page.getByRole("table").first().waitFor();
  await settled(page);
  await page.locator("main td a").first().waitFor();
  // Of the addresses in the cells only those of the web are links.
  const links = await page.evaluate<readonly string[]>("[...document.querySelectorAll('main td a')].map((link) => link.protocol)");
  assert.ok(links.length > 0 && links.every((protocol) => protocol === "http:" || protocol === "https:"), String(links));
  await holds("commerce");
});

test("an address of a stranger says nothing and does nothing, in the path or behind the question mark", async () => {
  const { page, holds } = await openWatched(tutti);
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
  const { page, holds, go } = await openWatched(tutti);
  for (const path of ["/runs", "/events"]) {
    await go(path);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByText("onerror 0", { exact: false }).first().click();
    await settled(page);
    await holds(path);
  }
});
