import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ModelRequest } from "@tutti/core/model";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { playAsChat } from "../conformance-chat.ts";
import { modelConformance } from "../conformance.ts";
import { createModels, type Provider } from "../index.ts";
import type { Surface } from "../provider.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };

modelConformance("openai", async (request, behaviour) => {
  const upstream = await startOpenAiUpstream(() => playAsChat(behaviour), { apiKey: "sk-test", isStrict: true });
  const opened = openAt({ baseUrl: upstream.baseUrl });
  return {
    model: opened.model("a-new-model"),
    received: () => upstream.calls.find(({ method }) => method === "POST")?.received.toString() ?? "",
    async [Symbol.asyncDispose]() {
      await opened.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
});

function openAt(provider: Partial<Provider>) {
  const models = createModels({ providers: [{ name: "p", kind: "openai", apiKey: "sk-test", models: [], ...provider }] });
  return {
    close: () => models.close(),
    model(name: string) {
      const model = models.model(`p/${name}`);
      assert.ok(model);
      return model;
    },
  };
}

/** The body that OpenAI was sent, and where. */
async function sent(name: string, request: ModelRequest, provider: Partial<Provider> = {}) {
  await using upstream = await startOpenAiUpstream(undefined, { apiKey: "sk-test", isStrict: true });
  const opened = openAt({ baseUrl: upstream.baseUrl, ...provider });
  const reply = await collect(opened.model(name).generate(request, signal));
  await opened.close();
  const call = upstream.calls.find(({ method }) => method === "POST");
  assert.ok(call);
  return { reply, path: call.path, headers: call.headers, body: JSON.parse(call.received.toString()) as Readonly<Record<string, unknown>> };
}

const wish: ModelRequest = {
  ...hello,
  outputTokensMax: 99,
  sampling: { temperature: 0.5, topK: 5, presencePenalty: 1, stop: ["END"] },
  reasoning: { tokensMax: 10_000 },
  user: "ada",
};

test("a model that thinks is told how much, and not how to draw its tokens", async () => {
  const { body } = await sent("o3", wish);
  assert.deepEqual(body, {
    model: "o3",
    messages: [{ role: "user", content: "Hi" }],
    max_completion_tokens: 99,
    stop: ["END"],
    reasoning_effort: "medium",
    safety_identifier: "ada",
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("a model that does not think is told how to draw its tokens, and not how much to think", async () => {
  const { body } = await sent("gpt-4o", wish);
  assert.deepEqual(
    [body["temperature"], body["presence_penalty"], body["reasoning_effort"], body["top_k"]],
    [0.5, 1, undefined, undefined],
  );
});

test("a model that only completes texts is asked for a completion", async () => {
  const { path, body, reply } = await sent("gpt-3.5-turbo-instruct", hello);
  assert.equal(path, "/v1/completions");
  assert.equal(body["prompt"], "Hi");
  assert.equal(reply.content, "You said: Hi");
});

test("organization and project go along as headers", async () => {
  const { headers } = await sent("gpt-4o", hello, { options: { organization: "org-1", project: "proj-1" } });
  assert.deepEqual([headers["openai-organization"], headers["openai-project"]], ["org-1", "proj-1"]);
});

test("JSON is asked for in the prompt too where nobody mentioned it", async () => {
  const { body } = await sent("gpt-4o", { ...hello, format: { type: "json" } });
  assert.deepEqual(body["messages"], [
    { role: "system", content: "Answer with one JSON value and nothing else." },
    { role: "user", content: "Hi" },
  ]);
});

test("its own bytes pass where a model is at the surface, and are translated where it is not", async () => {
  const models = createModels({ providers: [{ name: "p", kind: "openai", baseUrl: "http://127.0.0.1:9/v1", models: [] }] });
  const native = (surface: Surface, name: string): string | undefined =>
    models.locate(`p/${name}`)?.open.native?.(surface, { name, stream: false });
  assert.equal(native("chat/completions", "gpt-5.1"), "/chat/completions");
  assert.equal(native("responses", "gpt-5.1"), "/responses");
  assert.equal(native("completions", "gpt-5.1"), undefined);
  assert.equal(native("completions", "gpt-3.5-turbo-instruct"), "/completions");
  assert.equal(native("chat/completions", "gpt-3.5-turbo-instruct"), undefined);
  for (const name of [
    "o1-pro",
    "o3-pro-2025-06-10",
    "gpt-5-pro",
    "gpt-5-codex",
    "codex-mini-latest",
    "o3-deep-research",
    "computer-use-preview",
  ]) {
    assert.equal(native("chat/completions", name), undefined, name);
    assert.equal(native("responses", name), "/responses", name);
  }
  assert.equal(native("messages", "gpt-5.1"), undefined);
  await models.close();
});
