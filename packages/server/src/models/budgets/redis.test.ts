import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { Redis } from "ioredis";
import { startRedis, type RedisServer } from "../../testing/redis.ts";
import { openSpendLog, type SpendLog } from "../../testing/spend-log.ts";
import { Budgets, type BudgetsOptions } from "./budgets.ts";
import { windowsAt } from "./calendar.ts";
import type { Ask, Limits, Payer, Reservation, Spent } from "./limits.ts";
import { PRELUDE } from "./redis-scripts.ts";

const ASK: Ask = { model: "m", inputTokens: 50, outputTokensMax: 50, costUsdMax: 0.1 };
const SPENT: Spent = { usage: { inputTokens: 50, outputTokens: 50 }, costUsd: 0.1, isEstimated: false };
/** How often a test looks whether Redis is back, and how long it waits between. */
const LOOKS_MAX = 6_000;
const LOOK_MS = 20;

let redis: RedisServer;
let log: SpendLog;
let names = 0;

before(async () => {
  redis = await startRedis();
  log = await openSpendLog();
});

after(async () => {
  await redis[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});

describe("budgets in redis", () => {
  test("two nodes that race never give out more than one budget holds", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ budgets: [{ amountUsd: 5, per: "day" }] });
    const tries = Array.from({ length: 200 }, (_, index) => tryReserve(nodes.at(index), payer));
    const given = (await Promise.all(tries)).filter((one) => one !== undefined);
    assert.equal(given.length, 50, "five dollars are fifty times ten cents");
    for (const reservation of given) reservation.settle(SPENT);
    await settled(nodes);
    await assert.rejects(reserve(nodes.first, payer), { code: "budget_exceeded" });
    await assert.rejects(reserve(nodes.second, payer), { code: "budget_exceeded" });
  });

  test("parallel requests and requests a minute are counted over both nodes", async () => {
    await using nodes = await openNodes();
    const parallel = payerWith({ parallel: 3 });
    const given = await Promise.all(Array.from({ length: 10 }, (_, index) => tryReserve(nodes.at(index), parallel)));
    assert.equal(given.filter((one) => one !== undefined).length, 3);
    const rated = payerWith({ requestsPerMinute: 5 });
    const letIn = await Promise.all(Array.from({ length: 20 }, (_, index) => tryReserve(nodes.at(index), rated)));
    assert.equal(letIn.filter((one) => one !== undefined).length, 5);
    await assert.rejects(reserve(nodes.second, rated), (error: AppError) => {
      assert.equal(error.code, "rate_limited");
      assert.ok((error.cause as { readonly retryAfterMs: number }).retryAfterMs > 0);
      return true;
    });
  });

  test("what a request did not use is there again for the other node, and a release gives everything back", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ budgets: [{ tokens: 200, per: "month" }] });
    const [first, second] = [await reserve(nodes.first, payer), await reserve(nodes.second, payer)];
    assert.equal(await tryReserve(nodes.first, payer), undefined);
    first.settle({ usage: { inputTokens: 5, outputTokens: 5 }, costUsd: undefined, isEstimated: false });
    second.release();
    await settled(nodes);
    (await reserve(nodes.second, payer)).release();
  });

  test("the headers tell what is left over all nodes", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ requestsPerMinute: 6, tokensPerMinute: 1_000 });
    (await reserve(nodes.first, payer)).release();
    const { headers } = await reserve(nodes.second, payer);
    assert.deepEqual([headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]], ["6", "4"]);
    assert.equal(headers["x-ratelimit-limit-tokens"], "1000");
  });

  test("a redis that lost everything is filled from the ledger again", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ budgets: [{ amountUsd: 1, per: "total" }] });
    for (const node of [nodes.first, nodes.second, nodes.first, nodes.second]) await spend(node, payer);
    await redis.kill();
    await gone(nodes);
    await redis.start();
    await bothBack(nodes);
    const tries = Array.from({ length: 40 }, (_, index) => tryReserve(nodes.at(index), payer));
    assert.equal((await Promise.all(tries)).filter((one) => one !== undefined).length, 6, "four of ten were spent before");
  });

  test("while redis is away each node counts for itself, and tells it afterwards", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ budgets: [{ amountUsd: 1, per: "total" }] });
    await spend(nodes.first, payer);
    await redis.kill();
    await gone(nodes);
    for (const node of [nodes.first, nodes.first, nodes.second]) await spend(node, payer);
    await redis.start();
    await bothBack(nodes);
    const tries = Array.from({ length: 40 }, (_, index) => tryReserve(nodes.at(index), payer));
    assert.equal((await Promise.all(tries)).filter((one) => one !== undefined).length, 6);
  });

  test("a request that was under way when redis went is still counted when it is back", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ parallel: 1 });
    const underWay = await reserve(nodes.first, payer);
    await redis.kill();
    await gone(nodes);
    await redis.start();
    await bothBack(nodes);
    assert.equal(await tryReserve(nodes.second, payer), undefined);
    underWay.release();
    await settled(nodes);
    (await reserve(nodes.second, payer)).release();
  });

  test("a redis that hangs holds a request up for a moment only, and is used again when it goes on", async () => {
    await using nodes = await openNodes();
    const payer = payerWith({ parallel: 1 });
    (await reserve(nodes.first, payer)).release();
    process.kill(redis.pid, "SIGSTOP");
    try {
      const [first, second] = [await reserve(nodes.first, payer), await reserve(nodes.second, payer)];
      assert.deepEqual(nodes.first.counters, { in: "redis", isReachable: false });
      first.release();
      second.release();
    } finally {
      process.kill(redis.pid, "SIGCONT");
    }
    await bothBack(nodes);
    const underWay = await reserve(nodes.first, payer);
    assert.equal(await tryReserve(nodes.second, payer), undefined);
    underWay.release();
  });

  test("where it was told to, a node without redis refuses requests with limits", async () => {
    await using nodes = await openNodes({ onRedisLoss: "refuse" });
    const payer = payerWith({ parallel: 5 });
    await redis.kill();
    await gone(nodes);
    assert.deepEqual(nodes.first.counters, { in: "redis", isReachable: false });
    await assert.rejects(reserve(nodes.first, payer), { code: "overloaded" });
    (await nodes.first.reserve(undefined, ASK)).release();
    await redis.start();
    await bothBack(nodes);
    (await reserve(nodes.first, payer)).release();
  });
});

