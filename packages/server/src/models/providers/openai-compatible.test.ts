import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ModelRequest } from "@tutti/core";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { playAsChat } from "../conformance-chat.ts";
import { modelConformance } from "../conformance.ts";
import { createModels, type Models, type Provider } from "../index.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const sse = { "content-type": "text/event-stream" };

modelConformance("openai-compatible", async (request, behaviour) => {
  const upstream = await startOpenAiUpstream(() => playAsChat(behaviour), { apiKey: "sk-test" });
  const models = createModels({ providers: [{ name: "stand-in", baseUrl: upstream.baseUrl, apiKey: "sk-test", models: ["m"] }] });
  return {
    model: modelOf(models, "m"),
    received: () => upstream.calls.find(({ method }) => method === "POST")?.received.toString() ?? "",
    async [Symbol.asyncDispose]() {
      await models.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
});

function modelOf(models: Models, id: string) {
  const model = models.model(id);
  assert.ok(model);
  return model;
}

async function ask(provider: Provider): Promise<unknown> {
  const models = createModels({ providers: [provider] });
  try {
    return await collect(modelOf(models, "m").generate(hello, signal));
  } finally {
    await models.close();
  }
}

test("answers one after another share a connection", async () => {
  await using upstream = await startOpenAiUpstream();
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }] });
  await collect(modelOf(models, "m").generate(hello, signal));
  const { connections } = upstream;
  for (let count = 0; count < 5; count += 1) await collect(modelOf(models, "m").generate(hello, signal));
  assert.equal(upstream.connections, connections);
  await models.close();
});

test("a server that answers a stream request with JSON is understood", async () => {
  const body = JSON.stringify({
    choices: [{ message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 2 },
  });
  await using upstream = await startOpenAiUpstream(() => ({
    type: "raw",
    status: 200,
    headers: { "content-type": "application/json" },
    chunks: [body],
    ending: "end",
  }));
  assert.deepEqual(await ask({ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }), {
    role: "assistant",
    content: "Hello.",
    calls: [],
    finishReason: "stop",
    usage: { inputTokens: 1, outputTokens: 2 },
  });
});

test("a provider's own headers go with every request", async () => {
  await using upstream = await startOpenAiUpstream();
  await ask({ name: "p", baseUrl: upstream.baseUrl, models: ["m"], headers: { "X-Title": "Tutti" } });
  assert.deepEqual(new Set(upstream.calls.map(({ headers }) => headers["x-title"])), new Set(["Tutti"]));
});

test("a model is asked for by the name its provider knows", async () => {
  await using upstream = await startOpenAiUpstream();
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: [] }] });
  await collect(modelOf(models, "p/m").generate(hello, signal));
  await models.close();
  const asked = upstream.calls.find(({ method }) => method === "POST");
  assert.equal((JSON.parse(asked?.received.toString() ?? "") as { readonly model: string }).model, "m");
});

test("a server that is not there throws upstream and says so", async () => {
  const { baseUrl } = await startOpenAiUpstream().then(async (upstream) => {
    await upstream[Symbol.asyncDispose]();
    return upstream;
  });
  await assert.rejects(ask({ name: "gone", baseUrl, models: ["m"] }), {
    code: "upstream",
    message: /"gone", got ECONNREFUSED; is it running/,
  });
});

test("a server that never begins its answer throws timeout", async () => {
  await using upstream = await startOpenAiUpstream(() => ({ type: "raw", status: 200, headers: sse, chunks: [], ending: "silence" }));
  const provider = { name: "p", baseUrl: upstream.baseUrl, models: ["m"], timeouts: { firstByteMs: 50, idleMs: 50 } };
  await assert.rejects(ask(provider), { code: "timeout", message: /try again, or raise its timeouts/ });
});

test("a server that falls silent in the middle throws timeout", async () => {
  const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: "Hi" } }] })}\n\n`;
  await using upstream = await startOpenAiUpstream(() => ({ type: "raw", status: 200, headers: sse, chunks: [piece], ending: "silence" }));
  await assert.rejects(ask({ name: "p", baseUrl: upstream.baseUrl, models: ["m"], timeouts: { idleMs: 50 } }), {
    code: "timeout",
    message: /silence/,
  });
});

test("a reader who leaves ends the server's work", async () => {
  const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: "Hi" } }] })}\n\n`;
  await using upstream = await startOpenAiUpstream(() => ({ type: "raw", status: 200, headers: sse, chunks: [piece], ending: "silence" }));
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }] });
  await models.list();
  for await (const part of modelOf(models, "m").generate(hello, signal)) if (part.type === "text") break;
  await upstream.ended(2);
  assert.equal(upstream.calls.at(-1)?.isAborted, true);
  await models.close();
});

test("refusals that the client caused do not count as failures", async () => {
  await using upstream = await startOpenAiUpstream(() => ({ type: "error", status: 429, message: "Slow down." }));
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }] });
  for (let count = 0; count < 8; count += 1)
    await assert.rejects(collect(modelOf(models, "m").generate(hello, signal)), { code: "rate_limited" });
  await models.close();
});
