import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import { collect, type ModelPart } from "../model.ts";
import { decodeChatAnswer } from "./chat-answer.ts";
import { chatCodec } from "./chat-codec.ts";

const plain = { noNullPrototype: true };
const text = fc.string({ unit: "binary", minLength: 1 });
const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
type Arbitrary = fc.Arbitrary<ModelPart>;
const type = <T extends string>(name: T) => fc.constant(name);
const part = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }, requiredKeys: (keyof T & string)[]) =>
  fc.record(fields, { requiredKeys: requiredKeys as never, ...plain });
const reasoning: Arbitrary = fc.oneof(
  part({ type: type("reasoning"), text }, ["type", "text"]),
  part({ type: type("reasoning"), text, id: text, signature: text, origin: fc.constant("anthropic" as const) }, ["type", "text", "origin"]),
  part(
    {
      type: type("reasoning"),
      text: fc.constant(""),
      id: fc.constant("hidden"),
      signature: text,
      origin: fc.constant("anthropic" as const),
      isRedacted: fc.constant(true as const),
    },
    ["type", "text", "id", "signature", "origin", "isRedacted"],
  ),
  part({ type: type("reasoning"), text, id: text, origin: fc.constantFrom("openai" as const, "gemini" as const) }, [
    "type",
    "text",
    "origin",
  ]),
  part(
    {
      type: type("reasoning"),
      text: fc.constant(""),
      id: text,
      signature: text,
      origin: fc.constantFrom("openai" as const, "gemini" as const),
    },
    ["type", "text", "signature", "origin"],
  ),
);
const citation = part({ url: text, title: text, quote: text, start: fc.nat(), end: fc.nat() }, ["url", "title", "start", "end"]);
const saidPart: Arbitrary = fc.oneof(
  part({ type: type("text"), text }, ["type", "text"]),
  part({ type: type("refusal"), text }, ["type", "text"]),
  reasoning,
  part({ type: type("citation"), citation }, ["type", "citation"]),
  part(
    {
      type: type("image"),
      media: fc.oneof(fc.record({ data: text, mediaType: fc.constant("image/png") }, plain), fc.record({ url: fc.webUrl() }, plain)),
    },
    ["type", "media"],
  ),
  part(
    {
      type: type("audio"),
      data: fc.constantFrom("AAAA", "BBBB"),
      mediaType: fc.constant("audio/pcm"),
      transcript: text,
      id: fc.constant("audio_1"),
    },
    ["type", "data", "mediaType", "id"],
  ),
);
const callPart: Arbitrary = part(
  { type: type("call"), call: part({ id: text, name: text, input: json, signature: text }, ["id", "name", "input"]) },
  ["type", "call"],
);
const tokens = fc.nat();
const more = fc.integer({ min: 1, max: 1e6 });
const finish: Arbitrary = part(
  {
    type: type("finish"),
    reason: fc.constantFrom("stop", "length", "tool_calls", "content_filter"),
    usage: part({ inputTokens: tokens, outputTokens: tokens, cacheReadTokens: more, cacheWriteTokens: more }, [
      "inputTokens",
      "outputTokens",
    ]),
    stopSequence: text,
  },
  ["type", "reason", "usage"],
);
const answer = fc
  .tuple(fc.array(saidPart), fc.array(callPart, { maxLength: 5 }), finish)
  .map(([said, calls, last]) => [...said, ...calls, last]);
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const head = { id: "1", createdAt: 1_700_000_000, model: "m", body: {} };

async function* cut(whole: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...places.map((place) => place % (whole.length + 1)), whole.length].toSorted((a, b) => a - b);
  for (const [index, end] of ends.entries()) yield whole.subarray(ends[index - 1] ?? 0, end);
}

async function* eachOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const decode = (...texts: readonly string[]): Promise<readonly ModelPart[]> => Array.fromAsync(decodeChatAnswer(eachOf(texts)));
/** Writes the parts of one streamed answer. */
function encoderOf(includeUsage: boolean): (item: ModelPart) => string {
  const encoder = chatCodec.streamEncoder({ ...head, body: { stream_options: { include_usage: includeUsage } } });
  return (item) => encoder.push(item);
}