test("the windows that redis knows are those of the calendar, in any year", async () => {
  const client = new Redis(redis.url);
  const asked = `${PRELUDE.replace('redis.call("TIME")', "{ ARGV[1], ARGV[2] }")} return { int(starts.day), int(starts.week), int(starts.month), int(starts.total) }`;
  const seconds = fc.oneof(fc.integer({ min: 0, max: 4_102_444_800 }), fc.constantFrom(...LEAPS.map((day) => Date.parse(day) / 1_000)));
  await fc.assert(
    fc.asyncProperty(seconds, fc.constantFrom(-1, 0, 1), async (atSeconds, aside) => {
      const at = Math.max(0, atSeconds + aside);
      const found = (await client.eval(asked, 1, "tutti:{budgets}:nodes", at, "0")) as readonly string[];
      const { day, week, month, total } = windowsAt(at * 1_000).startsMs;
      assert.deepEqual(found.map(Number), [day, week, month, total], new Date(at * 1_000).toISOString());
    }),
    { numRuns: 300 },
  );
  client.disconnect();
});

/** Where calendars go wrong. */
const LEAPS = [
  "1970-01-01",
  "2000-02-29",
  "2000-03-01",
  "2024-02-29",
  "2024-03-01",
  "2025-01-01",
  "2026-11-23",
  "2100-02-28",
  "2100-03-01",
] as const;

interface Nodes extends AsyncDisposable {
  readonly first: Budgets;
  readonly second: Budgets;
  at(index: number): Budgets;
}

/** Two nodes on one log and one Redis. */
async function openNodes(options: Partial<BudgetsOptions> = {}): Promise<Nodes> {
  const open = (): Promise<Budgets> =>
    Budgets.open({ store: log.store, groups: { users: {}, teams: {} }, redisUrl: redis.url, ...options });
  const [first, second] = [await open(), await open()];
  return {
    first,
    second,
    at: (index) => (index % 2 === 0 ? first : second),
    async [Symbol.asyncDispose]() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}

function payerWith(limits: Limits): Payer {
  names += 1;
  return { keyId: `k${names}`, limits };
}

async function reserve(node: Budgets, payer: Payer): Promise<Reservation> {
  return node.reserve(payer, ASK);
}

async function tryReserve(node: Budgets, payer: Payer): Promise<Reservation | undefined> {
  try {
    return await node.reserve(payer, ASK);
  } catch (thrown) {
    const { code } = AppError.from(thrown);
    assert.ok(code === "rate_limited" || code === "budget_exceeded", String(thrown));
    return undefined;
  }
}

/** One whole exchange: reserved, settled, and in the log. */
async function spend(node: Budgets, payer: Payer): Promise<void> {
  (await node.reserve(payer, ASK)).settle(SPENT);
  const { usage, costUsd, isEstimated } = SPENT;
  await log.journal(node.note(payer, { model: "m", provider: "p", surface: "chat", usage, costUsd, isEstimated }));
}

/** Resolves when what was settled before has reached Redis: another reservation of the same node comes after it. */
async function settled(nodes: Nodes): Promise<void> {
  for (const node of [nodes.first, nodes.second]) (await reserve(node, payerWith({}))).release();
}

async function bothBack(nodes: Nodes): Promise<void> {
  await look(nodes, true);
  // What a node tells Redis first is there when it answers what it was asked afterwards.
  await settled(nodes);
}

const gone = (nodes: Nodes): Promise<void> => look(nodes, false);

async function look({ first, second }: Nodes, isReachable: boolean): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    if ([first, second].every(({ counters }) => counters.in === "redis" && counters.isReachable === isReachable)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  assert.fail(`Redis did not become ${isReachable ? "reachable" : "unreachable"}`);
}
