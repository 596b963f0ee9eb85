import assert from "node:assert/strict";
import { test } from "node:test";
import { amendmentWords } from "./amendment-words.ts";
import { AMENDED_EVENT, AMENDMENT_REFUSED_EVENT } from "./names.ts";

const none = { added: [], removed: [], replaced: [], connected: [], disconnected: [], fields: [] };

test("an amendment is told with everything that it changed, the graph's output too", () => {
  const data = { id: "1", ...none, added: ["d", "e"], connected: ["a → d"], fields: ["output"] };
  assert.equal(amendmentWords(AMENDED_EVENT, data), "added d, e; connected a → d; changed the graph's output");
  assert.equal(amendmentWords(AMENDED_EVENT, { id: "1", ...none }), "changed nothing");
});

test("an amendment of a log that does not name the graph's fields is told as far as it goes", () => {
  const { fields: _, ...old } = none;
  assert.equal(amendmentWords(AMENDED_EVENT, { id: "1", ...old }), "changed the graph's output or description");
});

test("a refused amendment is told with its reasons, and what is no amendment is not", () => {
  const problems = [{ path: ["nodes"], message: "a has begun" }, { message: "b too" }];
  assert.equal(amendmentWords(AMENDMENT_REFUSED_EVENT, { id: "1", problems }), "a has begun; b too");
  assert.equal(amendmentWords("order.paid", { added: ["x"], problems }), undefined);
  for (const data of [null, "x", [1], { $blob: "0".repeat(64) }]) assert.equal(amendmentWords(AMENDED_EVENT, data), undefined);
});
