import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example lets keys take turns, urgent runs go first, and refuses what does not fit", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "bob did not wait for ada: first, bob 1",
    "refused: overloaded",
    "1 runs, 6 wait",
    "in the end: first, bob 1, urgent, ada 1, ada 2, ada 3, ada 4, ada 5",
  ]);
});
