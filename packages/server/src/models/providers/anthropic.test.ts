import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type Model, type ModelPart, type ModelRequest } from "@tutti/core/model";
import type { MessagesReply, MessagesScript, ScriptedBlock } from "../../testing/anthropic-answers.ts";
import { startAnthropicUpstream, type AnthropicUpstream } from "../../testing/anthropic-upstream.ts";
import { modelConformance, type ProviderBehaviour } from "../conformance.ts";
import { createModels, type Models } from "../index.ts";
import type { Provider } from "../provider.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const text = (...pieces: readonly string[]): ScriptedBlock => ({ type: "text", pieces });
const STOP_REASONS = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", content_filter: "refusal" } as const;

/** A behaviour in Anthropic's format, written by hand: the codec's own mistakes cannot hide in its encoder. */
function play(behaviour: ProviderBehaviour): MessagesReply {
  if (behaviour.type === "refuses") {
    const headers: Record<string, string> = behaviour.retryAfterS === undefined ? {} : { "retry-after": String(behaviour.retryAfterS) };
    return { type: "error", status: behaviour.status, message: behaviour.message, headers };
  }
  const reply = { type: "message", blocks: blocksOf(behaviour.parts), ...finishOf(behaviour.parts) } as const;
  if (behaviour.type === "breaks off") return { ...reply, ending: "reset" };
  return behaviour.type === "falls silent" ? { ...reply, ending: "silence" } : reply;
}

function finishOf(parts: readonly ModelPart[]): Pick<Extract<MessagesReply, { type: "message" }>, "stopReason" | "usage"> {
  const finish = parts.find((part) => part.type === "finish");
  if (finish === undefined) return {};
  const { inputTokens, outputTokens, cacheReadTokens = 0, reasoningTokens = 0 } = finish.usage;
  const usage = {
    input_tokens: inputTokens - cacheReadTokens,
    cache_read_input_tokens: cacheReadTokens,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens },
  };
  return { stopReason: STOP_REASONS[finish.reason], usage };
}

function blocksOf(parts: readonly ModelPart[]): readonly ScriptedBlock[] {
  const blocks: ScriptedBlock[] = [];
  for (const part of parts) {
    const last = blocks.at(-1);
    if (part.type === "call") blocks.push({ type: "tool_use", ...part.call });
    else if (part.type === "text" && last?.type === "text") blocks[blocks.length - 1] = { ...last, pieces: [...last.pieces, part.text] };
    else if (part.type === "text") blocks.push(text(part.text));
    else if (part.type === "reasoning" && last?.type === "thinking")
      blocks[blocks.length - 1] = { ...last, pieces: [...last.pieces, part.text] };
    else if (part.type === "reasoning") blocks.push({ type: "thinking", pieces: [part.text], signature: "c2lnbmVk" });
    else if (part.type === "citation" && last?.type === "text") {
      const { url, title } = part.citation;
      const citation = { type: "web_search_result_location", url, title, cited_text: "France", encrypted_index: "x" };
      blocks[blocks.length - 1] = { ...last, citations: [citation] };
    }
  }
  return blocks;
}

modelConformance(
  "anthropic",
  async (request, behaviour) => {
    const upstream = await startAnthropicUpstream(() => play(behaviour), { apiKey: "sk-ant-test", models: [] });
    const models = modelsOf({ baseUrl: upstream.baseUrl });
    return {
      model: modelOf(models, "m"),
      received: () => bodyOf(upstream),
      async [Symbol.asyncDispose]() {
        await models.close();
        await upstream[Symbol.asyncDispose]();
      },
    };
  },
  {
    lacks: {
      refusals: "Anthropic's models refuse with a reason to stop, or in the words of an answer",
      sounds: "Anthropic's models hear nothing",
    },
    origin: "anthropic",
  },
);

function modelsOf(provider: Partial<Provider>): Models {
  return createModels({ providers: [{ name: "p", kind: "anthropic", apiKey: "sk-ant-test", models: ["m"], ...provider }] });
}

function modelOf(models: Models, id: string): Model {
  const model = models.model(id);
  assert.ok(model);
  return model;
}

function bodyOf(upstream: AnthropicUpstream): string {
  return upstream.calls.findLast(({ method }) => method === "POST")?.received.toString() ?? "";
}

