import assert from "node:assert/strict";
import { test } from "node:test";
import { largeValuesOf } from "./large-values.ts";

const HASH = "a".repeat(64);

test("a large value is told with its size, its run and what it is of its event", () => {
  const event = {
    type: "step.completed",
    runId: "r",
    at: "2026-01-01T00:00:00Z",
    name: "load",
    output: { $blob: HASH, sizeBytes: 70_000 },
  };
  assert.deepEqual(largeValuesOf({ position: 7, event }), [
    { sha256: HASH, sizeBytes: 70_000, position: 7, at: "2026-01-01T00:00:00Z", runId: "r", what: "output of load" },
  ]);
});

test("values that only look like one are none, and one that holds itself deep down ends", () => {
  let deep: object = { $blob: HASH };
  for (let depth = 0; depth < 20; depth += 1) deep = { deep };
  for (const output of [{ $blob: "short" }, { $blob: 5 }, [], null, deep])
    assert.deepEqual(largeValuesOf({ position: 1, event: { type: "run.completed", output: output as never } }), []);
});
