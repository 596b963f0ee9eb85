import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Message, ModelPart, ModelRequest } from "../model.ts";
import { decodeGeminiAnswer } from "./gemini-answer.ts";
import { encodeGeminiRequest } from "./gemini-request.ts";

type Body = { readonly [field: string]: Json };

const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const NEW = "gemini-3-pro-preview";
const encode = (request: ModelRequest, model = NEW): Body => JSON.parse(JSON.stringify(encodeGeminiRequest(model, request))) as Body;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const event = (response: unknown): string => `data: ${JSON.stringify(response)}\r\n\r\n`;

async function* chunksOf(chunks: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* chunks;
}

const read = (...chunks: readonly (Uint8Array | string)[]): Promise<readonly ModelPart[]> =>
  Array.fromAsync(decodeGeminiAnswer(chunksOf(chunks)));

test("a request is written with the system apart, and everything that Google takes", () => {
  const body = encode({
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Look.", parts: [{ type: "image", media: { data: "aGk=", mediaType: "image/png" } }] },
      { role: "assistant", content: "A cat." },
      { role: "system", content: "Hurry." },
      { role: "user", content: "Go on." },
    ],
    outputTokensMax: 100,
    sampling: { temperature: 0.5, topP: 0.9, topK: 4, seed: 1, presencePenalty: 1, stop: ["END"] },
    format: { type: "schema", name: "n", schema: { type: "object" } },
    reasoning: { effort: "medium", isShown: true },
  });
  assert.deepEqual(body, {
    contents: [
      { role: "user", parts: [{ inlineData: { mimeType: "image/png", data: "aGk=" } }] },
      { role: "model", parts: [{ text: "A cat." }] },
      { role: "user", parts: [{ text: "Go on." }] },
    ],
    systemInstruction: { parts: [{ text: "Be brief.\n\nHurry." }] },
    generationConfig: {
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 4,
      seed: 1,
      presencePenalty: 1,
      stopSequences: ["END"],
      thinkingConfig: { includeThoughts: true, thinkingLevel: "MEDIUM" },
      responseMimeType: "application/json",
      responseJsonSchema: { type: "object" },
    },
  });
});

test("Gemma is told by the user what the system says, and a conversation begins with the user", () => {
  const messages: readonly Message[] = [
    { role: "system", content: "Be brief." },
    { role: "assistant", content: "Hello." },
  ];
  assert.deepEqual(encode({ messages }, "gemma-3-27b-it").contents, [
    { role: "user", parts: [{ text: "Be brief." }] },
    { role: "model", parts: [{ text: "Hello." }] },
  ]);
  assert.deepEqual(encode({ messages: messages.slice(1) }).contents, [
    { role: "user", parts: [{ text: "(The assistant begins.)" }] },
    { role: "model", parts: [{ text: "Hello." }] },
  ]);
  assert.throws(() => encode({ messages: [{ role: "user", content: "" }] }), { code: "invalid_input" });
});

test("results stand under the names of their calls, with pictures where the model takes them", () => {
  const messages: readonly Message[] = [
    ...hello.messages,
    { role: "assistant", content: "", calls: [{ id: "a", name: "look", input: {}, signature: "c2ln" }] },
    { role: "user", content: "Well?" },
    { role: "tool", content: "Done.", parts: [{ type: "image", media: { data: "aGk=", mediaType: "image/png" } }], callId: "a" },
  ];
  const picture = { inlineData: { mimeType: "image/png", data: "aGk=" } };
  const response = { id: "a", name: "look", response: { output: "Done." } };
  assert.deepEqual((encode({ messages }).contents as readonly Json[]).slice(2), [
    { role: "user", parts: [{ functionResponse: { ...response, parts: [picture] } }] },
    { role: "user", parts: [{ text: "Well?" }] },
  ]);
  assert.deepEqual((encode({ messages }, "gemini-2.5-pro").contents as readonly Json[])[2], {
    role: "user",
    parts: [{ functionResponse: response }, picture],
  });
});

test("tools are wanted in Google's words", () => {
  const tools = [{ name: "add", description: "Adds.", parameters: { type: "object" }, strict: true }];
  const config = (toolChoice: ModelRequest["toolChoice"]): Json | undefined =>
    encode({ ...hello, tools, ...(toolChoice !== undefined && { toolChoice }) }).toolConfig;
  assert.deepEqual(config(undefined), { functionCallingConfig: { mode: "VALIDATED" } });
  assert.deepEqual(config("none"), { functionCallingConfig: { mode: "NONE" } });
  assert.deepEqual(config("required"), { functionCallingConfig: { mode: "ANY" } });
  assert.deepEqual(config({ name: "add" }), { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["add"] } });
});

