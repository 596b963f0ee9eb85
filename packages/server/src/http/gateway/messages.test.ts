import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic, { APIError, AuthenticationError, BadRequestError } from "@anthropic-ai/sdk";
import { startTestApp, type TestApp } from "../../testing.ts";
import type { MessagesScript } from "../../testing/anthropic-answers.ts";
import { startAnthropicUpstream, type AnthropicUpstream } from "../../testing/anthropic-upstream.ts";
import { startGeminiUpstream, type GeminiScript } from "../../testing/gemini-upstream.ts";
import type { Script } from "../../testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";

const hello: Anthropic.MessageParam[] = [{ role: "user", content: "Hi" }];
const add: Anthropic.Tool = { name: "add", description: "Adds.", input_schema: { type: "object", properties: { a: { type: "number" } } } };
const ask = { model: "m", max_tokens: 1_000, messages: hello };

function clientOf(app: TestApp): Anthropic {
  return new Anthropic({ apiKey: app.token, baseURL: app.url, maxRetries: 0 });
}

/** Tutti before a model that speaks OpenAI's format, with Anthropic's own client before it. */
async function beforeOpenAi(script: Script, use: (client: Anthropic, upstream: OpenAiUpstream) => Promise<void>): Promise<void> {
  await using upstream = await startOpenAiUpstream(script);
  await using app = await startTestApp({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }] });
  await use(clientOf(app), upstream);
}

/** Tutti before a model that speaks Anthropic's format. */
async function beforeAnthropic(
  script: MessagesScript | undefined,
  use: (client: Anthropic, upstream: AnthropicUpstream) => Promise<void>,
): Promise<void> {
  await using upstream = await startAnthropicUpstream(script, { apiKey: "sk-ant-test" });
  const provider = { name: "p", kind: "anthropic", apiKey: "sk-ant-test", baseUrl: upstream.baseUrl, models: ["m"] };
  await using app = await startTestApp({ providers: [provider] });
  await use(clientOf(app), upstream);
}

/** A streamed answer of OpenAI's, one chunk for each delta. */
function chunks(deltas: readonly object[], finishReason = "stop"): ReturnType<Script> {
  const chunk = (choice: object, more: object = {}): string =>
    `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, ...choice }], ...more })}\n\n`;
  const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17, prompt_tokens_details: { cached_tokens: 4 } };
  const body = [
    ...deltas.map((delta) => chunk({ delta, finish_reason: null })),
    chunk({ delta: {}, finish_reason: finishReason }, { usage }),
  ];
  return {
    type: "raw",
    status: 200,
    headers: { "content-type": "text/event-stream" },
    chunks: [...body, "data: [DONE]\n\n"],
    ending: "end",
  };
}

test("Anthropic's client streams text and thoughts of a model that speaks OpenAI's format, with usage", async () => {
  const script: Script = () =>
    chunks([{ reasoning_content: "A " }, { reasoning_content: "greeting." }, { content: "Hel" }, { content: "lo." }]);
  await beforeOpenAi(script, async (client) => {
    const texts: string[] = [];
    const thoughts: string[] = [];
    const stream = client.messages.stream({ ...ask, thinking: { type: "enabled", budget_tokens: 1_024 }, max_tokens: 4_000 });
    stream.on("text", (delta) => texts.push(delta)).on("thinking", (delta) => thoughts.push(delta));
    const message = await stream.finalMessage();
    assert.deepEqual(
      [texts, thoughts],
      [
        ["Hel", "lo."],
        ["A ", "greeting."],
      ],
    );
    assert.deepEqual(
      message.content.map((block) => [block.type, block.type === "text" ? block.text : block.type === "thinking" ? block.thinking : ""]),
      [
        ["thinking", "A greeting."],
        ["text", "Hello."],
      ],
    );
    assert.deepEqual([message.type, message.role, message.model, message.stop_reason], ["message", "assistant", "m", "end_turn"]);
    assert.match(message.id, /^msg_/);
    assert.deepEqual([message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens], [8, 4, 5]);
  });
});

