import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../json.ts";
import { collect, type ModelPart, type Reply } from "../model.ts";
import { messagesCodec } from "./messages.ts";
import { openCall, openThought, sealCall, sealThought } from "./messages-seal.ts";
import { SseDecoder } from "./sse.ts";

type Fields = { readonly [field: string]: unknown };

const head = { id: "1", createdAt: 1_700_000_000, model: "m", body: {} };
const usage = { inputTokens: 10, outputTokens: 5 };
const stopped: ModelPart = { type: "finish", reason: "stop", usage };

function encode(parts: readonly ModelPart[]): string {
  const encoder = messagesCodec.streamEncoder(head);
  return parts.map((part) => encoder.push(part)).join("");
}

function events(text: string): readonly Fields[] {
  return new SseDecoder().push(text).map(({ event, data }) => {
    const fields = JSON.parse(data) as Fields;
    assert.equal(event, fields.type);
    return fields;
  });
}

/** The blocks of a stream, as clients put them together; an event out of order fails. */
function blocks(text: string): readonly Fields[] {
  const built: Fields[] = [];
  let open = -1;
  for (const event of events(text)) {
    if (event.type === "content_block_start") {
      assert.deepEqual([open, event.index], [-1, built.length]);
      built.push({ ...(event.content_block as Fields), json: "" });
      open = built.length - 1;
    } else if (event.type === "content_block_delta") {
      assert.equal(event.index, open);
      const { text: said = "", thinking = "", partial_json: json = "", signature } = event.delta as Fields;
      const block = built[open] ?? {};
      built[open] = { ...block, ...add(block, { text: said, thinking, json }), ...(signature !== undefined && { signature }) };
    } else if (event.type === "content_block_stop") {
      assert.equal(event.index, open);
      open = -1;
    }
  }
  assert.equal(open, -1);
  return built;
}

function add(block: Fields, more: Fields): Fields {
  return Object.fromEntries(
    Object.entries(more).flatMap(([name, value]) => (name in block ? [[name, `${String(block[name])}${String(value)}`]] : [])),
  );
}

async function* inOnePiece(text: string): AsyncGenerator<string> {
  yield text;
}

const read = (text: string): Promise<Reply> => collect(messagesCodec.decodeAnswer(inOnePiece(text)));

const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const text = fc.string({ unit: "binary", minLength: 1 });
const callOf = fc.record({ name: text, input: fc.dictionary(text, json, { noNullPrototype: true }) }, { noNullPrototype: true });
const thoughtOf = fc.oneof(
  fc.record({ type: fc.constant("reasoning"), text, signature: text, origin: fc.constant("anthropic") }, { noNullPrototype: true }),
  fc.record(
    {
      type: fc.constant("reasoning"),
      text: fc.constant(""),
      signature: text,
      origin: fc.constant("anthropic"),
      isRedacted: fc.constant(true),
    },
    { noNullPrototype: true },
  ),
) as fc.Arbitrary<ModelPart>;
const said: fc.Arbitrary<ModelPart> = fc.record({ type: fc.constant("text"), text }, { noNullPrototype: true });

test("an answer survives being written as a stream, or in one piece, and read again", async () => {
  const usages = fc.record(
    { inputTokens: fc.nat(), outputTokens: fc.nat(), reasoningTokens: fc.integer({ min: 1, max: 1_000 }) },
    { requiredKeys: ["inputTokens", "outputTokens"], noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(said, thoughtOf), { maxLength: 6 }),
      fc.array(callOf, { maxLength: 3 }),
      usages,
      async (parts, calls, used) => {
        const called = calls.map((call, index): ModelPart => ({ type: "call", call: { id: `toolu_${index}`, ...call } }));
        const reason = calls.length > 0 ? "tool_calls" : "stop";
        const all: readonly ModelPart[] = [...parts, ...called, { type: "finish", reason, usage: used }];
        const reply = await collect(inOrder(all));
        assert.deepEqual(await read(encode(all)), reply);
        // A block of white space only is no block.
        assert.deepEqual(await read(JSON.stringify(messagesCodec.encodeAnswer(reply, head))), reply);
      },
    ),
  );
});

async function* inOrder(parts: readonly ModelPart[]): AsyncGenerator<ModelPart> {
  yield* parts;
}

