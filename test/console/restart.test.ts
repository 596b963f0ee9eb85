import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { createClient } from "@tutti/client";
import { chromium } from "playwright-core";
import { openWorkplace } from "../../packages/server/src/cli/testing/tutti-process.ts";
import { CHROMIUM, openConsole, until, violations } from "./console.ts";

/** Two nodes and more of the graph wait for signals, so that the log grows when the test says so. */
const GRAPH = `name: restarted
input: { type: object }
nodes:
  first: { type: wait, signal: first }
  second: { type: wait, signal: second }
  ask: { type: approval, question: "Go on after the crash?" }
edges:
  - { from: first, to: second }
  - { from: second, to: ask }
`;
const LIFETIME_MS = 300_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("a server that is killed and started again: pages say so, catch up without gap or duplicate, and its log never tells the token", async () => {
  await using place = await openWorkplace();
  const port = await freePort();
  const token = "a-token-for-tests-only";
  const url = `http://127.0.0.1:${port}`;
  const printed: string[] = [];
  const up = async () => {
    const started = place.start(["up"], { env: { TUTTI_PORT: String(port), TUTTI_PLUGINS: "" }, timeoutMs: LIFETIME_MS });
    for (const stream of [started.child.stdout, started.child.stderr]) stream?.on("data", (text: string) => printed.push(text));
    await started.printed(url);
    return started;
  };
  const server = await up();
  const client = createClient({ baseUrl: url, token });
  const { run } = await client.startGraph({ text: GRAPH, input: {} });
  const { code } = await client.invite();
  await using browser = await chromium.launch(CHROMIUM);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(60_000);
  await context.addInitScript('localStorage.setItem("tutti.toured", "yes")');
  const [log, runs, approvals] = [await context.newPage(), await context.newPage(), await context.newPage()];
  await log.goto(`${url}/admin/runs/${run.id}?tab=log#code=${code}`);
  await log
    .getByRole("row", { name: /step\.waiting/ })
    .first()
    .waitFor();
  await runs.goto(`${url}/admin/runs`);
  await runs.locator(`[title="${run.id}"]`).first().waitFor();
  await approvals.goto(`${url}/admin/approvals`);
  await approvals.getByText("Nobody waits for you").waitFor();

  server.child.kill("SIGKILL");
  await server.ended;
  for (const page of [log, runs, approvals]) await page.getByRole("alert").getByText("does not answer").waitFor();
  await using again = { server: await up(), [Symbol.asyncDispose]: async () => void again.server.child.kill("SIGKILL") };
  await client.signalRun(run.id, { name: "first", value: 1 });
  const others = await Promise.all(Array.from({ length: 5 }, () => client.startGraph({ text: GRAPH, input: {} })));
  await client.signalRun(run.id, { name: "second", value: 2 });

  await approvals.getByText("Go on after the crash?").first().waitFor();
  for (const { run: other } of others) await runs.locator(`[title="${other.id}"]`).first().waitFor();
  for (const page of [log, runs, approvals]) await page.getByRole("alert").getByText("does not answer").waitFor({ state: "detached" });
  const [asked] = (await client.approvals({ limit: 10 })).filter(({ runId }) => runId === run.id);
  assert.ok(asked !== undefined);
  await client.answerApproval(asked, { approved: true, reason: "it is back" });
  await approvals.getByText("Nobody waits for you").waitFor();
  await log
    .getByRole("row", { name: /run\.completed/ })
    .first()
    .waitFor();
  const shown = await log
    .getByRole("grid", { name: "Log" })
    .getByRole("row")
    .evaluateAll((rows) => rows.slice(1).map((one) => one.firstElementChild?.textContent));
  assert.deepEqual(
    shown,
    (await client.events(run.id)).map(({ seq }) => String(seq)),
  );
  const listed = await runs
    .getByRole("grid", { name: "Runs" })
    .locator("[data-index] [title]")
    .evaluateAll((cells) =>
      cells.map((cell) => cell.getAttribute("title") ?? "").filter((title) => /^[\da-f]{8}-[\da-f-]{27}$/.test(title)),
    );
  assert.equal(listed.length, others.length + 1);
  assert.deepEqual(new Set(listed), new Set([run.id, ...others.map(({ run: other }) => other.id)]));
  const text = printed.join("");
  assert.ok(!text.includes(code) && !text.includes(token), "the log holds neither the token nor a code that signs in");
});

