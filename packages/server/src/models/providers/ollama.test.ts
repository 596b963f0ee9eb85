import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelPart } from "@tutti/core/model";
import {
  NOMIC,
  QWEN,
  startOllamaUpstream,
  type OllamaOptions,
  type OllamaReply,
  type OllamaUpstream,
} from "../../testing/ollama-upstream.ts";
import { modelConformance, type ProviderBehaviour } from "../conformance.ts";
import type { ModelManagement, OpenProvider } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";
import { Pools, Upstream } from "../upstream.ts";
import { ollama } from "./ollama.ts";

const signal = new AbortController().signal;

interface Opened extends AsyncDisposable {
  readonly upstream: OllamaUpstream;
  readonly open: OpenProvider;
  readonly management: ModelManagement;
}

async function opened(options: OllamaOptions = {}, settings: Partial<Provider> = {}): Promise<Opened> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startOllamaUpstream(options));
  const provider: Provider = { name: "ollama", kind: "ollama", baseUrl: server.baseUrl, models: [], ...settings };
  const pools = new Pools();
  stack.defer(() => pools.close());
  const upstream = new Upstream(provider, { baseUrl: provider.baseUrl ?? "", headers: [] }, pools);
  const open = ollama.open({ provider, upstream, log: () => {} });
  assert.ok(open.management);
  const owned = stack.move();
  return { upstream: server, open, management: open.management, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Ollama's chunks written by hand, so that a mistake of the codec cannot hide in its own encoder. */
function script(behaviour: ProviderBehaviour): OllamaReply {
  if (behaviour.type === "refuses") {
    const { status, message, retryAfterS } = behaviour;
    return { type: "error", status, message, headers: retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) } };
  }
  const finish = behaviour.parts.find((part) => part.type === "finish");
  let calls = 0;
  const pieces = behaviour.parts.flatMap((part: ModelPart) => {
    if (part.type === "text") return { content: part.text };
    if (part.type === "reasoning") return { reasoning: part.text };
    if (part.type === "finish") return [];
    if (part.type !== "call") throw new Error(`Ollama has no "${part.type}"`);
    const { id, name, input } = part.call;
    calls += 1;
    return { tool_calls: [{ id, index: calls - 1, type: "function", function: { name, arguments: JSON.stringify(input) } }] };
  });
  const ending = { answers: "end", "breaks off": "reset", "falls silent": "silence" } as const;
  return {
    type: "answer",
    pieces,
    ending: ending[behaviour.type],
    ...(finish && {
      finishReason: finish.reason,
      usage: { prompt_tokens: finish.usage.inputTokens, completion_tokens: finish.usage.outputTokens },
    }),
  };
}

async function* nothing(): AsyncGenerator<never> {}

const ABLE = { ...QWEN, name: "m", capabilities: ["completion", "tools", "vision", "thinking"] };

modelConformance(
  "ollama",
  async (_request, behaviour) => {
    const subject = await opened({ models: [ABLE], script: () => script(behaviour) });
    return {
      model: {
        id: "m",
        generate: (request, stop) => subject.open.generate?.("m", request, stop) ?? nothing(),
      },
      received: () => subject.upstream.calls.at(-1)?.body ?? "",
      [Symbol.asyncDispose]: () => subject[Symbol.asyncDispose](),
    };
  },
  {
    lacks: {
      citations: "Ollama's models cite nothing",
      refusals: "Ollama tells no refusal from an answer",
      "cached tokens": "Ollama does not count them",
      "reasoning tokens": "Ollama does not count them apart",
      "image links": "Ollama fetches nothing",
      sounds: "Ollama's /v1 hears nothing",
      files: "Ollama reads no files",
      "tool choice": "Ollama ignores it",
      "one call at a time": "Ollama ignores it",
    },
  },
);

test("a limit on the answer's length is said in the word that Ollama knows", async () => {
  await using subject = await opened();
  await Array.fromAsync(
    subject.open.generate?.("qwen2.5", { messages: [{ role: "user", content: "Hi" }], outputTokensMax: 9 }, signal) ?? [],
  );
  const body = JSON.parse(subject.upstream.calls.at(-1)?.body ?? "") as object;
  assert.ok("max_tokens" in body && body.max_tokens === 9 && !("max_completion_tokens" in body));
});

test("degrees of thinking that Ollama does not know become the nearest that it does", async () => {
  await using subject = await opened({ models: [ABLE] });
  for (const [effort, sent] of [
    ["minimal", "low"],
    ["max", "high"],
    ["none", "none"],
  ] as const) {
    const request = { messages: [{ role: "user", content: "Hi" } as const], reasoning: { effort } };
    await Array.fromAsync(subject.open.generate?.("m", request, signal) ?? []);
    assert.match(subject.upstream.calls.at(-1)?.body ?? "", new RegExp(`"reasoning_effort":"${sent}"`));
  }
});

