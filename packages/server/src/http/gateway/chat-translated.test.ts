import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import type { MessagesScript, ScriptedBlock } from "../../testing/anthropic-answers.ts";
import { startAnthropicUpstream, type AnthropicUpstream } from "../../testing/anthropic-upstream.ts";

interface Fixture extends AsyncDisposable {
  readonly app: TestApp;
  readonly upstream: AnthropicUpstream;
  chat(fields: object): Promise<Response>;
}

/** Tutti in front of a stand-in for Anthropic, for clients that speak OpenAI's format. */
async function start(script?: MessagesScript): Promise<Fixture> {
  const upstream = await startAnthropicUpstream(script);
  const provider = { name: "hosted", kind: "anthropic", baseUrl: upstream.baseUrl, apiKey: "sk-test", models: ["claude-opus-4-5"] };
  const app = await startTestApp({ providers: [provider] });
  return {
    app,
    upstream,
    chat: (fields) => app.fetch("/v1/chat/completions", { model: "claude-opus-4-5", ...fields }),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const question = { role: "user", content: "What is 1 + 2, and what time is it?" };
const tools = ["add", "now"].map((name) => ({ type: "function", function: { name, parameters: { type: "object", properties: {} } } }));
const wish = { tools, reasoning_effort: "low", max_completion_tokens: 8_000 };
const asking: readonly ScriptedBlock[] = [
  { type: "thinking", pieces: ["Hm, ", "add."], signature: "c2lnbmVk" },
  { type: "text", pieces: ["Let me ", "add."] },
  { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1, b: 2 } },
  { type: "tool_use", id: "toolu_2", name: "now", input: {} },
];
const thinker: MessagesScript = ({ messages }) => ({
  type: "message",
  blocks: messages.length === 1 ? asking : [{ type: "text", pieces: ["3, at noon."] }],
});

interface Message {
  readonly content: string;
  readonly reasoning_content: string;
  readonly tool_calls: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[];
}

test("a message that is sent back as it came brings a signed thought back to whoever signed it", async () => {
  await using gateway = await start(thinker);
  const first = (await (await gateway.chat({ ...wish, messages: [question] })).json()) as {
    readonly choices: readonly { readonly message: Message }[];
  };
  const message = first.choices[0]?.message;
  assert.deepEqual([message?.content, message?.reasoning_content], ["Let me add.", "Hm, add."]);
  const results = [
    { role: "tool", tool_call_id: "toolu_1", content: "3" },
    { role: "tool", tool_call_id: "toolu_2", content: "noon" },
  ];
  const second = await gateway.chat({ ...wish, messages: [question, message, ...results] });
  assert.match(await second.text(), /3, at noon\./);
  const asked = JSON.parse(gateway.upstream.calls.at(-1)?.received.toString() ?? "") as {
    readonly messages: readonly { readonly content: unknown }[];
  };
  assert.deepEqual(asked.messages[1]?.content, [
    { type: "thinking", thinking: "Hm, add.", signature: "c2lnbmVk" },
    { type: "text", text: "Let me add." },
    { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1, b: 2 } },
    { type: "tool_use", id: "toolu_2", name: "now", input: {} },
  ]);
});

test("a stream of another provider has pieces of thoughts, text and calls, each call once", async () => {
  await using gateway = await start(thinker);
  const text = await (await gateway.chat({ ...wish, messages: [question], stream: true })).text();
  const events = text.split("\n\n").filter((event) => event !== "" && event !== "data: [DONE]");
  const deltas = events.map(
    (event) =>
      (JSON.parse(event.slice("data: ".length)) as { readonly choices: readonly [{ readonly delta: Partial<Message> }] }).choices[0].delta,
  );
  const joined = (field: "content" | "reasoning_content"): string => deltas.map((delta) => delta[field] ?? "").join("");
  assert.deepEqual([joined("reasoning_content"), joined("content")], ["Hm, add.", "Let me add."]);
  const calls = deltas.flatMap((delta) => delta.tool_calls ?? []);
  assert.deepEqual(
    calls.flatMap(({ id, function: target }) => (id === undefined ? [] : [[id, target.name]])),
    [
      ["toolu_1", "add"],
      ["toolu_2", "now"],
    ],
  );
  assert.equal(calls.map((call) => call.function.arguments).join(""), '{"a":1,"b":2}{}');
});