/** What came before the end, and the error it ended with, which is always of the same kind. */
async function outcomeOf(parts: AsyncIterable<ModelPart>): Promise<{ readonly parts: readonly ModelPart[]; readonly error?: string }> {
  const seen: ModelPart[] = [];
  try {
    for await (const item of parts) seen.push(item);
    return { parts: seen };
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "upstream", String(error));
    return { parts: seen, error: error.message };
  }
}

const PLACES = ["reasoning", "text", "citation", "refusal", "audio", "image", "call", "finish"];

/** An answer in one piece has one place for each thing, so that is the order in which it comes back; sources belong to a text. */
function inPlace(parts: readonly ModelPart[]): readonly ModelPart[] {
  const hasText = parts.some((item) => item.type === "text");
  const kept = parts.filter((item) => item.type !== "citation" || hasText);
  return kept.toSorted((a, b) => PLACES.indexOf(a.type) - PLACES.indexOf(b.type));
}

const isNoDelta = (item: ModelPart): boolean => item.type !== "call.delta";
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (fields: unknown, reason: string | null = null): string =>
  event({ choices: [{ index: 0, delta: fields, finish_reason: reason }] });
const upstream = (pattern: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === "upstream" && pattern.test(error.message);
const end = (reason: string, inputTokens = 0, outputTokens = 0) => ({ type: "finish", reason, usage: { inputTokens, outputTokens } });

test("parts survive encoding as a stream, any cut into chunks, and decoding", async () => {
  await fc.assert(
    fc.asyncProperty(answer, cuts, async (parts, places) => {
      const stream = parts.map(encoderOf(true)).join("");
      const decoded = await Array.fromAsync(decodeChatAnswer(cut(bytesOf(stream), places)));
      assert.deepEqual(decoded.filter(isNoDelta), parts);
      const again = decoded.map(encoderOf(true)).join("");
      assert.deepEqual(await Array.fromAsync(decodeChatAnswer(eachOf([again]))), decoded);
    }),
  );
});

test("a reply survives encoding in one piece, any cut into chunks, and decoding", async () => {
  await fc.assert(
    fc.asyncProperty(answer, cuts, async (parts, places) => {
      const reply = await collect(eachOf(inPlace(parts)));
      const body = JSON.stringify(chatCodec.encodeAnswer(reply, head));
      assert.deepEqual(await collect(decodeChatAnswer(cut(bytesOf(body), places))), reply);
    }),
  );
});

test("whatever bytes a provider sends, cut anywhere, the decoder reads the same or throws the same upstream error", async () => {
  const odd = fc.record(
    {
      choices: fc.oneof(json, fc.array(fc.record({ delta: json, message: json, finish_reason: json, index: json }))),
      usage: json,
      error: json,
    },
    { requiredKeys: [] },
  );
  const line = fc.oneof(json, odd).map((value) => `data: ${JSON.stringify(value)}\n\n`);
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.string({ unit: "binary" }).map(bytesOf),
    fc.array(line).map((lines) => bytesOf(lines.join(""))),
    fc.oneof(json, odd).map((value) => bytesOf(JSON.stringify(value))),
  );
  await fc.assert(
    fc.asyncProperty(bytes, cuts, async (whole, places) => {
      const outcome = await outcomeOf(decodeChatAnswer(cut(whole, places)));
      assert.deepEqual(await outcomeOf(decodeChatAnswer(eachOf([whole]))), outcome);
    }),
  );
});

