import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { Client } from "pg";
import { AppError, canonicalJson, verifyChain, type Event, type EventBody, type Store } from "@tutti/core";
import { startPostgres, type PostgresServer } from "../../testing/postgres.ts";
import { completed, log, started } from "../conformance.ts";
import { openPostgresStore } from "../index.ts";

type Node = Awaited<ReturnType<typeof openPostgresStore>>;

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const signal = (value: string): EventBody => ({ type: "signal.received", name: "s", value });

/** Nodes that share a new database; they close with the block. */
async function openNodes(count: number): Promise<{ readonly nodes: readonly Node[] } & AsyncDisposable> {
  const url = await server.newDatabase();
  const nodes = await Promise.all(Array.from({ length: count }, () => openPostgresStore(url)));
  return {
    nodes,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node.close()));
    },
  };
}

async function all(store: Store, runId: string): Promise<readonly Event[]> {
  return store.read(runId, { afterSeq: 0, limit: 1000 });
}

/** The next change that a node hears of. */
function nextChange(node: Node): Promise<{ readonly runId: string; readonly seq: number }> {
  return new Promise((resolve) => {
    const listening = node.changes((change) => {
      listening[Symbol.dispose]();
      resolve(change);
    });
  });
}

describe("several nodes on one database: starting", () => {
  test("nodes that start at the same time on an empty database make one schema", async () => {
    await using cluster = await openNodes(4);
    const [first, , , last] = cluster.nodes;
    await first?.append(log("r1", [started()]));
    assert.equal((await last?.run("r1"))?.status, "running");
  });

  test("a name is held by one node at a time", async () => {
    await using cluster = await openNodes(2);
    const [first, second] = cluster.nodes;
    assert.ok(first !== undefined && second !== undefined);
    const held = await first.hold("embedded engine");
    await assert.rejects(second.hold("embedded engine"), { code: "storage_in_use", message: /embedded engine/ });
    await held[Symbol.asyncDispose]();
    await second.hold("embedded engine");
  });
});

describe("several nodes on one database: one log", () => {
  test("whoever appends to a run second is refused, with all it had appended to that run meanwhile, and nothing else", async () => {
    await using cluster = await openNodes(2);
    const [a, b] = cluster.nodes;
    assert.ok(a !== undefined && b !== undefined);
    await a.append(log("r1", [started()]));
    await b.append(log("r1", [signal("b")], 1));
    const outcomes = await Promise.allSettled([
      a.append(log("r0", [started()])),
      a.append(log("r1", [signal("a1")], 1)),
      a.append(log("r2", [started()])),
      a.append(log("r1", [signal("a2")], 2)),
      a.append([...log("r1", [signal("a3")], 3), ...log("r2", [signal("with a3")], 1)]),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === "fulfilled" ? "written" : AppError.from(outcome.reason).code)),
      ["written", "conflict", "written", "conflict", "conflict"],
    );
    assert.deepEqual(
      (await all(b, "r1")).map((event) => event.type === "signal.received" && event.value),
      [false, "b"],
    );
    assert.equal((await all(b, "r2")).length, 1);
    await a.append(log("r1", [completed], 2));
    assert.equal((await b.run("r1"))?.status, "completed");
  });

  test("whatever two nodes append and however it interleaves, each chain verifies and holds what was acknowledged and no more", async () => {
    await using cluster = await openNodes(2);
    let example = 0;
    const appends = fc.array(
      fc.record({ node: fc.nat({ max: 1 }), run: fc.nat({ max: 2 }), events: fc.integer({ min: 1, max: 3 }), isAwaited: fc.boolean() }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(appends, async (steps) => {
        example += 1;
        await interleave(cluster.nodes, steps, `x${example}-`);
      }),
      { numRuns: 40 },
    );
  });

  test("a reader that follows the log while nodes write misses nothing", async () => {
    await using cluster = await openNodes(3);
    const [reader] = cluster.nodes;
    assert.ok(reader !== undefined);
    let isWriting = true;
    const seen: number[] = [];
    const following = (async () => {
      for (let isLast = false; ;) {
        const page = await reader.log({ afterPosition: seen.at(-1) ?? 0, limit: 7 });
        seen.push(...page.map(({ position }) => position));
        if (page.length === 0 && isLast) return;
        isLast = page.length === 0 && !isWriting;
      }
    })();
    await Promise.all(
      cluster.nodes.map(async (node, index) => {
        for (let run = 0; run < 60; run += 1) await node.append(log(`n${index}-${run}`, [started(), completed]));
      }),
    );
    isWriting = false;
    await following;
    const whole = await reader.log({ afterPosition: 0, limit: 1000 });
    assert.equal(whole.length, 360);
    assert.deepEqual(
      seen,
      whole.map(({ position }) => position),
    );
  });
});