test("Anthropic's client streams tool calls of a model that speaks OpenAI's format, and sends their results", async () => {
  const piece = (index: number, fields: object): object => ({ tool_calls: [{ index, ...fields }] });
  const script: Script = ({ messages }) =>
    messages.length > 1
      ? chunks([{ content: "3" }])
      : chunks(
          [
            piece(0, { id: "call_a", type: "function", function: { name: "add", arguments: '{"a"' } }),
            piece(0, { function: { arguments: ":1}" } }),
            piece(1, { id: "call_b", type: "function", function: { name: "add", arguments: "{}" } }),
          ],
          "tool_calls",
        );
  await beforeOpenAi(script, async (client, upstream) => {
    const first = await client.messages.stream({ ...ask, tools: [add] }).finalMessage();
    assert.equal(first.stop_reason, "tool_use");
    const calls = first.content.flatMap((block) => (block.type === "tool_use" ? [block] : []));
    assert.deepEqual(
      calls.map(({ id, name, input }) => [id, name, input]),
      [
        ["call_a", "add", { a: 1 }],
        ["call_b", "add", {}],
      ],
    );
    const results = calls.map(({ id }): Anthropic.ToolResultBlockParam => ({ type: "tool_result", tool_use_id: id, content: "3" }));
    const second = await client.messages.create({
      ...ask,
      tools: [add],
      messages: [...hello, { role: "assistant", content: first.content }, { role: "user", content: results }],
    });
    assert.deepEqual(
      second.content.map((block) => block.type === "text" && block.text),
      ["3"],
    );
    const body = JSON.parse(upstream.calls.at(-1)?.received.toString() ?? "") as {
      readonly messages: readonly { readonly role: string }[];
    };
    assert.deepEqual(
      body.messages.map(({ role }) => role),
      ["user", "assistant", "tool", "tool"],
    );
  });
});

test("what goes to Anthropic's own models goes as it is, hints for caching and betas too", async () => {
  await beforeAnthropic(undefined, async (client, upstream) => {
    const system: Anthropic.TextBlockParam[] = [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }];
    const body = { ...ask, system, service_tier: "auto" as const };
    const message = await client.messages.create(body, { headers: { "anthropic-beta": "some-beta-2026-01-01" } });
    assert.deepEqual(message.content, [{ type: "text", text: "You said: Hi", citations: null }]);
    const [call] = upstream.calls.filter(({ method }) => method === "POST");
    assert.deepEqual(JSON.parse(call?.received.toString() ?? ""), body);
    assert.equal(call?.headers["anthropic-beta"], "some-beta-2026-01-01");
    assert.equal(call.headers["x-api-key"], "sk-ant-test");
    const streamed = await client.messages.stream(body).finalMessage();
    assert.deepEqual(streamed.content, [{ type: "text", text: "You said: Hi" }]);
    assert.equal(streamed.usage.input_tokens, message.usage.input_tokens);
  });
});

test("tokens are counted by Anthropic for its own models, and by a tokenizer for others", async () => {
  await beforeAnthropic(undefined, async (client) => {
    assert.ok((await client.messages.countTokens({ model: "m", messages: hello, system: "a b c" })).input_tokens > 2);
  });
  await beforeOpenAi(
    () => chunks([]),
    async (client, upstream) => {
      const { input_tokens: counted } = await client.messages.countTokens({
        model: "m",
        messages: [{ role: "user", content: "word ".repeat(100) }],
      });
      assert.ok(counted >= 80 && counted <= 220, String(counted));
      assert.equal(upstream.calls.filter(({ method }) => method === "POST").length, 0);
    },
  );
});

test("errors are of the kinds that Anthropic's client knows", async () => {
  await beforeOpenAi(
    () => ({ type: "error", status: 400, message: "No, thank you." }),
    async (client) => {
      await assert.rejects(client.messages.create(ask), (error) => {
        assert.ok(error instanceof BadRequestError);
        assert.match(error.message, /No, thank you/);
        assert.equal(error.type, "invalid_request_error");
        return true;
      });
      await assert.rejects(client.messages.create({ ...ask, messages: [] }), BadRequestError);
    },
  );
  await using app = await startTestApp();
  await assert.rejects(clientOf(app).messages.create(ask), (error) => error instanceof APIError && error.type !== undefined);
  await assert.rejects(new Anthropic({ apiKey: "wrong", baseURL: app.url, maxRetries: 0 }).messages.create(ask), AuthenticationError);
});

test("a stream that breaks in the middle ends with an error that Anthropic's client throws", async () => {
  const piece = `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content: "Hel" } }] })}\n\n`;
  const script: Script = () => ({
    type: "raw",
    status: 200,
    headers: { "content-type": "text/event-stream" },
    chunks: [piece],
    ending: "reset",
  });
  await beforeOpenAi(script, async (client) => {
    const texts: string[] = [];
    await assert.rejects(
      client.messages
        .stream(ask)
        .on("text", (delta) => texts.push(delta))
        .finalMessage(),
      APIError,
    );
    assert.deepEqual(texts, ["Hel"]);
  });
});

