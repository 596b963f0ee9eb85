import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_TALLY, readTally, withVote } from "./tally.ts";

test("votes count for the model, whichever side it stood on", () => {
  const one = withVote(EMPTY_TALLY, { a: "x", b: "y", verdict: "a" });
  const two = withVote(one, { a: "y", b: "x", verdict: "b" });
  const three = withVote(two, { a: "y", b: "x", verdict: "a" });
  assert.deepEqual(withVote(three, { a: "x", b: "y", verdict: "same" }).pairs, [{ a: "x", b: "y", wonA: 2, wonB: 1, same: 1 }]);
});

test("a saved view of any shape is read as votes", () => {
  const tally = withVote(EMPTY_TALLY, { a: "x", b: "y", verdict: "a" });
  assert.deepEqual(readTally(JSON.parse(JSON.stringify(tally))), tally);
  for (const odd of [null, 3, [], { pairs: 3 }, { pairs: [null, { a: 1 }] }]) assert.deepEqual(readTally(odd), EMPTY_TALLY);
  assert.deepEqual(readTally({ pairs: [{ a: "x", b: "y", wonA: -1, wonB: "many" }] }).pairs, [
    { a: "x", b: "y", wonA: 0, wonB: 0, same: 0 },
  ]);
});
