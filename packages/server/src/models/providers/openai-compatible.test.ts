import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ModelRequest } from "@tutti/core";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { playAsChat } from "../conformance-chat.ts";
import { modelConformance } from "../conformance.ts";
import { createModels, type Models, type Provider } from "../index.ts";
import { PRESETS } from "./openai-presets.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const sse = { "content-type": "text/event-stream" };

for (const kind of ["openai-compatible", "deepseek", "mistral", "moonshot"])
  modelConformance(kind, async (request, behaviour) => {
    const upstream = await startOpenAiUpstream(() => playAsChat(behaviour), { apiKey: "sk-test" });
    const models = createModels({ providers: [{ name: "p", kind, baseUrl: upstream.baseUrl, apiKey: "sk-test", models: ["m"] }] });
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
  await using upstream = await startOpenAiUpstream(() => ({ type: "error", status: 400, message: "No such voice." }));
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }] });
  for (let count = 0; count < 8; count += 1)
    await assert.rejects(collect(modelOf(models, "m").generate(hello, signal)), { code: "invalid_input" });
  await models.close();
});

/** The body that a provider with these options was sent. */
async function sentBy(provider: Partial<Provider>, request: ModelRequest): Promise<Readonly<Record<string, unknown>>> {
  await using upstream = await startOpenAiUpstream();
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"], ...provider }] });
  await collect(modelOf(models, "m").generate(request, signal));
  await models.close();
  const asked = upstream.calls.find(({ method }) => method === "POST");
  return JSON.parse(asked?.received.toString() ?? "") as Readonly<Record<string, unknown>>;
}

test("a server of which nothing is known is asked with the older names, which all servers know", async () => {
  const body = await sentBy({}, { ...hello, outputTokensMax: 9, user: "ada", reasoning: { tokensMax: 2_000, isShown: true } });
  assert.deepEqual([body["max_tokens"], body["user"], body["reasoning_effort"]], [9, "ada", "low"]);
  for (const name of ["max_completion_tokens", "safety_identifier", "reasoning"]) assert.ok(!(name in body), name);
});

test("a preset is a name in the options or a kind of its own, and asks in the service's own dialect", async () => {
  const request: ModelRequest = {
    messages: [
      ...hello.messages,
      { role: "assistant", content: "", calls: [{ id: "call_1234567890", name: "now", input: {} }] },
      { role: "tool", content: "noon", callId: "call_1234567890" },
    ],
    tools: [{ name: "now", description: "", parameters: { $schema: "https://json-schema.org", type: "object", properties: {} } }],
    outputTokensMax: 9,
    sampling: { seed: 7, topK: 3 },
  };
  for (const provider of [{ options: { preset: "mistral" } }, { kind: "mistral" }]) {
    const body = await sentBy(provider, request);
    assert.deepEqual([body["max_tokens"], body["random_seed"], body["seed"], body["top_k"]], [9, 7, undefined, undefined]);
    assert.ok(!("stream_options" in body));
    assert.deepEqual(body["tools"], [{ type: "function", function: { name: "now", parameters: { type: "object", properties: {} } } }]);
    const [, call, result] = body["messages"] as readonly {
      readonly tool_calls?: readonly { readonly id: string }[];
      readonly tool_call_id?: string;
    }[];
    assert.match(result?.tool_call_id ?? "", /^[a-z0-9]{9}$/);
    assert.equal(call?.tool_calls?.[0]?.id, result?.tool_call_id);
  }
});

test("OpenRouter is given signed thoughts back, whoever signed them", async () => {
  const thought = { type: "reasoning", text: "Hm.", signature: "sealed", origin: "anthropic" } as const;
  const body = await sentBy(
    { kind: "openrouter" },
    {
      messages: [
        ...hello.messages,
        { role: "assistant", content: "Yes.", parts: [thought, { type: "text", text: "Yes." }] },
        ...hello.messages,
      ],
    },
  );
  const [, said] = body["messages"] as readonly { readonly reasoning_details?: unknown }[];
  assert.deepEqual(said?.reasoning_details, [{ type: "reasoning.text", text: "Hm.", signature: "sealed", format: "anthropic-claude-v1" }]);
});

test("every preset says where it is and what it serves, and a name that is none is refused with those that are", () => {
  for (const [name, { baseUrl = "", surfaces }] of Object.entries(PRESETS)) {
    assert.match(baseUrl, /^https:\/\/|^http:\/\/127\.0\.0\.1:/, name);
    assert.ok(surfaces.includes("chat/completions"), name);
  }
  const provider: Provider = { name: "p", models: [], options: { preset: "nobody" } };
  assert.throws(() => createModels({ providers: [provider] }), { code: "invalid_config", message: /"nobody"; there are: cerebras, .*xai/ });
});

test("tools whose names no server would take get others on the way, and are called by their own", async () => {
  const name = "mcp.files: read a whole folder, whatever is in it, and tell how large everything there is";
  await using upstream = await startOpenAiUpstream(
    ({ tools = [] }) => ({ type: "calls", calls: [{ id: "1", name: tools[0]?.function.name ?? "", arguments: "{}" }] }),
    { isStrict: true },
  );
  const models = createModels({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }] });
  const messages: ModelRequest["messages"] = [
    ...hello.messages,
    { role: "assistant", content: "", calls: [{ id: "0", name, input: {} }] },
    { role: "tool", content: "full", callId: "0" },
  ];
  const request: ModelRequest = { messages, tools: [{ name, description: "", parameters: {} }], toolChoice: { name } };
  const parts = await Array.fromAsync(modelOf(models, "m").generate(request, signal));
  await models.close();
  const named = parts.flatMap((part) => (part.type === "call" ? [part.call.name] : part.type === "call.delta" ? [part.name] : []));
  assert.deepEqual(new Set(named), new Set([name]));
  assert.match(
    upstream.calls.at(-1)?.received.toString() ?? "",
    /"tool_choice":\{"type":"function","function":\{"name":"mcp_files__read_a[\w-]{40,55}"/,
  );
});

test("usage is asked for wherever the wish for it is known", async () => {
  const models = createModels({
    providers: ["openai", "azure", "groq", "openai-compatible", "mistral", "perplexity"].map((kind) => ({
      name: kind,
      kind,
      baseUrl: "http://127.0.0.1:9/v1",
      models: [],
    })),
  });
  const asking = (kind: string): boolean | undefined => models.locate(`${kind}/m`)?.open.asksForUsage;
  for (const kind of ["openai", "azure", "groq", "openai-compatible"]) assert.equal(asking(kind), true, kind);
  for (const kind of ["mistral", "perplexity"]) assert.equal(asking(kind), false, kind);
  await models.close();
});
