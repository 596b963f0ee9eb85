import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example counts on in a fresh log, and under a new version from the next log on", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "four signals later the total is 10, in the second log of the same run",
    'result: {"logs":3,"total":50}',
  ]);
});