test("what Gemini wants back with a tool call travels through Anthropic's client and returns", async () => {
  const script: GeminiScript = (_, index) =>
    index > 0
      ? { type: "chunks", chunks: [{ parts: [{ text: "3" }], finishReason: "STOP" }] }
      : {
          type: "chunks",
          chunks: [{ parts: [{ functionCall: { name: "add", args: { a: 1 } }, thoughtSignature: "c2lnbmVk" }] }, { finishReason: "STOP" }],
        };
  await using upstream = await startGeminiUpstream(script, { apiKey: "key" });
  const provider = { name: "p", kind: "gemini", apiKey: "key", baseUrl: upstream.baseUrl, models: ["gemini-3-pro-preview"] };
  await using app = await startTestApp({ providers: [provider] });
  const client = clientOf(app);
  const request = { ...ask, model: "gemini-3-pro-preview", tools: [add] };
  const first = await client.messages.stream(request).finalMessage();
  assert.deepEqual([first.stop_reason, first.content.map(({ type }) => type)], ["tool_use", ["redacted_thinking", "tool_use"]]);
  const call = first.content.find((block) => block.type === "tool_use");
  assert.ok(call);
  const second = await client.messages.create({
    ...request,
    messages: [
      ...hello,
      { role: "assistant", content: first.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "3" }] },
    ],
  });
  assert.deepEqual(
    second.content.map((block) => block.type === "text" && block.text),
    ["3"],
  );
  const asked = upstream.calls.at(-1)?.received.toString() ?? "";
  assert.match(asked, /"thoughtSignature":"c2lnbmVk"/);
  assert.doesNotMatch(asked, /skip_thought_signature_validator/);
});

test("a conversation that another model began goes on with Anthropic's, without what Anthropic could not read", async () => {
  await using upstream = await startAnthropicUpstream(undefined, { apiKey: "sk-ant-test" });
  const provider = { name: "p", kind: "anthropic", apiKey: "sk-ant-test", baseUrl: upstream.baseUrl, models: ["m"] };
  await using app = await startTestApp({ providers: [provider] });
  const content: Anthropic.ContentBlockParam[] = [
    { type: "thinking", thinking: "Hm.", signature: "tutti:openai:rs_1:c2ln" },
    { type: "redacted_thinking", data: "tutti:call:toolu_1:c2ln" },
    { type: "text", text: "Hello." },
  ];
  const messages: Anthropic.MessageParam[] = [...hello, { role: "assistant", content }, { role: "user", content: "Go on." }];
  const message = await clientOf(app).messages.create({ ...ask, messages });
  assert.deepEqual(
    message.content.map((block) => block.type === "text" && block.text),
    ["You said: Go on."],
  );
  const asked = upstream.calls.at(-1)?.received.toString() ?? "";
  assert.match(asked, /Hello\./);
  assert.doesNotMatch(asked, /tutti:/);
});

test("OpenAI's chat is served by Anthropic's models: tools, results, thoughts' cost and stop reasons", async () => {
  const script: MessagesScript = ({ messages }) =>
    messages.length > 1
      ? { type: "message", blocks: [{ type: "text", pieces: ["3"] }], stopReason: "max_tokens" }
      : { type: "message", blocks: [{ type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 } }] };
  await using upstream = await startAnthropicUpstream(script, { apiKey: "sk-ant-test" });
  const provider = { name: "p", kind: "anthropic", apiKey: "sk-ant-test", baseUrl: upstream.baseUrl, models: ["m"] };
  await using app = await startTestApp({ providers: [provider] });
  const tools = [{ type: "function", function: { name: "add", description: "Adds.", parameters: { type: "object" } } }];
  const chat = async (messages: readonly object[]): Promise<Choice> => {
    const response = await app.fetch("/v1/chat/completions", { model: "m", messages, tools });
    const { choices } = (await response.json()) as { readonly choices: readonly Choice[] };
    assert.ok(choices[0]);
    return choices[0];
  };
  const first = await chat([{ role: "user", content: "1 + 2?" }]);
  assert.equal(first.finish_reason, "tool_calls");
  const second = await chat([{ role: "user", content: "1 + 2?" }, first.message, { role: "tool", tool_call_id: "toolu_1", content: "3" }]);
  assert.deepEqual([second.finish_reason, second.message.content], ["length", "3"]);
});

interface Choice {
  readonly finish_reason: string;
  readonly message: { readonly content: string | null };
}