test("what a model cannot do is unsupported, and hints that it does not know are left out", () => {
  const tools = [{ name: "add", description: "", parameters: {} }];
  assert.throws(() => encode({ ...hello, tools, format: { type: "json" } }, "gemini-2.5-flash"), { code: "unsupported" });
  assert.throws(() => encode({ ...hello, sampling: { stop: ["a", "b", "c", "d", "e", "f"] } }), { code: "unsupported" });
  assert.equal(encode({ ...hello, sampling: { presencePenalty: 1 } }, "gemini-2.5-flash").generationConfig, undefined);
});

test("a link says what is behind it as far as its ending tells", () => {
  const part = (url: string): Json => {
    const { contents } = encode({ messages: [{ role: "user", content: "", parts: [{ type: "image", media: { url } }] }] });
    return (contents as readonly { readonly parts: readonly Json[] }[])[0]?.parts[0] ?? null;
  };
  assert.deepEqual(part("https://example.com/a.PNG?x=1"), {
    fileData: { fileUri: "https://example.com/a.PNG?x=1", mimeType: "image/png" },
  });
  assert.deepEqual(part("https://example.com/a"), { fileData: { fileUri: "https://example.com/a", mimeType: "image/jpeg" } });
});

const answer = [
  { candidates: [{ content: { parts: [{ text: "Hm.", thought: true }] } }], responseId: "r/1" },
  {
    candidates: [{ content: { parts: [{ text: "Wörld 🎼" }, { inlineData: { mimeType: "image/png", data: "aGk=" } }] } }],
    responseId: "r/1",
  },
  {
    candidates: [
      {
        content: {
          parts: [{ functionCall: { name: "add", args: { a: 1 } }, thoughtSignature: "c2ln" }, { functionCall: { id: "x", name: "now" } }],
        },
        finishReason: "STOP",
        citationMetadata: { citationSources: [{ startIndex: 0, endIndex: 6, uri: "https://example.com" }] },
      },
    ],
    responseId: "r/1",
  },
  {
    usageMetadata: {
      promptTokenCount: 10,
      toolUsePromptTokenCount: 2,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 3,
      cachedContentTokenCount: 4,
    },
  },
];
const parts: readonly ModelPart[] = [
  { type: "reasoning", text: "Hm." },
  { type: "text", text: "Wörld 🎼" },
  { type: "image", media: { data: "aGk=", mediaType: "image/png" } },
  { type: "call", call: { id: "call_r1_0", name: "add", input: { a: 1 }, signature: "c2ln" } },
  { type: "call", call: { id: "x", name: "now", input: {} } },
  { type: "citation", citation: { url: "https://example.com", start: 0, end: 5 } },
  { type: "finish", reason: "tool_calls", usage: { inputTokens: 12, outputTokens: 8, cacheReadTokens: 4, reasoningTokens: 3 } },
];

test("a streamed answer is read the same however its bytes are cut", async () => {
  const bytes = bytesOf(answer.map(event).join(""));
  assert.deepEqual(await read(bytes), parts);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (places) => {
      const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
      assert.deepEqual(await read(...ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))), parts);
    }),
  );
});

test("why an answer stopped is told in OpenAI's words", async () => {
  const usage = { inputTokens: 0, outputTokens: 0 };
  const reasons = {
    STOP: "stop",
    MAX_TOKENS: "length",
    SAFETY: "content_filter",
    RECITATION: "content_filter",
    IMAGE_SAFETY: "content_filter",
    OTHER: "stop",
  };
  for (const [theirs, reason] of Object.entries(reasons))
    assert.deepEqual(await read(event({ candidates: [{ finishReason: theirs }] })), [{ type: "finish", reason, usage }]);
  assert.deepEqual(await read(JSON.stringify({ candidates: [{ finishReason: "STOP" }] })), [{ type: "finish", reason: "stop", usage }]);
});

test("errors, broken events and streams that were cut off throw upstream", async () => {
  await assert.rejects(read(event({ error: { code: 503, message: "Overloaded." } })), { code: "upstream", message: /Overloaded/ });
  await assert.rejects(read("data: {broken\n\n"), { code: "upstream" });
  await assert.rejects(read(event({ candidates: [{ content: { parts: [{ text: "Hel" }] } }] })), { code: "upstream", message: /cut off/ });
  await assert.rejects(read("{}"), { code: "upstream" });
  await assert.rejects(read("[1]"), { code: "upstream" });
});

test("whatever bytes come, they are read or throw upstream", async () => {
  const part = fc.record(
    {
      text: fc.jsonValue(),
      thought: fc.jsonValue(),
      functionCall: fc.jsonValue(),
      inlineData: fc.jsonValue(),
      thoughtSignature: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const candidate = fc.record(
    {
      content: fc.oneof(fc.jsonValue(), fc.record({ parts: fc.array(part) })),
      finishReason: fc.jsonValue(),
      groundingMetadata: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const odd = fc
    .record(
      { candidates: fc.oneof(fc.jsonValue(), fc.array(candidate)), usageMetadata: fc.jsonValue(), promptFeedback: fc.jsonValue() },
      { requiredKeys: [] },
    )
    .map((response) => bytesOf(event(response)));
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
