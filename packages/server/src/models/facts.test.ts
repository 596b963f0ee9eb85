import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KnownFacts } from "./facts-known.ts";
import { factsOfFamily } from "./facts-of-families.ts";
import { factsOfListing } from "./facts-of-listing.ts";

test("what OpenRouter, vLLM, llama.cpp, Mistral, LM Studio and Groq say of a model is read", () => {
  const openRouter = {
    id: "qwen/qwen3",
    created: 1_760_000_000,
    context_length: 262_144,
    architecture: { input_modalities: ["text", "image"], output_modalities: ["text"] },
    top_provider: { context_length: 131_072, max_completion_tokens: 32_768 },
    supported_parameters: ["tools", "structured_outputs", "reasoning"],
  };
  assert.deepEqual(factsOfListing(openRouter), {
    name: "qwen/qwen3",
    created: 1_760_000_000,
    contextTokens: 262_144,
    outputTokensMax: 32_768,
    abilities: ["chat", "tools", "vision", "json", "reasoning"],
  });
  assert.deepEqual(factsOfListing({ id: "m", object: "model", owned_by: "vllm", max_model_len: 8_192 }), {
    name: "m",
    contextTokens: 8_192,
  });
  const llamaCpp = { id: "m", owned_by: "llamacpp", meta: { n_ctx: 4_096, n_ctx_train: 131_072, n_embd: 4_096, size: 4_912_898_304 } };
  assert.deepEqual(factsOfListing(llamaCpp), { name: "m", contextTokens: 4_096, sizeBytes: 4_912_898_304 });
  const flags = { completion_chat: true, function_calling: true, vision: false, completion_fim: false };
  assert.deepEqual(factsOfListing({ id: "m", capabilities: flags, max_context_length: 131_072 }), {
    name: "m",
    contextTokens: 131_072,
    abilities: ["chat", "tools", "json"],
  });
  const lmStudio = {
    id: "m",
    type: "vlm",
    state: "loaded",
    max_context_length: 32_768,
    loaded_context_length: 4_096,
    capabilities: ["tool_use"],
  };
  assert.deepEqual(factsOfListing(lmStudio), {
    name: "m",
    contextTokens: 4_096,
    abilities: ["chat", "json", "tools", "vision"],
    isLoaded: true,
  });
  assert.deepEqual(factsOfListing({ id: "m", context_window: 131_072, max_completion_tokens: 8_192 }), {
    name: "m",
    contextTokens: 131_072,
    outputTokensMax: 8_192,
  });
  assert.deepEqual(factsOfListing({ id: "e", type: "embeddings" })?.abilities, ["embeddings"]);
});

test("no entry of a list, however odd, throws or tells what is no number of tokens", () => {
  const odd = fc.record({
    id: fc.anything(),
    context_length: fc.anything(),
    meta: fc.anything(),
    architecture: fc.anything(),
    capabilities: fc.anything(),
  });
  fc.assert(
    fc.property(fc.oneof(odd, fc.anything()), (item) => {
      const facts = factsOfListing(item);
      if (facts === undefined) return;
      assert.ok(facts.name.length > 0);
      assert.ok(facts.contextTokens === undefined || (Number.isSafeInteger(facts.contextTokens) && facts.contextTokens > 0));
    }),
  );
});

test("families are known by name, wherever a model is served", () => {
  const abilities = (name: string): string => factsOfFamily(name)?.abilities?.join(" ") ?? "unknown";
  assert.equal(abilities("gpt-4o-mini-2024-07-18"), "chat json tools vision");
  assert.equal(abilities("anthropic/claude-sonnet-4-5"), "chat json tools vision reasoning");
  assert.equal(abilities("meta-llama/Llama-3.1-8B-Instruct"), "chat json tools");
  assert.equal(abilities("qwen2.5vl:7b"), "chat json tools vision");
  assert.equal(abilities("BAAI/bge-reranker-v2-m3"), "rerank");
  assert.equal(abilities("whisper-1"), "transcription");
  assert.equal(abilities("gpt-4o-mini-tts"), "speech");
  assert.equal(abilities("my-own-finetune"), "unknown");
  assert.deepEqual(
    [factsOfFamily("text-embedding-3-large")?.dimensions, factsOfFamily("nomic-embed-text:latest")?.dimensions],
    [3_072, 768],
  );
});

test("a provider's own word stands, and the price table adds the context of hosted models", async () => {
  const known = new KnownFacts();
  assert.equal(known.complete({ name: "gpt-4.1" }, "https://api.openai.com/v1").contextTokens, 1_047_576);
  await known.load();
  const facts = known.complete({ name: "claude-sonnet-4-5", abilities: ["chat"] }, "https://api.anthropic.com");
  assert.deepEqual(facts.abilities, ["chat"]);
  assert.ok((facts.contextTokens ?? 0) >= 200_000);
  assert.equal(known.complete({ name: "gpt-4o", contextTokens: 8_000 }, "https://api.openai.com/v1").contextTokens, 8_000);
  assert.deepEqual(known.complete({ name: "mine" }, "http://127.0.0.1:8000/v1"), { name: "mine" });
});
