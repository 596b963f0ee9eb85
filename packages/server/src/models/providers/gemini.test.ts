import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type Model, type ModelPart, type ModelRequest, type Reply } from "@tutti/core/model";
import { startGeminiUpstream, type GeminiChunk, type GeminiReply, type GeminiScript } from "../../testing/gemini-upstream.ts";
import { modelConformance, type ProviderBehaviour } from "../conformance.ts";
import { createModels, type Models } from "../index.ts";
import type { OpenProvider } from "../provider-kind.ts";
import { Pools, Upstream } from "../upstream.ts";
import { gemini } from "./gemini.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const FINISH_REASONS = { stop: "STOP", tool_calls: "STOP", length: "MAX_TOKENS", content_filter: "SAFETY" } as const;

/** A behaviour in Google's format, written by hand: the codec's own mistakes cannot hide in its encoder. */
function play(behaviour: ProviderBehaviour): GeminiReply {
  if (behaviour.type === "refuses") {
    const headers: Record<string, string> = behaviour.retryAfterS === undefined ? {} : { "retry-after": String(behaviour.retryAfterS) };
    return { type: "error", status: behaviour.status, message: behaviour.message, headers };
  }
  const reply = { type: "chunks", chunks: behaviour.parts.map(chunkOf) } as const;
  if (behaviour.type === "breaks off") return { ...reply, ending: "reset" };
  return behaviour.type === "falls silent" ? { ...reply, ending: "silence" } : reply;
}

function chunkOf(part: ModelPart): GeminiChunk {
  switch (part.type) {
    case "text":
      return { parts: [{ text: part.text }] };
    case "reasoning":
      return { parts: [{ text: part.text, thought: true }] };
    case "call":
      return { parts: [{ functionCall: { id: part.call.id, name: part.call.name, args: part.call.input } }] };
    case "citation": {
      const { url, title, start, end } = part.citation;
      const segment = { startIndex: start, endIndex: end };
      const grounding = { groundingChunks: [{ web: { uri: url, title } }], groundingSupports: [{ segment, groundingChunkIndices: [0] }] };
      return { grounding };
    }
    case "finish": {
      const { inputTokens, outputTokens, cacheReadTokens, reasoningTokens = 0 } = part.usage;
      const usage = {
        promptTokenCount: inputTokens,
        candidatesTokenCount: outputTokens - reasoningTokens,
        thoughtsTokenCount: reasoningTokens,
        ...(cacheReadTokens !== undefined && { cachedContentTokenCount: cacheReadTokens }),
      };
      return { finishReason: FINISH_REASONS[part.reason], usage };
    }
    case "refusal":
    case "audio":
    case "image":
    case "call.delta":
      throw new Error(`wanted a part that the suite plays, got "${part.type}"`);
  }
}

modelConformance(
  "gemini",
  async (request, behaviour) => {
    const upstream = await startGeminiUpstream(() => play(behaviour), { apiKey: "key" });
    const models = modelsOf(upstream.baseUrl);
    return {
      model: modelOf(models, "gemini-3-pro-preview"),
      received: () => upstream.calls.findLast(({ method }) => method === "POST")?.received.toString() ?? "",
      async [Symbol.asyncDispose]() {
        await models.close();
        await upstream[Symbol.asyncDispose]();
      },
    };
  },
  {
    lacks: { refusals: "Google filters answers, it does not refuse", "call deltas": "Google gives calls whole" },
    origin: "gemini",
  },
);

function modelsOf(baseUrl: string): Models {
  return createModels({ providers: [{ name: "p", kind: "gemini", apiKey: "key", baseUrl, models: ["gemini-3-pro-preview"] }] });
}

function modelOf(models: Models, id: string): Model {
  const model = models.model(id);
  assert.ok(model);
  return model;
}