describe("several nodes on one database: a live feed", () => {
  test("a node hears what others wrote once it can be read, and not what it wrote itself", async () => {
    await using cluster = await openNodes(2);
    const [a, b] = cluster.nodes;
    assert.ok(a !== undefined && b !== undefined);
    const heard: string[] = [];
    a.changes(({ runId }) => heard.push(runId));
    const change = nextChange(a);
    await a.append(log("own", [started()]));
    await b.append(log("foreign", [started(), signal("x")]));
    assert.deepEqual(await change, { runId: "foreign", seq: 2 });
    assert.equal((await all(a, "foreign")).length, 2);
    assert.deepEqual(heard, ["foreign"]);
  });

  test("notifications of others on the same channel are left alone", async () => {
    const url = await server.newDatabase();
    const node = await openPostgresStore(url);
    const other = await openPostgresStore(url);
    const stranger = new Client(url);
    await stranger.connect();
    const change = nextChange(node);
    for (const payload of ["", "{", "null", "[]", '["x",1,[1]]', '["x","1",[]]', "7"])
      await stranger.query("SELECT pg_notify('tutti_changes', $1)", [payload]);
    await other.append(log("r1", [started()]));
    assert.deepEqual(await change, { runId: "r1", seq: 1 });
    await Promise.all([stranger.end(), node.close(), other.close()]);
  });

  test("a batch of many runs with long names is told of whole", async () => {
    await using cluster = await openNodes(2);
    const [a, b] = cluster.nodes;
    assert.ok(a !== undefined && b !== undefined);
    const ids = Array.from({ length: 300 }, (_, index) => `${index}-${"ä".repeat(60)}\n"`);
    const heard = new Set<string>();
    const whole = Promise.withResolvers<void>();
    a.changes(({ runId }) => {
      heard.add(runId);
      if (heard.size === ids.length) whole.resolve();
    });
    await b.append(ids.flatMap((runId) => log(runId, [started()])));
    await whole.promise;
    assert.deepEqual([...heard].toSorted(), ids.toSorted());
  });
});

interface Step {
  readonly node: number;
  readonly run: number;
  readonly events: number;
  readonly isAwaited: boolean;
}

/**
 * Plays nodes that append to the same runs, each at the place where it believes the run to be. A node that is refused loads the run and goes
 * on from there, as an engine does.
 */
async function interleave(nodes: readonly Node[], steps: readonly Step[], prefix: string): Promise<void> {
  const beliefs = nodes.map(() => new Map<string, number>());
  const acknowledged = new Map<string, string>();
  const pending: Promise<void>[] = [];
  for (const [index, { node, run, events, isAwaited }] of steps.entries()) {
    const runId = `${prefix}${run}`;
    const belief = beliefs[node];
    const seq = belief?.get(runId) ?? 0;
    const bodies = Array.from({ length: events }, (_, nth) => (seq + nth === 0 ? started() : signal(`${node}.${index}.${nth}`)));
    const drafts = log(runId, bodies, seq);
    belief?.set(runId, seq + events);
    const append = nodes[node]?.append(drafts).then(
      () => drafts.forEach((draft) => acknowledged.set(`${runId} ${draft.seq}`, canonicalJson(draft))),
      async (error: unknown) => {
        assert.equal(AppError.from(error).code, "conflict");
        belief?.set(runId, (await nodes[node]?.run(runId))?.events ?? 0);
      },
    );
    pending.push(append ?? Promise.resolve());
    if (isAwaited) await append;
  }
  await Promise.all(pending);
  let stored = 0;
  for (const runId of [0, 1, 2].map((run) => `${prefix}${run}`)) {
    const record = await nodes[0]?.run(runId);
    const events = await all(nodes[1] as Node, runId);
    stored += events.length;
    if (record !== undefined) assert.equal(verifyChain(events, record.head, sha256).valid, true);
    for (const { hash: _, ...event } of events) assert.equal(acknowledged.get(`${runId} ${event.seq}`), canonicalJson(event));
  }
  assert.equal(stored, acknowledged.size);
}
