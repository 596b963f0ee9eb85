import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ContentPart, type FinishReason, type ModelPart, type ModelRequest, type Reply } from "../model.ts";
import { chatCodec } from "./chat-codec.ts";
import { encodeChatRequest } from "./chat-request.ts";
import type { Codec } from "./codec.ts";
import { messagesCodec } from "./messages.ts";

/** Where thoughts go is the provider's matter; here they go everywhere. */
const chat: Codec = { ...chatCodec, encodeRequest: (model, request) => encodeChatRequest(model, request, () => true) };
const FORMATS: Readonly<Record<string, Codec>> = { chat, messages: messagesCodec };
const PATHS: readonly (readonly string[])[] = [["messages"], ["chat", "messages", "chat"], ["messages", "chat", "messages"]];
const head = { id: "1", createdAt: 1_700_000_000, model: "m", body: { stream: true, stream_options: { include_usage: true } } };
const usage = { inputTokens: 20, outputTokens: 9 };
const finish = (reason: FinishReason, more: object = {}): ModelPart => ({ type: "finish", reason, usage: { ...usage, ...more } });
const text = (value: string): ModelPart => ({ type: "text", text: value });
const thought = (value: string, origin: "openai" | "anthropic" | "gemini"): ModelPart => ({
  type: "reasoning",
  text: value,
  signature: `c2lnbmVk${origin}`,
  origin,
});

const ANSWERS: Readonly<Record<string, readonly ModelPart[]>> = {
  "text, with all counts of tokens": [text("Hel"), text("lo."), finish("stop", { cacheReadTokens: 5, reasoningTokens: 3 })],
  "an answer that was cut for its length": [text("Hel"), finish("length")],
  "a thought that Anthropic signed, and one that it hid": [
    thought("Hm.", "anthropic"),
    { type: "reasoning", text: "", signature: "aGlk", origin: "anthropic", isRedacted: true },
    text("Hello."),
    finish("stop"),
  ],
  "a thought that Gemini signed": [thought("Hm.", "gemini"), text("Hello."), finish("stop")],
  "calls with their arguments, and what Gemini wants back with one": [
    text("Adding."),
    { type: "call", call: { id: "call_a", name: "add", input: { a: [1, { b: "ü" }] }, signature: "c2lnbmVk" } },
    { type: "call", call: { id: "call_b", name: "now", input: {} } },
    finish("tool_calls"),
  ],
  sources: [
    text("Paris is in France."),
    { type: "citation", citation: { url: "https://example.com", title: "Paris", start: 0, end: 19 } },
    finish("stop"),
  ],
};

async function* inOnePiece(bytes: string): AsyncGenerator<string> {
  yield bytes;
}

async function* inOrder(parts: readonly ModelPart[]): AsyncGenerator<ModelPart> {
  yield* parts;
}

/** An answer as it is after having been written in each of the formats, streamed or whole, and read again. */
async function travel(reply: Reply, path: readonly string[], isStreamed: boolean): Promise<Reply> {
  let current = reply;
  for (const name of path) {
    const codec = FORMATS[name];
    assert.ok(codec);
    const encoder = codec.streamEncoder(head);
    const parts = [...partsOf(current)];
    const bytes = isStreamed ? parts.map((part) => encoder.push(part)).join("") : JSON.stringify(codec.encodeAnswer(current, head));
    current = await collect(codec.decodeAnswer(inOnePiece(bytes)));
  }
  return current;
}

/** A reply as the stream that it came from. */
function* partsOf(reply: Reply): Generator<ModelPart> {
  for (const part of reply.parts ?? [{ type: "text", text: reply.content } as const]) yield* pieceOf(part);
  for (const call of reply.calls) yield { type: "call", call };
  yield { type: "finish", reason: reply.finishReason, usage: reply.usage };
}

function* pieceOf(part: ContentPart): Generator<ModelPart> {
  if (part.type === "text") {
    yield { type: "text", text: part.text };
    for (const citation of part.citations ?? []) yield { type: "citation", citation };
  } else if (part.type === "reasoning" || part.type === "refusal") yield part;
}

for (const [what, parts] of Object.entries(ANSWERS)) {
  for (const path of PATHS) {
    test(`${what}: read as it was after ${path.join(" → ")}, streamed and whole`, async () => {
      const reply = await collect(inOrder(parts));
      assert.deepEqual(await travel(reply, path, true), reply);
      assert.deepEqual(await travel(reply, path, false), reply);
    });
  }
}

const tools = [{ name: "add", description: "Adds.", parameters: { type: "object", properties: { a: { type: "number" } } } }];
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }], outputTokensMax: 1_000 };
const showing = (...parts: readonly ContentPart[]): ModelRequest => ({
  ...hello,
  messages: [{ role: "user", content: "Look.", parts: [{ type: "text", text: "Look." }, ...parts] }],
});

const REQUESTS: Readonly<Record<string, ModelRequest>> = {
  "turns of system, user and assistant": {
    ...hello,
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello." },
      { role: "user", content: "Go on." },
    ],
    user: "u",
  },
  "pictures and files": showing(
    { type: "image", media: { data: "aGk=", mediaType: "image/png" } },
    { type: "image", media: { url: "https://example.com/cat.png" } },
    { type: "file", media: { data: "JVBE", mediaType: "application/pdf" }, name: "a.pdf" },
  ),
  "calls, results and tools": {
    ...hello,
    messages: [
      { role: "user", content: "Add." },
      {
        role: "assistant",
        content: "Adding.",
        calls: [
          { id: "a", name: "add", input: { a: 1 } },
          { id: "b", name: "add", input: {} },
        ],
      },
      { role: "tool", content: "1", callId: "a" },
      { role: "tool", content: "2", callId: "b" },
    ],
    tools,
  },
  "a signed thought before a call": {
    ...hello,
    messages: [
      { role: "user", content: "Add." },
      {
        role: "assistant",
        content: "",
        parts: [{ type: "reasoning", text: "Hm.", signature: "c2ln", origin: "anthropic" }],
        calls: [{ id: "a", name: "add", input: { a: 1 } }],
      },
      { role: "tool", content: "1", callId: "a" },
    ],
    tools,
  },
  "a tool that is required, and one call at a time": { ...hello, tools, toolChoice: { name: "add" }, parallelCalls: false },
  "a schema for the answer": {
    ...hello,
    format: {
      type: "schema",
      name: "answer",
      schema: { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false },
      strict: true,
    },
  },
  "sampling and stop sequences": { ...hello, sampling: { temperature: 0.5, topP: 0.9, stop: ["END"] } },
};

for (const [what, request] of Object.entries(REQUESTS)) {
  for (const path of PATHS) {
    test(`${what}: asked as it was after ${path.join(" → ")}`, () => {
      let current = request;
      for (const name of path) {
        const codec = FORMATS[name];
        assert.ok(codec);
        const body: unknown = JSON.parse(JSON.stringify(codec.encodeRequest("m", current)));
        current = codec.decodeRequest(body).request;
      }
      assert.deepEqual(current, request);
    });
  }
}
