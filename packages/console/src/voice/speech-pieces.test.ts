import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { speechPieces } from "./speech-pieces.ts";

const sizes = { firstMax: 30, restMax: 60 };

test("a text is cut between its sentences, the first piece short", () => {
  const pieces = speechPieces("One is here. Two is here. Three is a little longer than that. Four.", sizes);
  assert.deepEqual(pieces, ["One is here. Two is here. ", "Three is a little longer than that. Four."]);
});

test("a sentence that is longer than a piece is cut between characters, never within one", () => {
  const family = "👨‍👩‍👧";
  const pieces = speechPieces(family.repeat(10), sizes);
  assert.ok(pieces.length > 1);
  for (const piece of pieces) assert.equal(piece.length % family.length, 0);
});

test("whatever is said, its pieces put together are it, and none is longer than may be", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (text) => {
      const pieces = speechPieces(text, sizes);
      assert.equal(pieces.join(""), text);
      assert.ok(pieces.every((piece, index) => piece.length <= (index === 0 ? sizes.firstMax : sizes.restMax)));
    }),
  );
});
