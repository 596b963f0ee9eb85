import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import { collect, type ModelPart } from "../model.ts";
import { messagesCodec } from "./messages.ts";

const head = { id: "1", createdAt: 1_700_000_000, model: "m", body: {} };
const event = (type: string, fields: object = {}): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function* chunksOf(chunks: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* chunks;
}

const read = (...chunks: readonly (Uint8Array | string)[]): Promise<readonly ModelPart[]> =>
  Array.fromAsync(messagesCodec.decodeAnswer(chunksOf(chunks)));

/** Cuts bytes at the given places, so that a cut may fall inside a character. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const stream = [
  event("message_start", {
    message: { usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 2, output_tokens: 1 } },
  }),
  event("ping"),
  event("content_block_start", { index: 0, content_block: { type: "thinking", thinking: "", signature: "" } }),
  event("content_block_delta", { index: 0, delta: { type: "thinking_delta", thinking: "Hm." } }),
  event("content_block_delta", { index: 0, delta: { type: "signature_delta", signature: "c2ln" } }),
  event("content_block_stop", { index: 0 }),
  event("content_block_start", { index: 1, content_block: { type: "text", text: "" } }),
  event("content_block_delta", { index: 1, delta: { type: "text_delta", text: "Wörld 🎼" } }),
  event("content_block_stop", { index: 1 }),
  event("content_block_start", { index: 2, content_block: { type: "text", text: "", citations: [] } }),
  event("content_block_delta", { index: 2, delta: { type: "text_delta", text: "!" } }),
  event("content_block_delta", {
    index: 2,
    delta: { type: "citations_delta", citation: { type: "char_location", cited_text: "q", document_title: "T" } },
  }),
  event("content_block_stop", { index: 2 }),
  event("content_block_start", { index: 3, content_block: { type: "server_tool_use", id: "s", name: "web_search", input: {} } }),
  event("content_block_delta", { index: 3, delta: { type: "input_json_delta", partial_json: "{}" } }),
  event("content_block_stop", { index: 3 }),
  event("content_block_start", { index: 4, content_block: { type: "tool_use", id: "t", name: "add", input: {} } }),
  event("content_block_delta", { index: 4, delta: { type: "input_json_delta", partial_json: "" } }),
  event("content_block_delta", { index: 4, delta: { type: "input_json_delta", partial_json: '{"a":1}' } }),
  event("content_block_stop", { index: 4 }),
  event("message_delta", {
    delta: { stop_reason: "tool_use", stop_sequence: null },
    usage: { output_tokens: 20, input_tokens: null, output_tokens_details: { thinking_tokens: 4 } },
  }),
  event("message_stop"),
].join("");
const parts: readonly ModelPart[] = [
  { type: "reasoning", text: "Hm." },
  { type: "reasoning", text: "", signature: "c2ln", origin: "anthropic" },
  { type: "text", text: "Wörld 🎼" },
  { type: "text", text: "!" },
  { type: "citation", citation: { title: "T", quote: "q", start: 8, end: 9 } },
  { type: "call.delta", index: 0, id: "t", name: "add", text: '{"a":1}' },
  { type: "call", call: { id: "t", name: "add", input: { a: 1 } } },
  {
    type: "finish",
    reason: "tool_calls",
    usage: { inputTokens: 17, outputTokens: 20, cacheReadTokens: 5, cacheWriteTokens: 2, reasoningTokens: 4 },
  },
];

test("a streamed answer is read the same however its bytes are cut", async () => {
  assert.deepEqual(await read(stream), parts);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (places) => {
      assert.deepEqual(await read(...cut(bytesOf(stream), places)), parts);
    }),
  );
});

test("an answer in one piece says the same", async () => {
  const reply = await collect(messagesCodec.decodeAnswer(chunksOf([stream])));
  const whole = JSON.stringify(messagesCodec.encodeAnswer(reply, head));
  assert.deepEqual(await collect(messagesCodec.decodeAnswer(chunksOf(cut(bytesOf(whole), [50, 101])))), reply);
});

test("why an answer stopped is told in OpenAI's words", async () => {
  const stop = async (delta: object): Promise<readonly ModelPart[]> =>
    read(event("message_delta", { delta, usage: { output_tokens: 1 } }), event("message_stop"));
  const usage = { inputTokens: 0, outputTokens: 1 };
  const reasons = {
    end_turn: "stop",
    max_tokens: "length",
    model_context_window_exceeded: "length",
    pause_turn: "stop",
    refusal: "content_filter",
  };
  for (const [theirs, reason] of Object.entries(reasons))
    assert.deepEqual(await stop({ stop_reason: theirs }), [{ type: "finish", reason, usage }]);
  assert.deepEqual(await stop({ stop_reason: "stop_sequence", stop_sequence: "END" }), [
    { type: "finish", reason: "stop", usage, stopSequence: "END" },
  ]);
  assert.deepEqual(await stop({ stop_reason: "refusal", stop_details: { type: "refusal", explanation: "No." } }), [
    { type: "refusal", text: "No." },
    { type: "finish", reason: "content_filter", usage },
  ]);
});

test("a call without arguments has deltas that are an empty object", async () => {
  const answer = await read(
    event("content_block_start", { index: 0, content_block: { type: "tool_use", id: "t", name: "now", input: {} } }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "tool_use" }, usage: {} }),
  );
  assert.deepEqual(answer.slice(0, 2), [
    { type: "call.delta", index: 0, id: "t", name: "now", text: "{}" },
    { type: "call", call: { id: "t", name: "now", input: {} } },
  ]);
});

test("an error event, a broken event and a stream that was cut off throw upstream", async () => {
  const begun = event("message_start", { message: { usage: {} } });
  await assert.rejects(read(begun, event("error", { error: { type: "overloaded_error", message: "Overloaded" } })), {
    code: "upstream",
    message: /reported: Overloaded/,
  });
  await assert.rejects(read(begun, "data: {broken\n\n"), { code: "upstream", message: /wanted JSON/ });
  await assert.rejects(read(begun), { code: "upstream", message: /cut off/ });
  await assert.rejects(read(), { code: "upstream" });
  await assert.rejects(read('{"type":"error","error":{"message":"No."}}'), { code: "upstream", message: /No\./ });
});

test("whatever bytes come, they are read or throw upstream", async () => {
  const type = fc.constantFrom(
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "error",
    "x",
  );
  const block = fc.record(
    {
      type: fc.constantFrom("text", "thinking", "tool_use", "redacted_thinking"),
      id: fc.jsonValue(),
      name: fc.jsonValue(),
      input: fc.jsonValue(),
    },
    { requiredKeys: ["type"] },
  );
  const delta = fc.record(
    {
      type: fc.constantFrom("text_delta", "thinking_delta", "input_json_delta", "citations_delta"),
      text: fc.jsonValue(),
      partial_json: fc.jsonValue(),
      citation: fc.jsonValue(),
      stop_reason: fc.jsonValue(),
    },
    { requiredKeys: ["type"] },
  );
  const odd = fc
    .record(
      { type, index: fc.jsonValue(), content_block: block, delta, usage: fc.jsonValue(), message: fc.jsonValue() },
      { requiredKeys: ["type"] },
    )
    .map((fields) => bytesOf(`data: ${JSON.stringify(fields)}\n\n`));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.uint8Array(), odd), { maxLength: 8 }), async (chunks) => {
      try {
        await read(...chunks);
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === "upstream", String(error));
      }
    }),
  );
});
