import { decodeChatAnswer, encodeChatRequest } from "@tutti/core/wire";
import { ask } from "../ask.ts";
import { discoverModels } from "../discover.ts";
import type { ProviderKind } from "../provider-kind.ts";
import type { Surface } from "../provider.ts";

/** What most servers that call themselves compatible with OpenAI have. */
const SURFACES: readonly Surface[] = ["chat/completions", "completions", "embeddings"];

/** Any server that speaks OpenAI's protocol: vLLM, LM Studio, llama.cpp, OpenRouter, Groq, Mistral and many more, as data. */
export const openaiCompatible: ProviderKind = {
  kind: "openai-compatible",
  open({ provider, upstream }) {
    const surfaces = new Set(provider.surfaces ?? SURFACES);
    return {
      native: (surface) => (surfaces.has(surface) ? `/${surface}` : undefined),
      generate: (name, request, signal) =>
        ask(upstream, { path: "/chat/completions", body: encodeChatRequest(name, request), decode: decodeChatAnswer }, signal),
      discover: (signal) => discoverModels(upstream, signal),
    };
  },
};
