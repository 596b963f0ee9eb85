import assert from "node:assert/strict";
import { test } from "node:test";
import { hasHidden, visible } from "./visible.ts";

test("what people do not see stands as an escape, and what they see stays", () => {
  assert.equal(visible("a\u202Eb\u200Bc\u00A0d"), String.raw`a\u202eb\u200bc\u00a0d`);
  assert.equal(visible("two words\nand 名前"), "two words\nand 名前");
  assert.equal(hasHidden("\u2066x"), true);
  assert.equal(hasHidden("x y"), false);
});

test("JSON in which everything is visible says the same", () => {
  const value = { name: "a\u202Eb\u{E0041}" };
  assert.deepEqual(JSON.parse(visible(JSON.stringify(value))), value);
});
