import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json } from "@tutti/core";
import { EMPTY_ANSWER } from "./completion-text.ts";
import { NOTHING_ASKED } from "./completion-state.ts";
import { mayStillCome, readComparisons, sideFromLog, withComparison, type Comparison } from "./comparisons.ts";

const asked = (id: string, text = "Hello."): Comparison => ({
  id,
  askedAt: "2026-01-01T00:00:00.000Z",
  prompt: "tell me",
  a: { ...NOTHING_ASKED, model: "x", runId: "run-1", phase: "done", text, firstMs: 4, totalMs: 9, inputTokens: 3, outputTokens: 5 },
  b: { ...NOTHING_ASKED, model: "y", phase: "failed", error: new AppError("upstream", "it is broken") },
});

const through = (all: readonly Comparison[], one: Comparison): readonly Comparison[] => readComparisons(withComparison(all, one));

test("a comparison is read as it was kept, also what failed of it", () => {
  const [read] = through([], asked("one"));
  assert.deepEqual(read?.a, asked("one").a);
  assert.equal(read?.b.phase === "failed" && read.b.error.code, "upstream");
  assert.equal(read?.b.phase === "failed" && read.b.error.message, "it is broken");
});

test("what a comparison has become stands in the place of what it was, and the oldest go when all are too long", () => {
  const two = through(through([], asked("one")), asked("two"));
  assert.deepEqual(
    through(two, asked("one", "More.")).map(({ id, a }) => [id, a.text]),
    [
      ["one", "More."],
      ["two", "Hello."],
    ],
  );
  let all: readonly Comparison[] = [];
  for (let number = 0; number < 10; number += 1) all = through(all, asked(String(number), "x".repeat(100_000)));
  assert.equal(all[0]?.id, "9");
  assert.ok(all.length > 1 && all.length < 10);
  assert.match(all[0]?.a.text ?? "", /^x+…$/);
});

test("a saved view of any shape is read as comparisons", () => {
  for (const odd of [null, 3, [], { comparisons: 3 }, { comparisons: [null, { id: 1 }] }] as Json[])
    assert.deepEqual(readComparisons(odd), []);
  const [read] = readComparisons({ comparisons: [{ id: "one", askedAt: "?", prompt: "", a: 3, b: { phase: "odd", text: 3 } }] });
  assert.deepEqual([read?.a.phase, read?.b.phase, read?.b.text], ["none", "none", ""]);
  assert.equal(read !== undefined && mayStillCome(read, Date.now()), false);
});

test("an agent's answer is that of its run's log; of a model's only the end is known from there", () => {
  const open = { ...NOTHING_ASKED, ...EMPTY_ANSWER, phase: "open" as const, runId: "run-1" };
  const reading = {
    status: "completed" as const,
    tools: [],
    text: undefined,
    model: undefined,
    usage: undefined,
    durationMs: 7,
    error: undefined,
  };
  assert.equal(sideFromLog(open, reading).phase, "stopped");
  const agent = sideFromLog({ ...open, isAgent: true }, { ...reading, text: "Hello." });
  assert.deepEqual([agent.phase, agent.text, agent.totalMs], ["done", "Hello.", 7]);
  assert.equal(sideFromLog({ ...open, isAgent: true }, { ...reading, status: "waiting" }).phase, "open");
  const failed = sideFromLog(open, { ...reading, status: "failed", error: { code: "upstream", message: "broken" } });
  assert.equal(failed.phase, "failed");
  assert.equal(sideFromLog(open, { ...reading, status: "failed", error: { code: "cancelled", message: "left" } }).phase, "stopped");
});
