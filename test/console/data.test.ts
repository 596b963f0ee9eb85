import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { defineWorkflow, type AgentSpec, type Plugin } from "@tutti/core";
import type { Download } from "playwright-core";
import { z } from "zod";
import { MEDIA_API_KEY, startMediaUpstream, type MediaUpstream } from "../../packages/server/src/testing/media-upstream.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, violations, type ConsolePage, type TestConsole } from "./console.ts";

const clerk: AgentSpec = {
  name: "clerk",
  version: "1",
  description: "Answers letters of customers.",
  instructions: "You are the clerk.",
  model: "default",
  tools: [],
  starters: [],
  routes: [],
  limits: { stepsMax: 2, historyMessagesMax: 10 },
};
const LARGE = "0123456789".repeat(9_000);

const office = {
  name: "office",
  agents: [clerk],
  workflows: [
    defineWorkflow({ name: "report", version: "1", input: z.json(), run: async () => "done" }),
    defineWorkflow({
      name: "archive",
      version: "1",
      input: z.json(),
      run: async (ctx) => ctx.step("load", () => ({ rows: LARGE })),
    }),
  ],
  tools: [
    {
      name: "temperatures",
      description: "Temperatures of the cellar.",
      effect: "read",
      parameters: { type: "object" },
      run: async () => ({
        rows: [
          { day: "2026-01-01", mean: 4 },
          { day: "2026-01-02", mean: 6 },
        ],
      }),
    },
  ],
  panels: [
    {
      id: "cellar",
      title: "The cellar",
      slot: "data",
      view: "table",
      source: { tool: "temperatures" },
      at: "rows",
      columns: [
        { key: "day", format: "date" },
        { key: "mean", title: "Mean", format: "number", unit: "°C" },
      ],
    },
  ],
} as unknown as Plugin;

let upstream: OpenAiUpstream;
let media: MediaUpstream;
let tutti: TestConsole;
let client: Client;
before(async () => {
  upstream = await startOpenAiUpstream(undefined, { models: ["gpt-4o-mini"] });
  media = await startMediaUpstream();
  tutti = await openConsole({
    inlinePlugins: [office],
    toolsAllow: ["temperatures"],
    model: "gpt-4o-mini",
    providers: [
      { name: "openai", kind: "openai", baseUrl: upstream.baseUrl, apiKey: "sk-stand-in", models: ["gpt-4o-mini"] },
      { name: "vectors", kind: "openai", baseUrl: media.baseUrl, apiKey: MEDIA_API_KEY, models: ["text-embedding-3-small"] },
    ],
  });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await media[Symbol.asyncDispose]();
});

const region = (page: ConsolePage, name: string | RegExp) => page.getByRole("region", { name });
const go = (page: ConsolePage, path: string): Promise<unknown> => page.goto(`${tutti.tutti.url}/admin${path}`);
const textOf = async (download: Download): Promise<string> => readFile(await download.path(), "utf8");