test("what is on the disk is listed with what each model can do, its digest and its context", async () => {
  const small = { ...QWEN, name: "small:latest", digest: "b".repeat(64), numCtx: 8_192 };
  await using subject = await opened({ models: [QWEN, NOMIC, small] });
  const found = await subject.open.discover?.(signal);
  assert.deepEqual(found?.[0], {
    name: "qwen2.5:latest",
    created: 1_767_225_600,
    version: `sha256:${QWEN.digest}`,
    abilities: ["chat", "json", "tools"],
    contextTokens: 32_768,
    sizeBytes: 4_000_000,
    isLoaded: false,
  });
  assert.deepEqual([found?.[1]?.abilities, found?.[1]?.dimensions], [["embeddings"], 768]);
  assert.equal(found?.[2]?.contextTokens, 8_192);
});

test("a model in memory has the context that it was loaded with", async () => {
  await using subject = await opened({ contextTokens: 4_096 });
  await subject.management.load("qwen2.5:latest", {}, signal);
  const [facts] = (await subject.open.discover?.(signal)) ?? [];
  assert.deepEqual([facts?.isLoaded, facts?.contextTokens], [true, 4_096]);
});

test("the context that the server's owner names counts where it is the smaller one", async () => {
  await using subject = await opened({}, { options: { contextTokens: 16_384 } });
  assert.equal((await subject.open.discover?.(signal))?.[0]?.contextTokens, 16_384);
});

test("each model is looked at once, until its digest changes", async () => {
  await using subject = await opened();
  const looks = (): number => subject.upstream.calls.filter(({ path }) => path === "/api/show").length;
  await subject.open.discover?.(signal);
  await subject.open.discover?.(signal);
  assert.equal(looks(), 1);
  subject.upstream.replace({ ...QWEN, digest: "c".repeat(64) });
  assert.equal((await subject.open.discover?.(signal))?.[0]?.version, `sha256:${"c".repeat(64)}`);
  assert.equal(looks(), 2);
});

test("surfaces that only newer versions speak are passed through to those only", async () => {
  const spoken = async (version: string): Promise<readonly (string | undefined)[]> => {
    await using subject = await opened({ version });
    await subject.open.discover?.(signal);
    return (["chat/completions", "responses", "messages", "rerank"] as const).map((surface) =>
      subject.open.native?.(surface, { name: "m", stream: true }),
    );
  };
  assert.deepEqual(await spoken("0.12.0"), ["/v1/chat/completions", undefined, undefined, undefined]);
  assert.deepEqual(await spoken("0.13.5-rc1"), ["/v1/chat/completions", "/v1/responses", undefined, undefined]);
  assert.deepEqual(await spoken("0.14.0"), ["/v1/chat/completions", "/v1/responses", "/v1/messages", undefined]);
});

test("a model is pulled with its progress, loaded for a while, unloaded and removed", async () => {
  await using subject = await opened({ models: [], library: [QWEN] });
  const progress = await Array.fromAsync(subject.management.pull("qwen2.5", signal));
  assert.deepEqual(progress[0], { status: "pulling manifest" });
  assert.deepEqual(progress[2], { status: "pulling aabdc9d6df5a", totalBytes: 4_000_000, doneBytes: 2_000_000 });
  assert.equal(progress.at(-1)?.status, "success");
  await subject.management.load("qwen2.5", { keepAliveMs: 60_000 }, signal);
  assert.deepEqual([...subject.upstream.loaded], [["qwen2.5:latest", "60000ms"]]);
  await subject.management.unload("qwen2.5", signal);
  assert.equal(subject.upstream.loaded.size, 0);
  await subject.management.remove("qwen2.5", signal);
  assert.deepEqual(subject.upstream.names, []);
});

test("a model that only embeds is loaded by embedding nothing", async () => {
  await using subject = await opened({ models: [NOMIC] });
  await subject.open.discover?.(signal);
  await subject.management.load("nomic-embed-text", { keepAliveMs: Infinity }, signal);
  assert.deepEqual([...subject.upstream.loaded], [["nomic-embed-text:latest", -1]]);
});

test("a model that is in no library, and one that is not on the disk, are told as such", async () => {
  await using subject = await opened();
  await assert.rejects(Array.fromAsync(subject.management.pull("nope", signal)), { code: "model_not_found", message: /is its name right/ });
  await assert.rejects(subject.management.remove("nope", signal), { code: "model_not_found", message: /model 'nope' not found/ });
});

test("texts become vectors", async () => {
  await using subject = await opened({ models: [NOMIC] });
  const answer = await subject.open.embed?.("nomic-embed-text", { inputs: ["one", "two three"] }, signal);
  assert.deepEqual([answer?.vectors.length, answer?.usage.inputTokens], [2, 3]);
});

test("an address that ends in /v1 is refused with what to write", async () => {
  await assert.rejects(opened({}, { baseUrl: "http://127.0.0.1:11434/v1" }), { code: "invalid_config", message: /leave \/v1 out/ });
});