/** What a model answers to one request, and what it was asked. */
async function ask(
  request: ModelRequest,
  { script, model = "m" }: { readonly script?: MessagesScript; readonly model?: string } = {},
): Promise<{ readonly reply: Awaited<ReturnType<typeof collect>>; readonly body: Readonly<Record<string, unknown>> }> {
  await using upstream = await startAnthropicUpstream(script, { apiKey: "sk-ant-test" });
  const models = modelsOf({ baseUrl: upstream.baseUrl });
  try {
    await models.list();
    const reply = await collect(modelOf(models, `p/${model}`).generate(request, signal));
    return { reply, body: JSON.parse(bodyOf(upstream)) as Readonly<Record<string, unknown>> };
  } finally {
    await models.close();
  }
}

test("a key, a version and the betas that are configured go with every request", async () => {
  await using upstream = await startAnthropicUpstream(undefined, { apiKey: "sk-ant-test" });
  const models = modelsOf({ baseUrl: upstream.baseUrl, options: { betas: "files-api-2025-04-14" } });
  await collect(modelOf(models, "m").generate(hello, signal));
  await models.close();
  for (const { headers } of upstream.calls) {
    assert.equal(headers["anthropic-version"], "2023-06-01");
    assert.equal(headers["anthropic-beta"], "files-api-2025-04-14");
    assert.equal(headers.authorization, undefined);
  }
});

test("all pages of the list of models are read, with what they can do", async () => {
  await using upstream = await startAnthropicUpstream(undefined, { apiKey: "sk-ant-test" });
  const models = modelsOf({ baseUrl: upstream.baseUrl, models: [] });
  const listed = await models.list();
  await models.close();
  assert.deepEqual(
    listed.map(({ id, created }) => [id, created]),
    [
      ["claude-opus-5-5", 1_770_163_200],
      ["claude-sonnet-4-5-20250929", 1_770_163_200],
    ],
  );
});

test("a model that decides itself how much to think is told how hard, and one that cannot gets a budget", async () => {
  const request: ModelRequest = { ...hello, reasoning: { effort: "high", isShown: true } };
  const opus = await ask(request, { model: "claude-opus-5-5" });
  assert.deepEqual(opus.body.thinking, { type: "adaptive", display: "summarized" });
  assert.deepEqual(opus.body.output_config, { effort: "high" });
  assert.equal(opus.body.max_tokens, 128_000);
  const sonnet = await ask(request, { model: "claude-sonnet-4-5-20250929" });
  assert.deepEqual(sonnet.body.thinking, { type: "enabled", budget_tokens: 24_576 });
  assert.equal(sonnet.body.max_tokens, 64_000);
});

test("an error in the midst of a stream throws upstream, with Anthropic's words", async () => {
  const error = { type: "overloaded_error", message: "Overloaded" };
  const script: MessagesScript = () => ({ type: "message", blocks: [text("Hel")], ending: { error } });
  await assert.rejects(ask(hello, { script }), { code: "upstream", message: /Overloaded/ });
});

test("an overloaded API is a failure that may pass", async () => {
  const script: MessagesScript = () => ({ type: "error", status: 529, message: "Overloaded", headers: { "retry-after": "0.01" } });
  await assert.rejects(ask(hello, { script }), {
    code: "upstream",
    message: /529: Overloaded.*1 s/,
    cause: { status: 529, retryAfterMs: 10 },
  });
});

test("thoughts go back with their signatures, hidden ones too, and calls with results after them", async () => {
  const first = await ask(
    { ...hello, tools: [{ name: "add", description: "Adds.", parameters: { type: "object" } }], reasoning: { tokensMax: 2_000 } },
    {
      script: () => ({
        type: "message",
        blocks: [
          { type: "thinking", pieces: ["I ", "add."], signature: "c2lnbmF0dXJl" },
          { type: "redacted_thinking", data: "aGlkZGVu" },
          text("Adding."),
          { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 } },
        ],
      }),
    },
  );
  const { finishReason, usage, stopSequence, ...message } = first.reply;
  assert.equal(finishReason, "tool_calls");
  const second = await ask({
    messages: [...hello.messages, message, { role: "tool", content: "3", callId: "toolu_1" }],
    tools: [{ name: "add", description: "Adds.", parameters: { type: "object" } }],
    reasoning: { tokensMax: 2_000 },
  });
  assert.deepEqual(second.body.messages, [
    { role: "user", content: [{ type: "text", text: "Hi" }] },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "I add.", signature: "c2lnbmF0dXJl" },
        { type: "redacted_thinking", data: "aGlkZGVu" },
        { type: "text", text: "Adding." },
        { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 } },
      ],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "3" }] },
  ]);
  assert.deepEqual(second.body.thinking, { type: "enabled", budget_tokens: 2_000 });
  assert.deepEqual([typeof usage, stopSequence], ["object", undefined]);
});
