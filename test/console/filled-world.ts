/**
 * A whole Tutti in which something stands on every page of the console: a lamp shop's month. Always the same apart from the ids and
 * times of what is run now.
 */
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type Client } from "@tutti/client";
import type { Json } from "@tutti/core";
import { plugin as orders } from "../../examples/graph-order/plugin.ts";
import { plugin as triage } from "../../examples/triage-inbox/index.ts";
import type { Script } from "../../packages/server/src/testing/openai-answers.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, type TestConsole } from "./console.ts";
import { pastEvents } from "./filled-past.ts";
import { lampShop } from "./filled-shop.ts";

const ROOT = join(import.meta.dirname, "../..");
const HOUR_MS = 3_600_000;
/** No run of the shop takes as long, however busy the machine is. */
const PATIENCE_MS = 120_000;
const DAY_MS = 24 * HOUR_MS;

/** The filled Tutti, its browser, and the addresses of what is in it. */
export interface FilledWorld extends AsyncDisposable {
  readonly console: TestConsole;
  readonly client: Client;
  readonly runs: FilledRuns;
}

/** Runs by what is to be seen in them. */
export interface FilledRuns {
  /** Loads in parallel, tries again, asks a model, has a child, and gives a value from the blob store. */
  readonly done: string;
  readonly child: string;
  readonly failed: string;
  /** Went on from the failed one with another input. */
  readonly forked: string;
  /** Waits for a person. */
  readonly asking: string;
  /** Has gone on for long, and goes on. */
  readonly long: string;
  readonly cancelled: string;
  /** A graph with conditions, a map, a loop, an approval, an agent and a model. */
  readonly graph: string;
  /** Of many tools and agents. */
  readonly triage: string;
  readonly queued: string;
  /** An answer of an agent, with a tool. */
  readonly chat: string;
}

