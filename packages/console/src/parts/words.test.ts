import assert from "node:assert/strict";
import { test } from "node:test";
import { countUpTo } from "./words.ts";

test("a number that is counted up to a bound says that there may be more", () => {
  assert.deepEqual(
    [0, 999, 1_000].map((number) => countUpTo(number, 1_000)),
    ["0", "999", `${(1_000).toLocaleString()}+`],
  );
});
