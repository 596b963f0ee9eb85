import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example restarts what fails, stops what crashes again and again, and says what to do", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "done after 2 attempts",
    "a crash loop after 2 restarts: Milano does not answer",
    "health is down: mend the cause, then `tutti supervisor resume importer`",
    "health is well again",
    "dead letter from supervisor/once, tried 1 time: Milano does not answer",
  ]);
});