test("spending is shown by model, workflow and key, as dollars or tokens, as a table too, and leaves as CSV", async () => {
  const page = await tutti.open("/data");
  await page.getByText("Nothing was spent in this time").first().waitFor();
  assert.deepEqual(await violations(page), []);
  const { secret } = await client.createKey({ name: "web shop" });
  await fetch(`${tutti.tutti.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "good morning" }] }),
  });
  const messages = [{ role: "user" as const, content: "hello" }];
  for await (const _ of client.chat({ agent: "clerk", messages }, AbortSignal.timeout(60_000))) continue;
  await page.reload();
  const table = region(page, /^By (?!day)/).getByRole("table");
  await table
    .getByRole("row")
    .filter({ hasText: "gpt-4o-mini" })
    .getByText(/\$0\.0/)
    .waitFor();

  await page.getByLabel("By", { exact: true }).selectOption("workflow");
  await page.waitForURL(/by=workflow/);
  await table.getByRole("row").filter({ hasText: "clerk" }).waitFor();
  await table.getByRole("row").filter({ hasText: "tutti.chat-completions" }).waitFor();
  await page.getByLabel("Show", { exact: true }).selectOption("tokens");
  const numbers = page.getByRole("table", { name: "Tokens by day and workflow" });
  await numbers.getByRole("columnheader", { name: "clerk" }).waitFor({ state: "attached" });
  await page.getByLabel("By", { exact: true }).selectOption("key");
  await table.getByRole("row").filter({ hasText: "web shop" }).waitFor();
  await table.getByRole("row").filter({ hasText: "without a key" }).waitFor();
  assert.deepEqual(await violations(page), []);

  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  assert.match(await textOf(saved), /^key,requests,inputTokens/);
  assert.deepEqual([...page.problems], []);
});

test("a plugin's dataset stands among the data, and where there is none the page says how to bring one", async () => {
  const page = await tutti.open("/data?tab=datasets");
  const cellar = region(page, "The cellar");
  await cellar.getByText("6 °C").waitFor();
  await cellar.getByRole("link", { name: "receipt" }).waitFor();
  assert.deepEqual(await violations(page), []);
});

test("large values are listed as they come, opened by a click or by their hash, and leave as files", async () => {
  const page = await tutti.open("/data?tab=values");
  await page.getByText("No event of this log refers to a large value").waitFor();
  await client.startRun({ workflow: "archive", input: null });
  const line = page.getByRole("list", { name: "Large values" }).getByRole("listitem").filter({ hasText: "output of load" });
  await line.getByText(/KB|KiB|kB/).waitFor();
  const [saved] = await Promise.all([page.waitForEvent("download"), line.getByRole("button", { name: "Download" }).click()]);
  assert.deepEqual(JSON.parse(await textOf(saved)), { rows: LARGE });
  await line.getByRole("button", { name: "Open" }).click();
  await page.waitForURL(/sha256=[0-9a-f]{64}/);
  await region(page, "The value").getByText("0123456789").first().waitFor();
  await page.getByRole("button", { name: "Read the next" }).click();
  await region(page, "The value").getByText("rows").first().waitFor();
  assert.deepEqual(await violations(page), []);

  const field = page.getByLabel("SHA-256 of the value");
  await field.fill("not a hash");
  await page.getByText("wanted 64 hexadecimal digits").waitFor();
  await field.fill("f".repeat(64));
  await field.press("Enter");
  await page.getByRole("alert").getByText("not_found").waitFor();
});

test("events are filtered in the address, opened by their own address, paused, followed, exported and looked for far back", async () => {
  const { run: first } = await client.startRun({ workflow: "report", input: "the very first" });
  for (let part = 0; part < 8; part += 1)
    await Promise.all(Array.from({ length: 50 }, () => client.startRun({ workflow: "report", input: null })));
  const page = await tutti.open("/events?type=run.started");
  const grid = page.getByRole("grid", { name: "Events" });
  const rows = grid.getByRole("row").filter({ hasText: "run.started" });
  await rows.first().waitFor();
  assert.equal(await page.getByLabel("Type").inputValue(), "run.started");
  assert.equal(await grid.getByRole("row").filter({ hasText: "run.completed" }).count(), 0);
  await page.getByLabel("Text").fill("the very first");
  await page.waitForURL(/text=the/);
  await page.getByText("No event is like that yet").waitFor();
  await page.getByRole("button", { name: "Look further back" }).click();
  await rows.first().waitFor();
  await rows.first().click();
  await page.waitForURL(/event=\d+/);
  const pane = page.getByRole("complementary", { name: /^Event \d+/ });
  await pane.getByText("the very first").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.reload();
  await pane.getByText("the very first").waitFor();
  await pane.getByRole("button", { name: "Close the event" }).click();
  await pane.waitFor({ state: "detached" });

  await go(page, `/events?run=${first.id}`);
  await rows.first().waitFor();
  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
  const lines = (await textOf(saved)).trim().split("\n");
  assert.ok(lines.length >= 2 && lines.every((line) => (JSON.parse(line) as { event: { runId: string } }).event.runId === first.id));

  await go(page, "/events?type=run.started");
  await rows.first().waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  const { run: late } = await client.startRun({ workflow: "report", input: "late" });
  await page.getByRole("button", { name: "Follow (1 new)" }).click();
  await grid
    .getByRole("row")
    .filter({ hasText: late.id.slice(-6) })
    .or(grid.getByRole("link", { name: late.id.slice(0, 8) }))
    .first()
    .waitFor();
  await page.route("**/v1/trust/events?*", () => {});
  const asked = page.waitForRequest("**/v1/trust/events?*");
  await go(page, "/events?type=run.failed");
  await asked;
  const ended = page.waitForEvent("requestfailed", (request) => request.url().includes("/v1/trust/events"));
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await ended;
  await page.unroute("**/v1/trust/events?*");

  await go(page, "/events?event=999999999");
  await page.getByRole("alert").getByText("not_found").waitFor();
  assert.deepEqual([...page.problems], []);
});

test("a query is saved, renamed, opened again, deleted and brought back; what is no view breaks nothing", async () => {
  await client.saveView("events: odd", 5);
  await client.saveView("runs: odd", ["no", "view"]);
  const page = await tutti.open("/events?type=run.failed");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByLabel("Save these filters as").fill("failures");
  await page.keyboard.press("Enter");
  await page.getByText('View "failures" is saved').waitFor();
  await page.getByRole("button", { name: "Rename failures" }).click();
  await page.getByLabel("New name of failures").fill("what broke");
  await page.keyboard.press("Enter");
  const view = page.getByRole("button", { name: "what broke", exact: true });
  await view.first().waitFor();
  await page.getByRole("button", { name: "Delete what broke" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await view.first().waitFor();
  await go(page, "/events");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("button", { name: "odd", exact: true }).waitFor();
  await view.click();
  await page.waitForURL(/type=run\.failed/);
  await go(page, "/runs");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("button", { name: "odd", exact: true }).click();
  await page.getByRole("grid", { name: "Runs" }).waitFor();
  assert.deepEqual([...page.problems], []);
});

test("things are found by what they are for, with the model that comes with Tutti or one of a provider", async () => {
  const page = await tutti.open("/data?tab=search");
  await page.getByLabel("What should it do?").fill("calculate with numbers");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=calculate/);
  await page.getByRole("meter", { name: "How near safe_calc is" }).waitFor();
  const ranked = page.waitForResponse("**/v1/rerank");
  await page.getByLabel("Model").selectOption({ label: "vectors/text-embedding-3-small" });
  await page.waitForURL(/model=vectors/);
  await ranked;
  await page.getByRole("meter").first().waitFor();
  assert.ok(media.calls.some(({ path, received }) => path === "/v1/embeddings" && received.includes("calculate with numbers")));
  assert.deepEqual(await violations(page), []);
  await go(page, "/data?tab=search&q=hello&model=nowhere%2Fnothing");
  await page.getByRole("alert").waitFor();
  assert.deepEqual([...page.problems], []);
});