test("a stream has the events of Anthropic's in their order, with usage at both ends", () => {
  const stream = events(
    encode([
      { type: "text", text: "Hi" },
      { type: "finish", reason: "stop", usage, stopSequence: "END" },
    ]),
  );
  assert.deepEqual(
    stream.map(({ type }) => type),
    ["message_start", "ping", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"],
  );
  const { message } = stream[0] as { readonly message: Fields };
  assert.deepEqual([message.id, message.type, message.role, message.model, message.content], ["msg_1", "message", "assistant", "m", []]);
  const { delta, usage: counted } = stream[5] as { readonly delta: Fields; readonly usage: Fields };
  assert.deepEqual([delta.stop_reason, delta.stop_sequence, counted.input_tokens, counted.output_tokens], ["stop_sequence", "END", 10, 5]);
});

test("an answer without any words is whole too", () => {
  assert.deepEqual(
    events(encode([stopped])).map(({ type }) => type),
    ["message_start", "ping", "message_delta", "message_stop"],
  );
});

test("calls are written as their deltas come, each once, and interleaved ones when they are whole", () => {
  const delta = (index: number, piece: string): ModelPart => ({ type: "call.delta", index, id: `c${index}`, name: "add", text: piece });
  const whole = (index: number, input: Json): ModelPart => ({ type: "call", call: { id: `c${index}`, name: "add", input } });
  const interleaved = [delta(0, '{"a"'), delta(1, '{"b":'), delta(0, ":1}"), delta(1, "2}"), delta(2, "{}")];
  const written = blocks(encode([...interleaved, whole(0, { a: 1 }), whole(1, { b: 2 }), whole(2, {}), stopped]));
  assert.deepEqual(
    written.map(({ id, json: input }) => [id, input]),
    [
      ["c0", '{"a":1}'],
      ["c1", '{"b":2}'],
      ["c2", "{}"],
    ],
  );
  const split = blocks(encode([delta(0, '{"a"'), { type: "text", text: "Hm." }, delta(0, ":1}"), whole(0, { a: 1 }), stopped]));
  assert.deepEqual(
    split.map(({ type, text: words, json: input }) => [type, words ?? input]),
    [
      ["tool_use", '{"a":1}'],
      ["text", "Hm."],
    ],
  );
  const [start] = events(encode([delta(0, '{"a"')])).filter(({ type }) => type === "content_block_start");
  assert.deepEqual((start?.content_block as Fields | undefined)?.name, "add");
});

test("an ordinary end with tool calls is told as tool use, which Anthropic's clients go by", () => {
  const parts: readonly ModelPart[] = [{ type: "call", call: { id: "c", name: "add", input: {} } }, stopped];
  const stop = events(encode(parts)).find(({ type }) => type === "message_delta");
  assert.equal((stop?.delta as Fields | undefined)?.stop_reason, "tool_use");
});

test("more text after a source begins a block of its own", () => {
  const citation: ModelPart = { type: "citation", citation: { url: "https://example.com", title: "T", quote: "q" } };
  const written = blocks(encode([{ type: "text", text: "A" }, citation, citation, { type: "text", text: "B" }, stopped]));
  assert.deepEqual(
    written.map(({ text: words }) => words),
    ["A", "B"],
  );
});

test("in one piece, sources stand at the words they are about", () => {
  const cite = (start: number, end: number) => ({ url: "https://example.com", start, end });
  const citations = [cite(3, 5), cite(0, 2), cite(3, 5), { title: "T" }];
  const parts = [{ type: "text", text: "ab cd ef", citations }] as const;
  const reply: Reply = { role: "assistant", content: "ab cd ef", parts, calls: [], finishReason: "stop", usage };
  const { content } = messagesCodec.encodeAnswer(reply, head) as { readonly content: readonly Fields[] };
  assert.deepEqual(
    content.map(({ text: words, citations: sources }) => [words, (sources as readonly unknown[] | null)?.length ?? 0]),
    [
      ["ab", 1],
      [" ", 0],
      ["cd", 2],
      [" ef", 1],
    ],
  );
});

test("a refusal is said, and one that a filter gave stands beside the answer", async () => {
  const refusal: ModelPart = { type: "refusal", text: "No." };
  assert.deepEqual(
    blocks(encode([refusal, stopped])).map(({ text: words }) => words),
    ["No."],
  );
  const filtered = encode([refusal, { type: "finish", reason: "content_filter", usage }]);
  assert.deepEqual(blocks(filtered), []);
  const reply = await read(filtered);
  assert.deepEqual([reply.finishReason, reply.parts], ["content_filter", [{ type: "refusal", text: "No." }]]);
});

test("what the format has no block for is said in words", () => {
  const picture: ModelPart = { type: "image", media: { url: "https://example.com/cat.png" } };
  const sound: ModelPart = { type: "audio", data: "aGk=", mediaType: "audio/wav", transcript: "Hi." };
  assert.deepEqual(
    blocks(encode([picture, sound, stopped])).map(({ text: words }) => words),
    ["![image](https://example.com/cat.png)Hi."],
  );
});

test("signatures of other providers travel sealed, Anthropic's as they are", () => {
  fc.assert(
    fc.property(text, fc.constantFrom("openai", "gemini", "anthropic"), fc.string(), (signature, origin, id) => {
      const sealed = sealThought({ type: "reasoning", text: "", signature, origin, ...(id !== "" && { id }) });
      if (origin === "anthropic") assert.equal(sealed, signature);
      else assert.deepEqual(openThought(sealed), { signature, origin, ...(id !== "" && { id }) });
      assert.deepEqual(openCall(sealCall(id, signature)), { callId: id, signature });
    }),
  );
  const hidden: ModelPart = { type: "reasoning", text: "", signature: "c2ln", origin: "openai", id: "rs_1" };
  assert.deepEqual(
    blocks(encode([hidden, stopped])).map(({ type, data }) => [type, data]),
    [["redacted_thinking", "tutti:openai:rs_1:c2ln"]],
  );
});

test("errors have Anthropic's shape and types, in the stream and before it", () => {
  const error = { code: "rate_limited", message: "Slow down.", status: 429 };
  const body = { type: "error", error: { type: "rate_limit_error", message: "Slow down." }, request_id: null };
  assert.deepEqual(messagesCodec.encodeError(error), body);
  assert.deepEqual(events(messagesCodec.streamEncoder(head).fail(error)), [body]);
  const types = [400, 401, 402, 403, 404, 413, 418, 500, 502, 503, 504].map((status) => {
    const { error: described } = messagesCodec.encodeError({ code: "x", message: "", status }) as { readonly error: Fields };
    return described.type;
  });
  assert.deepEqual(types, [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "invalid_request_error",
    "api_error",
    "api_error",
    "overloaded_error",
    "timeout_error",
  ]);
});
