import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

test("the example is refused where it touches the past, amended where it does not, and goes the new way", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main]);
  assert.equal(stderr, "");
  assert.deepEqual(stdout.trim().split(/\n+/), [
    "before   count completed, draft completed, review waiting, send pending",
    "refused  report.yaml:5:10: count has begun and cannot change any more; put it back, and add a node after it",
    "amended  added check, corrected; removed send",
    "         connected review → check, check → corrected; disconnected review → send",
    "after    count completed, draft completed, review completed, check completed, corrected completed",
    'result   "We sold 51 lamps. After returns it is 50."',
    "replay   true",
  ]);
});