test("deltas of several tool calls are put together by their index", async () => {
  const call = (index: number, fields: object): string => delta({ tool_calls: [{ index, ...fields }] });
  const parts = await decode(
    call(0, { id: "a", type: "function", function: { name: "add", arguments: "" } }),
    call(0, { function: { arguments: '{"x":' } }),
    call(1, { id: "b", type: "function", function: { name: "sub", arguments: '{"y"' } }),
    call(0, { function: { arguments: "1}" } }),
    call(1, { function: { arguments: ":2}" } }),
    delta({}, "tool_calls"),
    event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } }),
    "data: [DONE]\n\n",
  );
  assert.deepEqual(
    parts.flatMap((item) => (item.type === "call.delta" ? [[item.index, item.id, item.name, item.text]] : [])),
    [
      [0, "a", "add", ""],
      [0, "a", "add", '{"x":'],
      [1, "b", "sub", '{"y"'],
      [0, "a", "add", "1}"],
      [1, "b", "sub", ":2}"],
    ],
  );
  assert.deepEqual(parts.filter(isNoDelta), [
    { type: "call", call: { id: "a", name: "add", input: { x: 1 } } },
    { type: "call", call: { id: "b", name: "sub", input: { y: 2 } } },
    end("tool_calls", 5, 7),
  ]);
});

test("calls that all come as index 0, or without index and id, are told apart", async () => {
  const same = await decode(
    delta({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "{}" } }] }),
    delta({ tool_calls: [{ index: 0, id: "b", function: { name: "g", arguments: "{}" } }] }),
    delta({}, "tool_calls"),
  );
  const none = await decode(
    delta({ tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }, { function: { name: "g" } }] }),
    delta({}, "stop"),
  );
  assert.deepEqual(same.filter(isNoDelta), [
    { type: "call", call: { id: "a", name: "f", input: {} } },
    { type: "call", call: { id: "b", name: "g", input: {} } },
    end("tool_calls"),
  ]);
  assert.deepEqual(none.filter(isNoDelta), [
    { type: "call", call: { id: "call_0", name: "f", input: { a: 1 } } },
    { type: "call", call: { id: "call_1", name: "g", input: {} } },
    end("stop"),
  ]);
});

test("usage counts wherever it stands, and is 0 where it is missing", async () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 };
  const withFinish = event({ choices: [{ index: 0, delta: {}, finish_reason: "length" }], usage });
  assert.deepEqual(await decode(withFinish, "data: [DONE]\n\n"), [end("length", 3, 4)]);
  assert.deepEqual(await decode(delta({}, "stop"), event({ choices: [], usage }), "data: [DONE]\n\n"), [end("stop", 3, 4)]);
  assert.deepEqual(await decode(delta({}, "stop"), "data: [DONE]\n\n"), [end("stop")]);
  assert.deepEqual(await decode(delta({}, "stop"), event({ choices: [], usage: { prompt_tokens: -1, completion_tokens: "9" } })), [
    end("stop"),
  ]);
});

test("a stream without [DONE], or without the last blank line, is whole once it has a finish reason", async () => {
  assert.deepEqual(await decode(delta({ content: "Hi" }), delta({}, "stop").trimEnd()), [{ type: "text", text: "Hi" }, end("stop")]);
});

test("a stream with [DONE] but no finish reason is whole", async () => {
  assert.deepEqual(await decode(delta({ content: "Hi" }), "data: [DONE]\n\n", "data: more\n\n"), [
    { type: "text", text: "Hi" },
    end("stop"),
  ]);
});

test("a stream that is cut off throws upstream after the text that arrived", async () => {
  const parts = decodeChatAnswer(eachOf([delta({ content: "Hi" })]));
  assert.deepEqual((await parts.next()).value, { type: "text", text: "Hi" });
  await assert.rejects(parts.next(), upstream(/cut off/));
});

test("text is handed out before the next chunk is asked for", async () => {
  const asked: number[] = [];
  const chunks = async function* (): AsyncGenerator<string> {
    for (const index of [0, 1, 2]) {
      asked.push(index);
      yield delta({ content: String(index) });
    }
  };
  assert.deepEqual((await decodeChatAnswer(chunks()).next()).value, { type: "text", text: "0" });
  assert.deepEqual(asked, [0]);
});

test("an error object in the stream throws upstream with the provider's message", async () => {
  await assert.rejects(decode(event({ error: { message: "Out of memory", type: "server_error" } })), upstream(/Out of memory/));
  await assert.rejects(decode(event({ error: "busy" })), upstream(/busy/));
  await assert.rejects(decode('{"error":{"message":"Overloaded"}}'), upstream(/Overloaded/));
});

