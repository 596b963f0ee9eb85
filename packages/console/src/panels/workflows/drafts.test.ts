import assert from "node:assert/strict";
import { test } from "node:test";
import { draftAfterSaving } from "./drafts.ts";

const sent = { text: "a", version: 1, message: "first" };
const saved = { text: "a\n", version: 2 };

test("a draft that is still what was sent is what was saved", () => {
  assert.deepEqual(draftAfterSaving(sent, sent, saved), saved);
});

test("what was typed while it was saved stays, and follows the version that was saved", () => {
  assert.deepEqual(draftAfterSaving({ ...sent, text: "ab" }, sent, saved), { text: "ab", version: 2 });
  assert.deepEqual(draftAfterSaving({ ...sent, message: "second" }, sent, saved), { ...saved, message: "second" });
});
