import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

test("the example ships an order, refuses one, reorders one, and fails for one that is empty", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main]);
  assert.equal(stderr, "");
  const shipped = {
    by: "Bob",
    note: "Thank Ada for the order. Thank you!",
    parcel: "a parcel of 2, to Ada",
    shipped: true,
    state: "delivered",
    tax: "130 * 0.19 = 24.7",
    total: "130",
  };
  assert.deepEqual(
    stdout.split("\n").filter((line) => /^\w/.test(line)),
    [
      `Ada: ${JSON.stringify(shipped)}`,
      'Mallory: {"reason":"never paid before","shipped":false}',
      'Eve: {"reason":"there are no unicorns left","shipped":false}',
      'Nobody: {"code":"invalid_input","message":"Nobody ordered nothing"}',
    ],
  );
  assert.match(stdout, /Eve: .*\n(?: {2}.*\n)* {2}failed {4}reserve\n {2}completed backorder\n/);
});
