import assert from "node:assert/strict";
import { test } from "node:test";
import { percentile } from "./results.ts";

test("a percentile is the nearest rank", () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => percentile(sorted, share)),
    [1, 50, 99, 100],
  );
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([], 0.5), 0);
});
