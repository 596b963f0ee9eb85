import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example takes signed webhooks once, refuses forged ones, and sends one that the receiver can verify", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "a push:                202",
    "the same, sent again:  202, known already",
    "one with another body: 401",
    "the team hears:        build.done, 2 commits on main build",
  ]);
});