/** What a model answers to one request, and what it was asked. */
async function ask(
  request: ModelRequest,
  { script, model = "gemini-3-pro-preview" }: { readonly script?: GeminiScript; readonly model?: string } = {},
): Promise<{ readonly reply: Reply; readonly body: Readonly<Record<string, unknown>> }> {
  await using upstream = await startGeminiUpstream(script, { apiKey: "key" });
  const models = modelsOf(upstream.baseUrl);
  try {
    const reply = await collect(modelOf(models, `p/${model}`).generate(request, signal));
    const { received } = upstream.calls.findLast(({ method }) => method === "POST") ?? { received: Buffer.from("{}") };
    return { reply, body: JSON.parse(received.toString()) as Readonly<Record<string, unknown>> };
  } finally {
    await models.close();
  }
}

/** The provider itself, for what is not a model's. */
async function opened(
  use: (open: OpenProvider, upstream: Awaited<ReturnType<typeof startGeminiUpstream>>) => Promise<void>,
  script?: GeminiScript,
) {
  await using upstream = await startGeminiUpstream(script, { apiKey: "key" });
  const pools = new Pools();
  const provider = { name: "p", kind: "gemini", models: [], apiKey: "key" };
  const headers = gemini.headers?.(provider) ?? [];
  const way = new Upstream(provider, { baseUrl: upstream.baseUrl, headers }, pools);
  await use(gemini.open({ provider, upstream: way, log: () => {} }), upstream);
  await pools.close();
}

const add = { name: "add", description: "Adds.", parameters: { type: "object", properties: { a: { type: "number" } } } };

test("a call's signature goes back with it, and a call that another model made passes for one", async () => {
  const first = await ask(
    { ...hello, tools: [add] },
    {
      script: () => ({
        type: "chunks",
        chunks: [
          {
            parts: [
              { functionCall: { name: "add", args: { a: 1 } }, thoughtSignature: "c2lnbmVk" },
              { functionCall: { name: "add", args: { a: 2 } } },
            ],
          },
          { finishReason: "STOP" },
        ],
      }),
    },
  );
  const { calls } = first.reply;
  assert.deepEqual(
    calls.map(({ id, signature }) => [id, signature]),
    [
      ["call_stand-in_0", "c2lnbmVk"],
      ["call_stand-in_1", undefined],
    ],
  );
  const results = calls.map(({ id }) => ({ role: "tool", content: "3", callId: id }) as const);
  const assistant = { role: "assistant", content: "", calls } as const;
  const second = await ask({ messages: [...hello.messages, assistant, ...results], tools: [add] });
  const response = (id: string): object => ({ functionResponse: { id, name: "add", response: { output: "3" } } });
  assert.deepEqual((second.body.contents as readonly object[]).slice(1), [
    {
      role: "model",
      parts: [
        { functionCall: { id: "call_stand-in_0", name: "add", args: { a: 1 } }, thoughtSignature: "c2lnbmVk" },
        { functionCall: { id: "call_stand-in_1", name: "add", args: { a: 2 } } },
      ],
    },
    { role: "user", parts: [response("call_stand-in_0"), response("call_stand-in_1")] },
  ]);
  const foreign = { role: "assistant", content: "", calls: [{ id: "x", name: "add", input: { a: 1 } }] } as const;
  const third = await ask({ messages: [...hello.messages, foreign, { role: "tool", content: "3", callId: "x" }], tools: [add] });
  assert.match(JSON.stringify(third.body.contents), /skip_thought_signature_validator/);
});

test("what was said out loud may be signed too, and the signature goes back where it stood", async () => {
  const script: GeminiScript = () => ({
    type: "chunks",
    chunks: [{ parts: [{ text: "Hello." }] }, { parts: [{ text: "", thoughtSignature: "c2lnbmVk" }], finishReason: "STOP" }],
  });
  const { reply } = await ask(hello, { script });
  const { role, content, parts } = reply;
  assert.ok(parts);
  const { body } = await ask({ messages: [...hello.messages, { role, content, parts }, { role: "user", content: "Go on." }] });
  assert.deepEqual((body.contents as readonly object[])[1], {
    role: "model",
    parts: [{ text: "Hello." }, { text: "", thoughtSignature: "c2lnbmVk" }],
  });
});

