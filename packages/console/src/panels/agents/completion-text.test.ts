import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EMPTY_ANSWER, withChunk } from "./completion-text.ts";

test("an answer is put together from its chunks, with what it used", () => {
  const chunks = [
    { choices: [{ delta: { role: "assistant", content: "" } }] },
    { choices: [{ delta: { reasoning_content: "hm" } }] },
    { choices: [{ delta: { content: "Hel" } }] },
    { choices: [{ delta: { content: "lo" }, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
  ];
  assert.deepEqual(chunks.reduce(withChunk, EMPTY_ANSWER), {
    text: "Hello",
    thoughts: "hm",
    finishReason: "stop",
    inputTokens: 3,
    outputTokens: 2,
  });
});

test("a chunk of any other shape changes nothing and breaks nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (chunk) => {
      assert.equal(typeof withChunk(EMPTY_ANSWER, chunk as never).text, "string");
    }),
  );
});