test("a page or a tab that was not loaded before the server went away says so in its place, and comes by itself", async () => {
  await using console = await openConsole();
  const client = createClient({ baseUrl: console.tutti.url, token: console.tutti.token });
  const { id } = (await client.startGraph({ text: GRAPH, input: {} })).run;
  const [page, run] = [await console.open("/runs"), await console.open(`/runs/${id}?tab=log`)];
  await run
    .getByRole("row", { name: /step\.waiting/ })
    .first()
    .waitFor();
  await page.locator(`[title="${id}"]`).first().waitFor();
  await console.restart(async () => {
    for (const one of [page, run]) await one.getByRole("alert").getByText("does not answer").waitFor();
    await page.getByRole("link", { name: "Commerce" }).click();
    await page.getByRole("main").getByText("This page comes when the server is back").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    await page.getByRole("link", { name: "Commerce" }).click();
    await page.getByRole("main").getByText("This page comes when the server is back").waitFor();
    await page.getByRole("alert").getByText("does not answer").waitFor();
    await page.keyboard.press("?");
    await page.getByText("open it again when it does").first().waitFor();
    await run.getByRole("tab", { name: "Graph" }).click();
    await run.getByRole("tabpanel").getByText("This part comes when the server is back").waitFor();
  });
  await page.getByRole("heading", { name: "Commerce", level: 1 }).waitFor();
  await run.locator(".react-flow__node").first().waitFor();
  // What came later has its styles.
  await until(run, "[...document.querySelectorAll('link[rel=stylesheet]')].every(({ sheet }) => sheet !== null)");
  assert.deepEqual([...page.problems, ...run.problems], []);
});

test("a page whose code is gone after an upgrade loads the console anew once, and then says what to do", async () => {
  await using console = await openConsole();
  const page = await console.open("/runs");
  await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  let loads = 0;
  page.on("load", () => (loads += 1));
  await page.route("**/assets/commerce-page-*.js", (route) => route.fulfill({ status: 404, body: "" }));
  await page.getByRole("link", { name: "Commerce" }).click();
  await page.getByRole("main").getByText("the server has no more").waitFor();
  await page.waitForLoadState("load");
  assert.equal(loads, 1);
  await page.unroute("**/assets/commerce-page-*.js");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Commerce", level: 1 }).waitFor();
  assert.deepEqual(page.problems, []);
});

test("what was read before the server went away stays when somebody comes back to it, and catches up when the server is back", async () => {
  await using console = await openConsole();
  const client = createClient({ baseUrl: console.tutti.url, token: console.tutti.token });
  const { id } = (await client.startGraph({ text: GRAPH, input: {} })).run;
  const page = await console.open("/");
  const main = page.getByRole("main");
  const places = ["Approvals", "Runs", "Schedules", "Queues", "Dead letters", "Events", "Workflows", "Agents", "Data", "Overview"];
  const go = async (name: string): Promise<void> => {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  };
  const isThere = async (name: string): Promise<void> => {
    await main.getByRole("status").getByText("Loading").first().waitFor({ state: "detached" });
    if (name === "Runs") await main.locator(`[title="${id}"]`).first().waitFor();
    if (name === "Events")
      await main
        .getByRole("row", { name: /step\.waiting/ })
        .first()
        .waitFor();
    if (name === "Workflows") await main.getByRole("link").first().waitFor();
  };
  for (const name of places) {
    await go(name);
    await isThere(name);
  }
  await go("Runs");
  await main.locator(`[title="${id}"]`).first().click();
  const header = page.getByRole("heading", { name: /^Run of/, level: 1 });
  await header.waitFor();
  await console.restart(async () => {
    await page.getByRole("alert").getByText("does not answer").waitFor();
    for (const name of places) {
      await go(name);
      await isThere(name);
      assert.equal(await main.getByRole("alert").count(), 0, `${name} keeps what it has`);
    }
    await go("Runs");
    const inVain = page.waitForEvent("requestfailed", (request) => request.url().includes(id));
    await main.locator(`[title="${id}"]`).first().click();
    await header.waitFor();
    await inVain;
    assert.equal(await main.getByRole("alert").count(), 0, "the run keeps what it has");
    await go("Runs");
  });
  const again = createClient({ baseUrl: console.tutti.url, token: console.tutti.token });
  const other = (await again.startGraph({ text: GRAPH, input: {} })).run.id;
  await main.locator(`[title="${other}"]`).first().waitFor();
  await main.locator(`[title="${id}"]`).first().waitFor();
  assert.deepEqual(page.problems, []);
});

test("a sky whose code could not be loaded is flat, and comes in depth by itself when the server is back", async () => {
  await using console = await openConsole();
  const page = await console.open("/runs");
  await page.getByText("Live", { exact: true }).waitFor();
  const code = "**/assets/scene-sky-*.js";
  await page.route(code, (route) => route.abort());
  await page.goto(`${console.tutti.url}/admin/?scene=3d`);
  const sky = page.getByRole("region", { name: "Constellation" });
  await sky.getByRole("link").first().waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  assert.equal(await sky.locator("canvas").count(), 0);
  await console.restart(async () => {
    await page.getByRole("alert").getByText("does not answer").waitFor();
    await page.unroute(code);
  });
  await sky.locator("canvas").waitFor();
  assert.deepEqual(page.problems, []);
});