test("tools with schemas that Google does not know all of are adapted", async () => {
  const parameters = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { kind: { const: "x" }, item: { $ref: "#/$defs/item" } },
    $defs: { item: { type: "string", pattern: "^a" } },
  };
  const { body } = await ask({ ...hello, tools: [{ ...add, parameters }] });
  assert.deepEqual((body.tools as readonly { readonly functionDeclarations: readonly object[] }[])[0]?.functionDeclarations, [
    {
      name: "add",
      description: "Adds.",
      parametersJsonSchema: { type: "object", properties: { kind: { enum: ["x"] }, item: { type: "string" } } },
    },
  ]);
});

test("thinking is wanted by level of the newest models, by tokens of older ones, and not at all of those that cannot", async () => {
  const thinking = async (model: string, reasoning: ModelRequest["reasoning"]): Promise<unknown> => {
    const { body } = await ask({ ...hello, ...(reasoning !== undefined && { reasoning }) }, { model });
    return (body.generationConfig as { readonly thinkingConfig?: unknown } | undefined)?.thinkingConfig;
  };
  assert.deepEqual(await thinking("gemini-3-pro-preview", { effort: "none" }), { thinkingLevel: "LOW" });
  assert.deepEqual(await thinking("gemini-3-flash-preview", { effort: "minimal", isShown: true }), {
    includeThoughts: true,
    thinkingLevel: "MINIMAL",
  });
  assert.deepEqual(await thinking("gemini-3-pro-preview", { tokensMax: 20_000 }), { thinkingLevel: "HIGH" });
  assert.deepEqual(await thinking("gemini-2.5-flash", { effort: "none" }), { thinkingBudget: 0 });
  assert.deepEqual(await thinking("gemini-2.5-pro", { effort: "none" }), { thinkingBudget: 128 });
  assert.deepEqual(await thinking("gemini-2.5-flash", { tokensMax: 100_000 }), { thinkingBudget: 24_576 });
  assert.equal(await thinking("gemini-2.0-flash", { effort: "high" }), undefined);
});

test("one call at a time is one call, whatever the model gives", async () => {
  const call = (a: number): object => ({ functionCall: { name: "add", args: { a } } });
  const script: GeminiScript = () => ({ type: "chunks", chunks: [{ parts: [call(1), call(2)] }, { finishReason: "STOP" }] });
  const { reply } = await ask({ ...hello, tools: [add], parallelCalls: false }, { script });
  assert.deepEqual(
    reply.calls.map(({ input }) => input),
    [{ a: 1 }],
  );
});

