import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, newHistory, redone, undone } from "./text-history.ts";

test("changes are taken back and made again, one after the other", () => {
  const one = changed(newHistory("a"), "b", { by: "", atMs: 0 });
  const two = changed(one, "c", { by: "", atMs: 1 });
  assert.deepEqual([undone(two).now, undone(undone(two)).now, undone(undone(undone(two))).now], ["b", "a", "a"]);
  assert.deepEqual([redone(undone(two)).now, redone(two).now], ["c", "c"]);
});

test("what is typed in one go is one change, and another kind of change is another", () => {
  const typed = ["ab", "abc"].reduce((history, text, at) => changed(history, text, { by: "text", atMs: at * 100 }), newHistory("a"));
  assert.equal(undone(typed).now, "a");
  const other = changed(typed, "abcd", { by: "form", atMs: 250 });
  assert.equal(undone(other).now, "abc");
  const later = changed(typed, "abcd", { by: "text", atMs: 9000 });
  assert.equal(undone(later).now, "abc");
});

test("a change after one was taken back forgets what could have been made again", () => {
  const back = undone(changed(newHistory("a"), "b", { by: "", atMs: 0 }));
  assert.equal(redone(changed(back, "c", { by: "", atMs: 1 })).now, "c");
});
