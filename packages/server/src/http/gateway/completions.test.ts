import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import type { Script } from "../../testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";

interface Fixture extends AsyncDisposable {
  readonly app: TestApp;
  readonly upstream: OpenAiUpstream;
  complete(fields: object): Promise<Response>;
}

/** Tutti in front of a stand-in for OpenAI, which takes nothing that OpenAI does not. */
async function start(script?: Script): Promise<Fixture> {
  const upstream = await startOpenAiUpstream(script, { apiKey: "sk-test", isStrict: true });
  const models = ["gpt-5.1", "gpt-3.5-turbo-instruct"];
  const app = await startTestApp({ providers: [{ name: "hosted", kind: "openai", baseUrl: upstream.baseUrl, apiKey: "sk-test", models }] });
  return {
    app,
    upstream,
    complete: (fields) => app.fetch("/v1/completions", { model: "gpt-5.1", prompt: "Once upon", ...fields }),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("a model that chats completes a text: the prompt is a turn of the user's", async () => {
  await using gateway = await start();
  const response = await gateway.complete({ max_tokens: 20, user: "ada" });
  const { id, object, choices } = (await response.json()) as { readonly id: string; readonly object: string; readonly choices: unknown };
  assert.match(id, /^cmpl-/);
  assert.equal(object, "text_completion");
  assert.deepEqual(choices, [{ text: "You said: Once upon", index: 0, logprobs: null, finish_reason: "stop" }]);
  const { path, received } = gateway.upstream.calls.at(-1) ?? { path: "", received: Buffer.from("null") };
  assert.equal(path, "/v1/chat/completions");
  assert.deepEqual(JSON.parse(received.toString()), {
    model: "gpt-5.1",
    messages: [{ role: "user", content: "Once upon" }],
    max_completion_tokens: 20,
    safety_identifier: "ada",
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("a completion is streamed, with the usage last if it was asked for", async () => {
  await using gateway = await start();
  const text = await (await gateway.complete({ stream: true, stream_options: { include_usage: true } })).text();
  const events = text.split("\n\n").filter((event) => event !== "");
  assert.equal(events.pop(), "data: [DONE]");
  const chunks = events.map((event) => JSON.parse(event.slice("data: ".length)) as Chunk);
  assert.deepEqual(
    chunks.map(({ choices }) => choices[0]?.text),
    ["You ", "said: ", "Once ", "upon", "", undefined],
  );
  assert.deepEqual(
    chunks.map(({ usage }) => usage?.total_tokens),
    [undefined, undefined, undefined, undefined, undefined, 6],
  );
});

interface Chunk {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: { readonly total_tokens: number } | null;
}

test("a model that completes texts itself gets the client's own bytes", async () => {
  await using gateway = await start();
  await gateway.complete({ model: "gpt-3.5-turbo-instruct", echo: true, unheard_of: 1 });
  const call = gateway.upstream.calls.at(-1);
  assert.equal(call?.path, "/v1/completions");
  assert.equal(call.received.toString(), '{"model":"gpt-3.5-turbo-instruct","prompt":"Once upon","echo":true,"unheard_of":1}');
});

test("what a model that chats cannot honour is refused, and the error names the field", async () => {
  await using gateway = await start();
  for (const [fields, param] of [
    [{ echo: true }, "echo"],
    [{ prompt: ["a", "b"] }, "prompt"],
    [{ suffix: "end" }, "suffix"],
  ] as const) {
    const response = await gateway.complete(fields);
    assert.equal(response.status, 400);
    const { error } = (await response.json()) as {
      readonly error: { readonly code: string; readonly param: string; readonly type: string };
    };
    assert.deepEqual([error.code, error.param, error.type], ["unsupported", param, "invalid_request_error"]);
  }
});

test("an answer that breaks off ends its stream with an error in OpenAI's shape", async () => {
  const piece = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Once" } }] })}\n\n`;
  await using gateway = await start(() => ({
    type: "raw",
    status: 200,
    headers: { "content-type": "text/event-stream" },
    chunks: [piece],
    ending: "reset",
  }));
  const text = await (await gateway.complete({ stream: true })).text();
  assert.match(text, /"text":"Once".*data: \{"error":\{"message":"[^}]*"type":"server_error","param":null,"code":"upstream"\}\}\n\n$/s);
});
