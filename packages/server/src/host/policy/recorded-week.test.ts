import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defineWorkflow, type Json } from "@tutti/core";
import { z } from "zod";
import { EmbeddedEngine } from "../../engine/index.ts";
import { systemClock } from "../../engine/clock.ts";
import { SqliteStore } from "../../store/index.ts";
import { startTestApp } from "../../testing.ts";
import { defineTool } from "../../tools/define-tool.ts";
import { Policies } from "../policies-in-force.ts";
import { requirePolicy } from "./read-policy.ts";
import { Shadow } from "./shadow.ts";

const DAYS = 7;
const RUNS_A_DAY = 24;
const DAY_MS = 86_400_000;
const OWNER = { id: "owner", tenant: "default", roles: ["owner"] };

const pay = defineTool({
  name: "pay",
  description: "Pays somebody.",
  effect: "write",
  input: z.object({ amount: z.number() }),
  run: ({ amount }) => ({ paid: amount }),
});

const payTwice = defineWorkflow<{ amount: number }, Json>({
  name: "pay-twice",
  version: "1",
  input: z.object({ amount: z.number() }),
  run: async (ctx, { amount }) => {
    for (const part of [amount, amount / 2]) await ctx.call("pay", { amount: part }).catch(() => null);
    return null;
  },
});

const rule = (id: string, effect: string, when: string): string =>
  `  - { id: ${id}, effect: ${effect}, reason: measured, match: { tool: pay }, when: ${when} }\n`;
const SMALL = rule("small", "allow", "{ input: { /amount: { max: 100 } } }");
const IN_FORCE = `rules:\n${SMALL}`;
const STRICTER = `rules:\n${SMALL}${rule("once", "deny", "{ run: { calls: { pay: { min: 1 } } } }")}`;

/** A week of real runs in a real store, on a clock that goes an hour from run to run. */
async function recordWeek(dataDir: string): Promise<{ readonly differed: number; readonly endMs: number }> {
  await using store = { store: await SqliteStore.open(dataDir), [Symbol.asyncDispose]: async () => store.store.close() };
  let nowMs = Date.now() - DAYS * DAY_MS;
  const policies = new Policies([], []);
  policies.file(requirePolicy([{ name: "in-force.yaml", text: IN_FORCE }]));
  const shadow = new Shadow(requirePolicy([{ name: "stricter.yaml", text: STRICTER }]), policies);
  policies.watch(shadow);
  const engine = new EmbeddedEngine({
    store: store.store,
    parts: {
      workflow: () => payTwice,
      tool: () => ({ ...pay, source: "built-in" }),
      model: () => undefined,
      decide: (action) => policies.decide(action),
      policyHash: () => policies.hash,
    },
    runsActiveMax: 100,
    clock: { ...systemClock, nowMs: () => nowMs },
  });
  for (let run = 0; run < DAYS * RUNS_A_DAY; run += 1) {
    const { runId } = await engine.start("pay-twice", { amount: (run % RUNS_A_DAY) * 10 }, { principal: OWNER });
    await engine.result(runId, AbortSignal.timeout(120_000));
    nowMs += DAY_MS / RUNS_A_DAY;
  }
  await engine.stop(1000);
  return { differed: shadow.counts.differed, endMs: nowMs };
}

test("what a week's calls would have got under another policy is what the shadow said while they were made", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-week-"));
  const { differed, endMs } = await recordWeek(folder.path);
  await using app = await startTestApp({ dataDir: folder.path });
  const ask = async (path: string, body?: Json): Promise<{ readonly [key: string]: Json }> =>
    (await (await app.fetch(path, body)).json()) as { readonly [key: string]: Json };
  const since = new Date(endMs - 8 * DAY_MS).toISOString();
  const shadow = await ask(`/v1/policy/shadow?since=${since}`);
  const files = [{ name: "stricter.yaml", text: STRICTER }];
  const replayed = await ask("/v1/policy/replay", { files, since });
  // Of 24 a day, the second call of those whose first was at most 100: amounts 0 to 100 in tens.
  assert.deepEqual([shadow["changed"], replayed["changed"], replayed["decided"]], [differed, 7 * 11, 7 * 24 * 3]);
  assert.equal(differed, 7 * 11);
  assert.deepEqual([shadow["byChange"], replayed["byRule"]], [{ "allow → deny": 77 }, { once: 77 }]);
  const lastDays = await ask("/v1/policy/replay", { files, since: new Date(endMs - 2 * DAY_MS).toISOString() });
  assert.equal(lastDays["changed"], 2 * 11);
});
