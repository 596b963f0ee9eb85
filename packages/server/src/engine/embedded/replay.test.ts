import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Event, EventDraft, Json, RunContext, Schema, Workflow } from "@tutti/core";
import fc from "fast-check";
import { SqliteStore } from "../../store/index.ts";
import { newRunId } from "../run-id.ts";
import { EmbeddedEngine } from "./embedded-engine.ts";

/** A random workflow: steps in a row, and at any depth branches that all run, race, or are mapped over. */
type Shape =
  | { readonly type: "step"; readonly id: number }
  | { readonly type: "row"; readonly shapes: readonly Shape[] }
  | { readonly type: "all" | "race" | "map"; readonly shapes: readonly Shape[] };

const { shape } = fc.letrec<{ shape: Shape; row: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ type: fc.constant("step" as const), id: fc.nat(99) }),
    fc.record({
      type: fc.constantFrom("all" as const, "race" as const, "map" as const),
      shapes: fc.array(tie("row"), { minLength: 1, maxLength: 3 }),
    }),
  ),
  row: fc.record({ type: fc.constant("row" as const), shapes: fc.array(tie("shape"), { minLength: 1, maxLength: 3 }) }),
}));

const program = fc.record({ shapes: fc.array(shape, { minLength: 1, maxLength: 4 }), order: fc.infiniteStream(fc.nat(6)) });

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const owner = { id: "owner", tenant: "default", roles: ["owner"] };
const never = new AbortController().signal;

let folder: string;
let store: SqliteStore;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-replay-"));
  store = await SqliteStore.open(folder);
});

after(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** The workflow of a shape. It writes down what it sees in the order it sees it, in a list that all branches share. */
function workflowOf(shapes: readonly Shape[], delay: () => number, done: (key: string) => void): Workflow {
  return {
    name: "random",
    version: "1",
    input: anything,
    async run(ctx) {
      const seen: Json[] = [];
      await walk(ctx, { type: "row", shapes });
      return seen;

      async function walk(branch: RunContext, node: Shape): Promise<Json> {
        if (node.type === "step") {
          const value = await branch.step(`s${node.id}`, async ({ idempotencyKey }) => {
            for (let turns = delay(); turns > 0; turns -= 1) await new Promise(setImmediate);
            const key = idempotencyKey.slice(idempotencyKey.indexOf("/"));
            done(key);
            return [key, Math.random()];
          });
          seen.push(value);
          return value;
        }
        if (node.type === "row") {
          let last: Json = null;
          for (const child of node.shapes) last = await walk(branch, child);
          return last;
        }
        if (node.type === "map") return branch.map(node.shapes, (own, child) => walk(own, child), { concurrency: 2 });
        const branches = node.shapes.map((child) => (own: RunContext) => walk(own, child));
        return node.type === "all" ? branch.all(branches) : branch.race(branches);
      }
    },
  };
}

function engineOf(workflow: Workflow): EmbeddedEngine {
  return new EmbeddedEngine({
    store,
    runsActiveMax: 100,
    parts: {
      workflow: () => workflow,
      tool: () => undefined,
      model: () => undefined,
      decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
      policyHash: () => "0".repeat(64),
    },
  });
}

/** The same log under another run id, cut after `count` events: what a crash at that moment leaves. */
async function crashAfter(events: readonly Event[], count: number): Promise<string> {
  const runId = newRunId(Date.now());
  // An event is its draft and its hash; the store hashes anew.
  await store.append(events.slice(0, count).map((event): EventDraft => Object.assign({ ...event }, { hash: undefined, runId })));
  return runId;
}

const completedKeys = (events: readonly Event[]): readonly string[] =>
  events.flatMap((event) => (event.type === "step.completed" ? [`/${event.key}`] : []));

test("after a crash at any event a run sees what it saw before, in the same order, and does no recorded step again", async () => {
  await fc.assert(
    fc.asyncProperty(program, async ({ shapes, order }) => {
      const delays = order[Symbol.iterator]();
      const delay = (): number => delays.next().value ?? 0;
      const first = engineOf(workflowOf(shapes, delay, () => undefined));
      const { runId } = await first.start("random", null, { principal: owner });
      const output = await first.result(runId, never);
      const events = await store.read(runId, { afterSeq: 0, limit: 1000 });
      assert.partialDeepStrictEqual(await first.replay(runId), { matches: true, output });
      for (let count = 2; count < events.length; count += 1) {
        const done: string[] = [];
        const again = engineOf(workflowOf(shapes, delay, (key) => done.push(key)));
        const copy = await crashAfter(events, count);
        await again.recover(copy);
        const seenAgain = await again.result(copy, never);
        const recorded = new Set(completedKeys(events.slice(0, count)));
        assert.deepEqual(
          done.filter((key) => recorded.has(key)),
          [],
          `crashed after event ${count}`,
        );
        const copied = await store.read(copy, { afterSeq: 0, limit: 1000 });
        assert.equal(new Set(completedKeys(copied)).size, completedKeys(copied).length, "no step is recorded twice");
        assert.equal((await again.replay(copy)).matches, true);
        const seenBefore = (output as readonly Json[]).filter((value) => recorded.has((value as readonly string[])[0] ?? ""));
        assert.deepEqual((seenAgain as readonly Json[]).slice(0, seenBefore.length), seenBefore, `crashed after event ${count}`);
        if (count === events.length - 1) assert.deepEqual(seenAgain, output);
      }
    }),
    { numRuns: 40 },
  );
});
