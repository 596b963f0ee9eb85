import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example's schedules keep their times over a change of clocks, a restart and a failure", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "schedules: nightly-report is active",
    "in March 2027: 2027-03-27T01:30:00.000Z 2027-03-28T01:00:00.000Z 2027-03-29T00:30:00.000Z",
    "triggered: completed, 1 report for Milano",
    "over a restart: 0 ticks missed",
    "dead letter from schedule/printing: the printer is off",
    "after the retry no letter waits",
  ]);
});
