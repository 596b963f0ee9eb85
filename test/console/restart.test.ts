import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { createClient } from "@tutti/client";
import { chromium } from "playwright-core";
import { openWorkplace } from "../../packages/server/src/cli/testing/tutti-process.ts";
import { CHROMIUM } from "./console.ts";

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
