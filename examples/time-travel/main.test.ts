import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example runs a failed run again from the step that failed, and forks it with another past", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "failed: the printer is off",
    "replayed exactly: true",
    'again: {"order":7,"total":84} doing only: print',
    'what if: {"order":7,"total":120} doing: add tax, print',
    "steps that differ: 2",
  ]);
});