test("what is not the format throws upstream and is shown shortened", async () => {
  await assert.rejects(decode("data: {oops\n\n"), upstream(/got \{oops/));
  await assert.rejects(decode("data: 5\n\n"), upstream(/JSON object/));
  await assert.rejects(decode("<html>Bad gateway</html>"), upstream(/cut off/));
  await assert.rejects(decode(`{"x":"${"y".repeat(5_000)}"}`), (error) => error instanceof AppError && error.message.length < 400);
  await assert.rejects(decode(""), upstream(/cut off/));
});

test("a JSON answer in place of a stream is read, pretty-printed or not", async () => {
  const body = {
    choices: [{ index: 0, message: { role: "assistant", content: [{ type: "text", text: "Hi" }] }, finish_reason: "eos" }],
    usage: { prompt_tokens: 1, completion_tokens: 2 },
  };
  assert.deepEqual(await decode(` \n${JSON.stringify(body, null, 2)}`), [{ type: "text", text: "Hi" }, end("stop", 1, 2)]);
});

test("comments, other choices and chunks without choices are passed over", async () => {
  const other = event({ choices: [{ index: 1, delta: { content: "no" }, finish_reason: "length" }] });
  assert.deepEqual(
    await decode(": PROCESSING\n\n", event({ prompt_filter_results: [] }), other, delta({ content: "yes" }), delta({}, "stop")),
    [{ type: "text", text: "yes" }, end("stop")],
  );
});

test("tool calls without end are refused", async () => {
  const many = Array.from({ length: 300 }, (_, index) => ({ index, function: { name: "f" } }));
  await assert.rejects(decode(delta({ tool_calls: many })), upstream(/at most 256 tool calls/));
});

test("the stream names its role first and asks for usage only when told to", () => {
  const encode = encoderOf(false);
  const first = encode({ type: "text", text: "Hi" });
  assert.match(first, /"delta":\{"role":"assistant","content":"","refusal":null\}/);
  const last = encode({ type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens: 1 } });
  assert.ok(last.endsWith("data: [DONE]\n\n"));
  assert.ok(!`${first}${last}`.includes("usage"));
});

