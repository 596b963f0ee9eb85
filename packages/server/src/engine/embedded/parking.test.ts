import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { EventDraft, Workflow } from "@tutti/core";
import { SqliteStore } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import { flow, never, owner } from "../conformance/setup.ts";
import { EmbeddedEngine } from "./embedded-engine.ts";

/** Time runs so much faster than the machine's: hours of waiting pass in a moment. */
const SPEED = 2000;

function fastClock(speed = SPEED): Clock {
  const startMs = Date.now();
  return {
    nowMs: () => startMs + (Date.now() - startMs) * speed,
    after(ms, action) {
      const timer = setTimeout(action, ms / speed);
      return () => clearTimeout(timer);
    },
    turn: (action) => void setImmediate(action),
    random: () => 0.5,
  };
}

interface Under extends AsyncDisposable {
  readonly engine: EmbeddedEngine;
  readonly store: SqliteStore;
  /** Resolves when no run is in memory. */
  emptied(runs: readonly string[]): Promise<void>;
}

async function openOn(dataDir: string, workflows: readonly Workflow[], clock: Clock = fastClock()): Promise<Under> {
  const store = await SqliteStore.open(dataDir);
  const engine = new EmbeddedEngine({
    store,
    clock,
    runsActiveMax: 50,
    parts: {
      workflow: (name) => workflows.find((workflow) => workflow.name === name),
      tool: () => undefined,
      model: () => undefined,
      decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
      policyHash: () => "0".repeat(64),
    },
  });
  return {
    engine,
    store,
    async emptied(runs) {
      while (runs.some((runId) => engine.isInMemory(runId))) await new Promise((resolve) => setImmediate(resolve));
    },
    async [Symbol.asyncDispose]() {
      await engine.stop(1000);
      await store.close();
    },
  };
}

const HOUR_MS = 3_600_000;
const nap = flow("nap", async (ctx, input) => {
  await ctx.sleep(HOUR_MS);
  return [input, await ctx.step("after", () => "awake")];
});
const listen = flow("listen", async (ctx) => (await ctx.waitFor("word")) ?? null);
const ask = flow("ask", async (ctx) => (await ctx.approve({ question: "May I?" })).approved);
const parent = flow("parent", (ctx) => ctx.start("nap", "child"));
const all = [nap, listen, ask, parent];

describe("runs that only wait leave the memory", () => {
  test("and come back when their time has come, their signal arrives, their approval is answered, or their child ends", async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-parking-"));
    t.after(() => rm(dataDir, { recursive: true }));
    await using under = await openOn(dataDir, all);
    const { engine, store } = under;
    const runs: string[] = [];
    for (const name of ["nap", "listen", "ask", "parent"]) runs.push((await engine.start(name, name, { principal: owner })).runId);
    const [napId = "", listenId = "", askId = "", parentId = ""] = runs;
    await under.emptied(runs);
    assert.deepEqual(
      (await store.waits({ runId: listenId, limit: 9 })).map(({ kind, name }) => [kind, name]),
      [["signal", "word"]],
    );
    await engine.signal(listenId, { name: "word", value: "hello" }, owner);
    assert.equal(await engine.result(listenId, never), "hello");
    await engine.answer(askId, { key: "0", approved: true, reason: "" }, owner);
    assert.equal(await engine.result(askId, never), true);
    assert.deepEqual(await engine.result(napId, never), ["nap", "awake"]);
    assert.deepEqual(await engine.result(parentId, never), ["child", "awake"]);
    for (const runId of runs) assert.equal((await engine.replay(runId)).matches, true);
  });

  test("and stay on disk over a restart, until they are due; nothing is loaded for them", async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-parking-"));
    t.after(() => rm(dataDir, { recursive: true }));
    const runs: string[] = [];
    {
      // Slower, so that none of them is due before the restart.
      await using first = await openOn(dataDir, all, fastClock(SPEED / 50));
      // More than may be in memory at once.
      for (let index = 0; index < 120; index += 1) {
        if (index % 40 === 39) await first.emptied(runs);
        runs.push((await first.engine.start("nap", index, { principal: owner })).runId);
      }
      await first.emptied(runs);
    }
    const loaded: EventDraft[] = [];
    await using second = await openOn(dataDir, all);
    using _ = second.engine.subscribe((event) => loaded.push(event));
    assert.equal(await second.engine.recover(), 0);
    for (const [index, runId] of runs.entries()) assert.deepEqual(await second.engine.result(runId, never), [index, "awake"]);
    assert.equal(loaded.filter(({ type }) => type === "run.resumed").length, 0);
  });

  test("and a deadline reaches them there", async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-parking-"));
    t.after(() => rm(dataDir, { recursive: true }));
    await using under = await openOn(dataDir, all);
    const { runId } = await under.engine.start("listen", null, { principal: owner, limits: { timeMs: HOUR_MS } });
    await under.emptied([runId]);
    await assert.rejects(under.engine.result(runId, never), { code: "deadline_exceeded" });
  });

  test("and a query does not bring them back", async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-parking-"));
    t.after(() => rm(dataDir, { recursive: true }));
    const polite = flow("polite", async (ctx) => {
      ctx.onQuery("mood", () => "patient");
      return (await ctx.waitFor("word")) ?? null;
    });
    await using under = await openOn(dataDir, [polite]);
    const { runId } = await under.engine.start("polite", null, { principal: owner });
    await under.emptied([runId]);
    assert.equal(await under.engine.query(runId, "mood"), "patient");
    assert.equal(under.engine.isInMemory(runId), false);
  });
});