/** Opens one; it takes a few seconds. */
export async function openFilledWorld(): Promise<FilledWorld> {
  await using opening = new AsyncDisposableStack();
  const upstream = opening.use(await startOpenAiUpstream(script, { models: ["lamps-large", "lamps-small"] }));
  const pluginsDir = await mkdtemp(join(tmpdir(), "tutti-filled-"));
  opening.defer(() => rm(pluginsDir, { recursive: true, force: true }));
  for (const name of ["shop", "hello"]) await cp(join(ROOT, "examples/plugins", name), join(pluginsDir, name), { recursive: true });
  const toolPolicyPath = join(pluginsDir, "policy.yaml");
  await writeFile(toolPolicyPath, POLICY);
  const opened = opening.use(
    await openConsole({
      inlinePlugins: [lampShop, triage, orders],
      pluginsDir,
      modelBaseUrl: upstream.baseUrl,
      model: "lamps-large",
      queues: [
        { name: "printer", workflows: ["print-labels"], concurrency: 1, queuedMax: 50 },
        { name: "exports", workflows: ["export-file"], concurrency: 8, queuedMax: 1000, keyBy: "tenant", concurrencyPerKey: 4 },
      ],
      budgets: {
        users: { mira: { budgets: [{ amountUsd: 40, per: "month" }] } },
        teams: { support: { requestsPerMinute: 120, budgets: [{ amountUsd: 100, per: "month" }] } },
      },
      toolPolicyPath,
      mcpServers: [],
    }),
  );
  const { tutti } = opened;
  const client = createClient({ baseUrl: tutti.url, token: tutti.token });
  const world = { client, console: opened };
  await keysAndPast(world);
  await Promise.all([schedules(client), supervisedWork(client), publications(client), chats(client), plugins(world), savedThings(client)]);
  await approvals(world);
  const runs = await makeRuns(world);
  const made = opening.move();
  return {
    ...world,
    runs: { ...runs, chat: await answer(client, "Where is order L-2041?") },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

const POLICY = `version: 1
description: What agents of the lamp shop may do by themselves.
rules:
  - id: reading
    effect: allow
    reason: reading changes nothing
    match: { effect: read }
  - id: mail-inside
    effect: allow
    reason: mail to colleagues stays in the house
    match: { tool: send_mail }
    when: { input: { /to: { matches: '^[^@]+@lamps\\.example$' } } }
`;

type World = Pick<FilledWorld, "client" | "console">;

/** A model that looks orders up, and otherwise says a few fitting sentences. */
const script: Script = (body) => {
  const last = body.messages.at(-1);
  const text = typeof last?.content === "string" ? last.content : JSON.stringify(last?.content ?? "");
  if (last?.role === "user" && text.includes("L-2041"))
    return { type: "calls", calls: [{ id: "call_1", name: "find_order", arguments: '{"number":"L-2041"}' }] };
  if (last?.role === "tool")
    return {
      type: "text",
      pieces: [
        "Your order **L-2041** is on its way: ",
        "the parcel was in Basel this morning. ",
        "It should be with you *tomorrow*.\n\n",
        "- one desk lamp\n- sent from Milano",
      ],
    };
  if (text.includes("sales of"))
    return { type: "text", pieces: ["The three shops sold 126 lamps ", "for 4,680 €, ", "a tenth more than the day before."] };
  if (body.model === "lamps-small") return { type: "text", pieces: ["Yes, ", "within thirty days, ", "with the receipt."] };
  return {
    type: "text",
    pieces: ["Yes: ", "within thirty days, ", "also when it was used. ", "Bring the receipt or your order's number."],
  };
};

async function keysAndPast({ client, console }: World): Promise<void> {
  const keys = [
    {
      name: "support desk",
      user: "mira",
      team: "support",
      models: ["lamps-*"],
      limits: { requestsPerMinute: 60, budgets: [{ amountUsd: 25, per: "month" as const }] },
    },
    { name: "buying", user: "jonas", team: "buying", tags: ["prices"], limits: { budgets: [{ tokens: 2_000_000, per: "day" as const }] } },
    { name: "مفتاح المتجر", user: "نور", limits: { parallel: 4 } },
  ];
  const ids: string[] = [];
  for (const key of keys) ids.push((await client.createKey(key)).key.id);
  const { key } = await client.createKey({ name: "old laptop", user: "jonas" });
  await client.revokeKey(key.id);
  const events = pastEvents(Date.now(), ids);
  for (let at = 0; at < events.length; at += 500) await console.tutti.app.store.append(events.slice(at, at + 500).flat());
}

async function makeRuns(world: World): Promise<Omit<FilledRuns, "chat">> {
  const { client } = world;
  const start = async (workflow: string, input: Json): Promise<string> => (await client.startRun({ workflow, input })).run.id;
  const [done, failed, asking, long, cancelled, graph, mails] = await Promise.all([
    start("nightly-report", { day: "2026-03-14" }).then((runId) => ended(client, runId)),
    start("refund", { order: "L-1987", card: "4000 0000 0000 0000", euros: 59 }).then((runId) => ended(client, runId)),
    start("expense", { who: "Noa Bar-Lev", what: "a stand at the fair", euros: 480 }),
    start("stock-watch", { town: "Milano" }),
    start("stock-watch", { town: "Lyon" }),
    finishedOrder(world),
    start("triage-inbox", { output: await mkdtemp(join(world.console.tutti.dataDir, "triage-")) }).then((runId) => ended(client, runId)),
  ]);
  for (const runId of [long, cancelled])
    for (let delivery = 0; delivery < 4; delivery += 1) await client.signalRun(runId, { name: "delivery", value: { lamps: delivery } });
  await client.cancelRun(cancelled, "the shop is closed for the inventory");
  const forked = (await client.forkRun(failed, { input: { order: "L-1987", card: "5100 2030 4050 6070", euros: 59 } })).run.id;
  await ended(client, forked);
  await start("expense", { who: "مريم", what: "مصباح للمكتب", euros: 75 });
  await waitingOrder(world);
  const printing = await Promise.all([14, 3, 22].map((parcels) => start("print-labels", { parcels })));
  const children = await client.runs({ parent: done, limit: 1 });
  const [child] = children.runs;
  assert.ok(child !== undefined);
  return { done, child: child.id, failed, forked, asking, long, cancelled, graph, triage: mails, queued: printing[2] ?? "" };
}

const ITEMS = [
  { name: "desk lamp", price: 59, quantity: 2 },
  { name: "candle", price: 2.5, quantity: 6 },
];

/** An order that is approved, picked up and delivered. */
async function finishedOrder({ client }: World): Promise<string> {
  const runId = (await client.startRun({ workflow: "order", input: { customer: "Amélie Roux", items: ITEMS } })).run.id;
  for await (const event of client.watchRun({ runId, afterSeq: 0 }, AbortSignal.timeout(PATIENCE_MS))) {
    if (event.type === "step.waiting" && event.kind === "approval")
      await client.answerApproval({ runId, key: event.key }, { approved: true, reason: "a customer for years" });
    if (event.type === "step.waiting" && event.kind === "signal")
      await client.signalRun(runId, { name: "picked-up", value: { by: "courier 7" } });
  }
  return runId;
}

/** One that waits for a person. */
async function waitingOrder({ client }: World): Promise<void> {
  await client.startRun({
    workflow: "order",
    input: { customer: "Ludwig Ahrens", items: [{ name: "chandelier", price: 1290, quantity: 1 }] },
  });
}

/** Until a run has ended. */
async function ended(client: Client, runId: string): Promise<string> {
  for await (const event of client.watchRun({ runId, afterSeq: 0 }, AbortSignal.timeout(PATIENCE_MS))) void event;
  return runId;
}

async function schedules(client: Client): Promise<void> {
  await client.createSchedule({
    name: "nightly-report",
    workflow: "nightly-report",
    input: { day: "2026-03-14" },
    when: { cron: "30 2 * * *", timeZone: "Europe/Rome" },
  });
  await client.createSchedule({
    name: "orders-lyon",
    workflow: "import-orders",
    input: { town: "Lyon" },
    when: { everyMs: 15 * 60_000 },
  });
  await client.createSchedule({
    name: "spring-sale",
    workflow: "export-file",
    input: { day: "2027-03-20", format: "csv" },
    when: { at: "2027-03-20T08:00:00Z" },
  });
  await client.createSchedule({
    name: "orders-turin",
    workflow: "import-orders",
    input: { town: "Turin" },
    when: { everyMs: HOUR_MS },
  });
  for (const name of ["orders-lyon", "orders-lyon", "orders-turin"]) await client.triggerSchedule(name);
  await until(async () => (await client.schedule("orders-turin")).counts.failed > 0);
  await client.pauseSchedule("orders-turin", "the shop moves to another street until Monday");
}

async function supervisedWork(client: Client): Promise<void> {
  const backoff = { delayMs: 1, delayMaxMs: 2 };
  await client.supervise({
    name: "orders-milano",
    workflow: "import-orders",
    input: { town: "Milano" },
    policy: { backoff, crashLoop: { failuresMax: 3, withinMs: 60_000 } },
  });
  await client.supervise({ name: "shelves-lyon", workflow: "stock-watch", input: { town: "Lyon" } });
  for (const [index, town] of ["תל אביב", "Turin"].entries())
    await client.supervise({ name: `orders-once-${index + 1}`, workflow: "import-orders", input: { town }, policy: { restart: "never" } });
  await until(
    async () => (await client.deadLetters()).length >= 2 && (await client.supervisedOne("orders-milano")).status === "crash loop",
  );
}

async function publications(client: Client): Promise<void> {
  await client.subscribe({
    name: "large-orders",
    where: "input.data.euros > 100.0",
    filter: { prefix: { type: "order." } },
    target: { type: "pull" },
  });
  const events = [
    ["order.paid", "L-2040", { euros: 59, town: "Lyon" }],
    ["order.paid", "L-2041", { euros: 118, town: "Milano" }],
    ["order.returned", "L-1987", { euros: 59, why: "too bright" }],
    ["stock.low", "desk lamp", { left: 3, town: "תל אביב" }],
  ] as const;
  for (const [type, subject, data] of events) await client.publishEvent({ type, subject, source: "shop", data });
}

async function chats(client: Client): Promise<void> {
  await answer(client, "Can I return a lamp that I have used?");
  await answer(client, "متى يصل طلبي؟");
}

/** Resolves with the run that answered. */
async function answer(client: Client, question: string): Promise<string> {
  let runId = "";
  const messages = [{ role: "user" as const, content: question }];
  for await (const part of client.chat({ agent: "clara", messages }, AbortSignal.timeout(PATIENCE_MS)))
    if (part.type === "started") runId = part.runId;
  return runId;
}

async function plugins({ client, console }: World): Promise<void> {
  assert.equal((await console.tutti.fetch("/v1/plugins/shop/enable", {})).status, 200);
  for (const [article, count] of [
    ["Assam", 20],
    ["Sencha", 8],
    ["Teapot", 4],
  ] as const)
    await client.panelData({ plugin: "shop", panel: "set-stock", input: { article, count } });
  const everything = join(ROOT, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");
  await readFile(everything);
  await client.addMcpServer({ name: "everything", command: process.execPath, args: [everything, "stdio"], isolation: "process" });
  await client.testMcpServer("everything");
  await client.approveMcpServer("everything", { tools: ["echo"] });
}

async function savedThings(client: Client): Promise<void> {
  const first = await readFile(join(ROOT, "examples/graph-amended/report.yaml"), "utf8");
  const versions = [
    [first, "The report as we made it by hand"],
    [first.replace("17 * 3", "21 * 3").replace("lamps.", "lamps this week."), "We sell in three towns now"],
    [first.replace("17 * 3", "21 * 3").replace("lamps.", "lamps this week, thank you all."), "Say thank you"],
  ] as const;
  for (const [text, message] of versions) {
    const saved = await client.saveGraph("report", { text, message });
    assert.ok(saved.ok, JSON.stringify(saved));
  }
  await client.startSavedGraph("report", { input: {} });
  await client.saveView("runs: failed today", { status: "failed", last: "24h" });
}

/** Calls that wait for a person, some that were answered, and grants. */
async function approvals({ client }: World): Promise<void> {
  const ask = (tool: string, input: Json): void => void client.callApproved({ tool, input, wait: true }).catch(() => undefined);
  const prices = await client.createGrant({
    tool: "change_price",
    where: { euros: { min: 10, max: 80 } },
    usesMax: 20,
    expiresInMs: 7 * DAY_MS,
    reason: "the spring sale",
  });
  await client.callApproved({ tool: "change_price", input: { article: "desk lamp", euros: 49 }, approvalId: prices.approvalId });
  const over = await client.createGrant({ tool: "send_mail", usesMax: 5, expiresInMs: DAY_MS, reason: "answers to the fair" });
  await client.revokeGrant(over.approvalId, "the fair is over");
  ask("change_price", { article: "chandelier", euros: 990 });
  ask("send_mail", { to: "noa@example.org", subject: "Your lamp", text: "It is on its way." });
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  while (!(await isDone())) await sleep(20, undefined, { signal });
}
