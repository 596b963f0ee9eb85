import type { Quirks } from "../adapt-request.ts";
import type { SchemaDialect } from "../adapt-schema.ts";
import type { Surface } from "../provider.ts";

/** A server, or a service, that speaks OpenAI's protocol, as data. */
export interface Preset {
  /** Local servers may be elsewhere; this is where they are unless they are told otherwise. */
  readonly baseUrl?: string;
  readonly surfaces: readonly Surface[];
  readonly quirks: Quirks;
  /** It cannot list its models. */
  readonly isUnlisted?: true;
}

/** The older names of two fields, which everybody but OpenAI knows. */
const OLD_NAMES = { max_completion_tokens: "max_tokens", safety_identifier: "user" } as const;
/** OpenRouter's object for thinking, which nobody else has. */
const NO_OBJECT = "reasoning";
/** Some check tools' schemas with checkers of their own, which stumble over references and names of schemas. */
const PLAIN_SCHEMAS: SchemaDialect = { inlinesRefs: true, without: new Set(["$id", "$schema"]) };
const TEXT: readonly Surface[] = ["chat/completions", "completions", "embeddings"];

/** A server of which nothing else is known. */
export const COMPATIBLE: Preset = { surfaces: TEXT, quirks: { renamed: OLD_NAMES, without: [NO_OBJECT] } };

/** Those that Tutti knows by name; each name is a kind of provider too. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  cerebras: {
    baseUrl: "https://api.cerebras.ai/v1",
    surfaces: ["chat/completions", "completions"],
    quirks: { renamed: { safety_identifier: "user" }, without: [NO_OBJECT, "top_k", "presence_penalty", "frequency_penalty"] },
  },
  deepinfra: {
    baseUrl: "https://api.deepinfra.com/v1/openai",
    surfaces: [...TEXT, "audio/speech", "audio/transcriptions", "images/generations"],
    quirks: COMPATIBLE.quirks,
  },
  deepseek: {
    baseUrl: "https://api.deepseek.com",
    surfaces: ["chat/completions"],
    // What it thought has to come back with every turn.
    quirks: {
      renamed: { max_completion_tokens: "max_tokens" },
      without: [NO_OBJECT, "safety_identifier", "parallel_tool_calls", "seed", "top_k"],
      thoughts: "text",
      wantsThoughts: true,
      format: "json",
      isNeverStrict: true,
      efforts: ["low", "medium", "high", "xhigh", "max"],
    },
  },
  fireworks: {
    baseUrl: "https://api.fireworks.ai/inference/v1",
    surfaces: [...TEXT, "rerank"],
    // The chat templates of open models take one system turn.
    quirks: {
      renamed: OLD_NAMES,
      without: [NO_OBJECT],
      thoughts: "text",
      hasSystemFirst: true,
      efforts: ["none", "low", "medium", "high"],
    },
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    surfaces: ["chat/completions", "responses", "audio/transcriptions", "audio/translations", "audio/speech"],
    quirks: { renamed: { safety_identifier: "user" }, without: [NO_OBJECT, "top_k"], efforts: ["none", "low", "medium", "high"] },
  },
  huggingface: { baseUrl: "https://router.huggingface.co/v1", surfaces: ["chat/completions", "responses"], quirks: COMPATIBLE.quirks },
  llamacpp: {
    baseUrl: "http://127.0.0.1:8080/v1",
    surfaces: [...TEXT, "rerank"],
    quirks: { renamed: OLD_NAMES, without: [NO_OBJECT], thoughts: "text", isNeverStrict: true },
  },
  lmstudio: {
    baseUrl: "http://127.0.0.1:1234/v1",
    surfaces: [...TEXT, "responses"],
    quirks: { renamed: OLD_NAMES, without: [NO_OBJECT] },
  },
  localai: {
    baseUrl: "http://127.0.0.1:8080/v1",
    surfaces: [...TEXT, "rerank", "audio/transcriptions", "audio/speech", "images/generations"],
    quirks: COMPATIBLE.quirks,
  },
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    surfaces: ["chat/completions", "embeddings", "audio/transcriptions", "moderations"],
    quirks: {
      renamed: { max_completion_tokens: "max_tokens", seed: "random_seed" },
      without: [NO_OBJECT, "safety_identifier", "stream_options", "top_k"],
      callIdChars: 9,
      efforts: [],
      schemas: PLAIN_SCHEMAS,
      isNeverStrict: true,
    },
  },
  moonshot: {
    baseUrl: "https://api.moonshot.ai/v1",
    surfaces: ["chat/completions"],
    quirks: {
      renamed: OLD_NAMES,
      without: [NO_OBJECT, "top_k"],
      thoughts: "text",
      wantsThoughts: true,
      isNeverForced: true,
      temperatureMax: 1,
      efforts: [],
      schemas: PLAIN_SCHEMAS,
    },
  },
  nvidia: {
    baseUrl: "https://integrate.api.nvidia.com/v1",
    surfaces: TEXT,
    quirks: { renamed: OLD_NAMES, without: [NO_OBJECT, "top_k"], isNeverStrict: true },
  },
  openrouter: {
    baseUrl: "https://openrouter.ai/api/v1",
    surfaces: [...TEXT, "responses"],
    quirks: {
      renamed: OLD_NAMES,
      thoughts: "signed",
      thinksInTokens: true,
    },
  },
  perplexity: {
    baseUrl: "https://api.perplexity.ai",
    surfaces: ["chat/completions"],
    quirks: {
      renamed: { max_completion_tokens: "max_tokens" },
      without: [NO_OBJECT, "safety_identifier", "stream_options", "parallel_tool_calls", "seed"],
      hasSystemFirst: true,
      alternates: true,
      hasNoTools: true,
    },
    isUnlisted: true,
  },
  sglang: {
    baseUrl: "http://127.0.0.1:30000/v1",
    surfaces: [...TEXT, "rerank"],
    quirks: { renamed: OLD_NAMES, without: [NO_OBJECT], thoughts: "text" },
  },
  together: {
    baseUrl: "https://api.together.xyz/v1",
    surfaces: [...TEXT, "rerank", "images/generations", "audio/speech", "audio/transcriptions"],
    quirks: COMPATIBLE.quirks,
  },
  vllm: {
    baseUrl: "http://127.0.0.1:8000/v1",
    surfaces: [...TEXT, "responses", "rerank", "audio/transcriptions", "audio/translations"],
    quirks: { renamed: OLD_NAMES, without: [NO_OBJECT], thoughts: "text", efforts: ["none", "low", "medium", "high"] },
  },
  xai: {
    baseUrl: "https://api.x.ai/v1",
    surfaces: ["chat/completions", "responses", "images/generations"],
    // Most of its models refuse these instead of passing over them.
    quirks: {
      renamed: { safety_identifier: "user" },
      without: [NO_OBJECT, "top_k", "presence_penalty", "frequency_penalty"],
      isNeverStrict: true,
      efforts: [],
    },
  },
};