test("thoughts, sources, pictures and ends are read under every name that providers have for them", async () => {
  const said = (fields: object): string => event({ choices: [{ delta: fields }] });
  assert.deepEqual(
    await decode(
      said({ reasoning_content: "DeepSeek. " }),
      said({ reasoning: "Groq. " }),
      said({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Mistral." }] }] }),
      said({
        reasoning: "same",
        reasoning_details: [{ type: "reasoning.text", text: "OpenRouter.", signature: "s", format: "anthropic-claude-v1" }],
      }),
      said({ images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] }),
      event({ citations: ["https://example.com/a"], choices: [{ delta: {}, finish_reason: "model_length", stop_reason: "END" }] }),
      event({ choices: [], x_groq: { usage: { prompt_tokens: 3, completion_tokens: 2 } } }),
      "data: [DONE]\n\n",
    ),
    [
      { type: "reasoning", text: "DeepSeek. " },
      { type: "reasoning", text: "Groq. " },
      { type: "reasoning", text: "Mistral." },
      { type: "reasoning", text: "OpenRouter.", signature: "s", origin: "anthropic" },
      { type: "image", media: { data: "AAAA", mediaType: "image/png" } },
      { type: "citation", citation: { url: "https://example.com/a" } },
      { type: "finish", reason: "length", usage: { inputTokens: 3, outputTokens: 2 }, stopSequence: "END" },
    ],
  );
});

test("tokens of thoughts that are counted beside the answer are added to it, and those within are not", async () => {
  const ending = (usage: object): Promise<readonly ModelPart[]> => decode(delta({}, "stop"), event({ choices: [], usage }));
  const details = {
    completion_tokens_details: { reasoning_tokens: 5 },
    prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
  };
  const more = { reasoningTokens: 5, cacheReadTokens: 4 };
  assert.deepEqual(await ending({ prompt_tokens: 10, completion_tokens: 2, total_tokens: 17, ...details }), [
    { type: "finish", reason: "stop", usage: { inputTokens: 10, outputTokens: 7, ...more } },
  ]);
  assert.deepEqual(await ending({ prompt_tokens: 10, completion_tokens: 7, total_tokens: 17, ...details }), [
    { type: "finish", reason: "stop", usage: { inputTokens: 10, outputTokens: 7, ...more } },
  ]);
});

test("an answer that ended with a failure of the provider throws upstream", async () => {
  await assert.rejects(decode(delta({}, "error")), upstream(/ended with "error"/));
  await assert.rejects(decode(event({ choices: [{ delta: {}, error: { message: "Went away." } }] })), upstream(/Went away/));
  await assert.rejects(decode('event: error\ndata: {"message":"Too busy."}\n\n'), upstream(/Too busy/));
});

test("sound comes in pieces, under one id, and what it is in is known from its first bytes", async () => {
  const sound = (fields: object): string => event({ choices: [{ delta: { audio: fields } }] });
  assert.deepEqual(
    await decode(sound({ id: "audio_1", transcript: "Hel" }), sound({ data: "AAAA" }), sound({ expires_at: 5 }), delta({}, "stop")),
    [
      { type: "audio", data: "", mediaType: "audio/pcm", id: "audio_1", transcript: "Hel" },
      { type: "audio", data: "AAAA", mediaType: "audio/pcm", id: "audio_1" },
      end("stop"),
    ],
  );
  const begins: Readonly<Record<string, readonly number[]>> = {
    "audio/wav": [0x52, 0x49, 0x46, 0x46],
    "audio/flac": [0x66, 0x4c, 0x61, 0x43],
    "audio/opus": [0x4f, 0x67, 0x67, 0x53],
    "audio/mpeg": [0xff, 0xfb, 0x90, 0x64],
    "audio/aac": [0xff, 0xf1, 0x50, 0x80],
    "audio/pcm": [0xff, 0xff, 0x01, 0x00],
  };
  for (const [mediaType, first] of Object.entries(begins)) {
    const data = btoa(String.fromCodePoint(...first));
    const whole = { choices: [{ message: { content: null, audio: { id: "a", data, transcript: "Hi." } }, finish_reason: "stop" }] };
    assert.deepEqual((await decode(JSON.stringify(whole)))[0], { type: "audio", data, mediaType, id: "a", transcript: "Hi." });
  }
});

test("a call without arguments has deltas that are JSON, and broken arguments are handed on as they are", async () => {
  const parts = await decode(
    delta({ tool_calls: [{ index: 0, id: "a", function: { name: "now" } }] }),
    delta({ tool_calls: [{ index: 1, id: "b", function: { name: "add", arguments: '{"x":' } }] }),
    delta({}, "tool_calls"),
  );
  const joined = new Map<number, string>();
  for (const item of parts) if (item.type === "call.delta") joined.set(item.index, (joined.get(item.index) ?? "") + item.text);
  assert.deepEqual(
    [...joined],
    [
      [0, "{}"],
      [1, '{"x":'],
    ],
  );
  assert.deepEqual(
    parts.flatMap((item) => (item.type === "call" ? [item.call.input] : [])),
    [{}, '{"x":'],
  );
});

test("an error ends a stream in the shape that OpenAI's clients read", () => {
  const error = { code: "rate_limited", message: "Slow down.", status: 429 };
  assert.equal(
    chatCodec.streamEncoder({ id: "1", createdAt: 0, model: "m", body: {} }).fail(error),
    'data: {"error":{"message":"Slow down.","type":"rate_limit_error","param":null,"code":"rate_limited"}}\n\n',
  );
  assert.deepEqual(chatCodec.encodeError({ code: "invalid_input", message: "No.", status: 400, param: "n" }), {
    error: { message: "No.", type: "invalid_request_error", param: "n", code: "invalid_input" },
  });
});
