import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { startAnthropicUpstream } from "./anthropic-upstream.ts";

const hello = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
const use = { type: "tool_use", id: "t", name: "add", input: {} };
const result = { type: "tool_result", tool_use_id: "t", content: "3" };
const tools = [{ name: "add", input_schema: { type: "object" } }];
const loop = (...turns: readonly unknown[]): object => ({ ...hello, tools, messages: [{ role: "user", content: "Add." }, ...turns] });

const refused: readonly (readonly [string, object, RegExp])[] = [
  ["no limit of tokens", { model: "m", messages: hello.messages }, /max_tokens: Field required/],
  ["a field of another API", { ...hello, n: 2 }, /n: Extra inputs are not permitted/],
  [
    "a field of another API in a block",
    { ...hello, messages: [{ role: "user", content: [{ type: "text", text: "Hi", x: 1 }] }] },
    /Extra inputs/,
  ],
  ["an assistant that begins", { ...hello, messages: [{ role: "assistant", content: "Hi" }] }, /first message/],
  ["a text of white space", { ...hello, messages: [{ role: "user", content: [{ type: "text", text: " " }] }] }, /non-whitespace/],
  [
    "an answer that ends in white space",
    { ...hello, messages: [...hello.messages, { role: "assistant", content: "Hi " }] },
    /trailing whitespace/,
  ],
  ["a call without its result", loop({ role: "assistant", content: [use] }), /without `tool_result`/],
  [
    "a result without its call",
    loop({ role: "assistant", content: "Hm." }, { role: "user", content: [result] }),
    /unexpected `tool_use_id`/,
  ],
  [
    "a result behind a text",
    loop({ role: "assistant", content: [use] }, { role: "user", content: [{ type: "text", text: "So:" }, result] }),
    /must come before/,
  ],
  [
    "calls without tools",
    { ...loop({ role: "assistant", content: [use] }, { role: "user", content: [result] }), tools: [] },
    /must define tools/,
  ],
  ["an id of another provider's", loop({ role: "assistant", content: [{ ...use, id: "a:0" }] }), /id/],
  ["a budget above the limit", { ...hello, thinking: { type: "enabled", budget_tokens: 2_000 } }, /greater than `thinking.budget_tokens`/],
  ["a temperature of OpenAI's", { ...hello, temperature: 1.5 }, /temperature/],
  [
    "a schema with an open object",
    { ...hello, output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
    /additionalProperties/,
  ],
];

test("the stand-in refuses what Anthropic refuses", async () => {
  await using upstream = await startAnthropicUpstream(undefined, { apiKey: "key" });
  const ask = async (body: object, headers: Record<string, string>): Promise<readonly [number, string]> => {
    const response = await fetch(`${upstream.baseUrl}/messages`, { method: "POST", body: JSON.stringify(body), headers });
    return [response.status, await response.text()];
  };
  const headers = { "x-api-key": "key", "anthropic-version": "2023-06-01" };
  for (const [what, body, message] of refused) {
    const [status, text] = await ask(body, headers);
    assert.equal(status, 400, what);
    assert.match(text, message, what);
  }
  assert.equal((await ask({ ...hello, temperature: 0.5 }, headers))[0], 200);
  assert.equal((await ask({ ...hello, temperature: 0.5 }, { ...headers, "anthropic-version": "2026-10-21" }))[0], 400);
  assert.equal((await ask(hello, { "x-api-key": "key" }))[0], 400);
  assert.equal((await ask(hello, { "anthropic-version": "2023-06-01" }))[0], 401);
});

test("the stand-in's answers are what Anthropic's own client reads", async () => {
  await using upstream = await startAnthropicUpstream(() => ({
    type: "message",
    blocks: [
      { type: "thinking", pieces: ["A ", "greeting."], signature: "c2ln" },
      { type: "text", pieces: ["Hel", "lo."] },
      { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 } },
    ],
  }));
  const client = new Anthropic({ apiKey: "key", baseURL: upstream.baseUrl.replace(/\/v1$/, ""), maxRetries: 0 });
  const body: Anthropic.MessageCreateParamsNonStreaming = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
  const streamed = await client.messages.stream(body).finalMessage();
  const whole = await client.messages.create(body);
  assert.deepEqual([streamed.stop_reason, streamed.usage.output_tokens], ["tool_use", 5]);
  assert.deepEqual(
    streamed.content.map((block) => (block.type === "text" ? block.text : block.type)),
    whole.content.map((block) => (block.type === "text" ? block.text : block.type)),
  );
  const listed = await Array.fromAsync(client.models.list());
  assert.deepEqual(
    listed.map(({ id }) => id),
    ["claude-opus-5-5", "claude-sonnet-4-5-20250929"],
  );
});
