import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diffLines } from "./text-diff.ts";

const lines = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 40 });

test("a difference holds both texts whole and in order", () => {
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const diff = diffLines(before, after);
      assert.deepEqual(
        diff.filter(({ kind }) => kind !== "new").map(({ text }) => text),
        before,
      );
      assert.deepEqual(
        diff.filter(({ kind }) => kind !== "gone").map(({ text }) => text),
        after,
      );
      for (const line of diff.filter(({ kind }) => kind === "same")) {
        assert.equal(before[(line.before ?? 0) - 1], line.text);
        assert.equal(after[(line.after ?? 0) - 1], line.text);
      }
    }),
  );
});

test("a difference is as small as it can be", () => {
  const diff = diffLines(["one", "two", "three", "four"], ["one", "2", "three", "four", "five"]);
  assert.deepEqual(
    diff.map(({ kind }) => kind),
    ["same", "gone", "new", "same", "same", "new"],
  );
  assert.deepEqual(diffLines(["a"], ["a"]), [{ kind: "same", text: "a", before: 1, after: 1 }]);
  assert.deepEqual(diffLines([], []), []);
});