test("a prompt that is blocked ends as filtered, and a call that the model got wrong can be tried again", async () => {
  const blocked = await ask(hello, { script: () => ({ type: "chunks", chunks: [{ blockReason: "PROHIBITED_CONTENT" }] }) });
  assert.deepEqual([blocked.reply.finishReason, blocked.reply.content], ["content_filter", ""]);
  const script: GeminiScript = () => ({ type: "chunks", chunks: [{ finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "add(" }] });
  await assert.rejects(ask(hello, { script }), { code: "upstream", message: /MALFORMED_FUNCTION_CALL \(add\(\)/ });
});

test("an error in the midst of a stream throws upstream, with Google's words", async () => {
  const error = { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" };
  const script: GeminiScript = () => ({ type: "chunks", chunks: [{ parts: [{ text: "Hel" }] }, { error }] });
  await assert.rejects(ask(hello, { script }), { code: "upstream", message: /The model is overloaded/ });
});

test("places of sources are counted in characters, though Google counts bytes", async () => {
  const grounding = {
    groundingChunks: [{ web: { uri: "https://example.com", title: "Example" } }],
    groundingSupports: [{ segment: { startIndex: 7, endIndex: 13 }, groundingChunkIndices: [0, 9] }],
  };
  const script: GeminiScript = () => ({
    type: "chunks",
    chunks: [{ parts: [{ text: "Ünï🎼 Paris." }] }, { finishReason: "STOP", grounding }],
  });
  const { reply } = await ask(hello, { script });
  const [part] = reply.parts ?? [];
  assert.ok(part?.type === "text" && part.citations?.[0] !== undefined);
  assert.deepEqual(part.citations, [{ url: "https://example.com", title: "Example", start: 5, end: 9 }]);
});

test("all pages of the list of models are read, with what they can do", async () => {
  await opened(async (open) => {
    const facts = await open.discover?.(signal);
    assert.deepEqual(
      facts?.map(({ name, abilities, contextTokens }) => [name, abilities?.join(" "), contextTokens]),
      [
        ["gemini-2.5-flash", "chat tools vision audio-in json reasoning", 1_048_576],
        ["gemini-3-pro-preview", "chat tools vision audio-in json reasoning", 1_048_576],
        ["gemini-embedding-001", "embeddings", 1_048_576],
        ["gemini-2.5-flash-preview-tts", "speech", 1_048_576],
      ],
    );
  });
});

test("more tokens than a model gives are brought down to its most", async () => {
  await opened(async (open, upstream) => {
    await open.discover?.(signal);
    const parts = open.generate?.("gemini-2.5-flash", { ...hello, outputTokensMax: 200_000 }, signal);
    assert.ok(parts);
    await collect(parts);
    assert.match(upstream.calls.at(-1)?.received.toString() ?? "", /"maxOutputTokens":65536/);
  });
});

test("texts are embedded in batches, for their purpose and in the wanted dimensions", async () => {
  await opened(async (open, upstream) => {
    const inputs = Array.from({ length: 150 }, (_, index) => `text ${index}`);
    const answer = await open.embed?.("gemini-embedding-001", { inputs, dimensions: 3, purpose: "query" }, signal);
    assert.equal(answer?.vectors.length, 150);
    assert.equal(answer.vectors[0]?.length, 3);
    assert.equal(answer.usage.inputTokens, 300);
    assert.equal(upstream.calls.length, 2);
    assert.match(upstream.calls[0]?.received.toString() ?? "", /"taskType":"RETRIEVAL_QUERY","outputDimensionality":3/);
  });
});

test("a text is spoken as a WAV file by a voice of Google's, whichever was asked for", async () => {
  const samples = Buffer.from([1, 0, 2, 0]);
  const part = { inlineData: { mimeType: "audio/L16;codec=pcm;rate=24000", data: samples.toString("base64") } };
  const script: GeminiScript = ({ generationConfig }) => {
    assert.deepEqual(generationConfig?.responseModalities, ["AUDIO"]);
    assert.equal(generationConfig.speechConfig?.voiceConfig.prebuiltVoiceConfig.voiceName, "Kore");
    return { type: "chunks", chunks: [{ parts: [part], finishReason: "STOP" }] };
  };
  await opened(async (open) => {
    const speech = await open.speak?.("gemini-2.5-flash-preview-tts", { text: "Hi", voice: "alloy" }, signal);
    assert.equal(speech?.mediaType, "audio/wav");
    const bytes = Buffer.concat(await Array.fromAsync(speech.audio));
    assert.deepEqual([bytes.subarray(0, 4).toString(), bytes.readUInt32LE(24), bytes.subarray(44)], ["RIFF", 24_000, samples]);
    const wanted = { text: "Hi", voice: "alloy", format: "mp3" };
    await assert.rejects(async () => open.speak?.("gemini-2.5-flash-preview-tts", wanted, signal), { code: "unsupported" });
  }, script);
});

test("pictures are drawn one a call, in the shape nearest to the wanted size", async () => {
  const script: GeminiScript = ({ generationConfig }, index) => {
    assert.deepEqual(generationConfig?.imageConfig, { aspectRatio: "2:3" });
    const data = Buffer.from(`picture ${index}`).toString("base64");
    return { type: "chunks", chunks: [{ parts: [{ inlineData: { mimeType: "image/png", data } }], finishReason: "STOP" }] };
  };
  await opened(async (open) => {
    const drawing = await open.draw?.("gemini-2.5-flash-image", { prompt: "A cat", count: 2, size: "1024x1536" }, signal);
    assert.deepEqual(drawing?.images.map((media) => "data" in media && Buffer.from(media.data, "base64").toString()).toSorted(), [
      "picture 0",
      "picture 1",
    ]);
  }, script);
});
