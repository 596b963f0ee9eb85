import type { Ability, ModelFacts } from "./provider-kind.ts";

/** What a family of models is known for, wherever it is served. */
interface Family {
  readonly pattern: RegExp;
  readonly abilities: readonly Ability[];
  readonly contextTokens?: number;
  readonly dimensions?: number;
}

const CHAT: readonly Ability[] = ["chat", "json"];
const TOOLS: readonly Ability[] = ["chat", "json", "tools"];
const SEEING: readonly Ability[] = ["chat", "json", "tools", "vision"];
const THINKING: readonly Ability[] = ["chat", "json", "tools", "reasoning"];
const ALL: readonly Ability[] = ["chat", "json", "tools", "vision", "reasoning"];

function embeddings(pattern: RegExp, dimensions: number, contextTokens: number): Family {
  return { pattern, abilities: ["embeddings"], dimensions, contextTokens };
}

/**
 * What the makers' own documentation and model cards say, for names that are known beyond doubt; the first pattern that matches counts.
 * A family is left out where what it can do depends on how it is served. What a provider says itself, and what the configuration says,
 * comes before any of it.
 */
const FAMILIES: readonly Family[] = [
  // Embeddings. developers.openai.com/api/docs/models, the cards on huggingface.co, docs.cohere.com/docs/models, ai.google.dev.
  embeddings(/text-embedding-3-large/, 3_072, 8_192),
  embeddings(/text-embedding-(3-small|ada-002)/, 1_536, 8_192),
  embeddings(/gemini-embedding-001/, 3_072, 2_048),
  embeddings(/embeddinggemma/, 768, 2_048),
  embeddings(/nomic-embed-text/, 768, 8_192),
  embeddings(/mxbai-embed-large|bge-large|uae-large/, 1_024, 512),
  embeddings(/bge-m3|snowflake-arctic-embed2/, 1_024, 8_192),
  embeddings(/bge-base/, 768, 512),
  embeddings(/bge-small/, 384, 512),
  embeddings(/all-minilm/, 384, 512),
  embeddings(/multilingual-e5-large|e5-large/, 1_024, 512),
  embeddings(/jina-embeddings-v3/, 1_024, 8_192),
  embeddings(/embed-(english|multilingual)-v3/, 1_024, 512),
  { pattern: /qwen3-embedding|text-embedding|voyage-|jina-embeddings|embed-v4|mistral-embed/, abilities: ["embeddings"] },
  { pattern: /rerank/, abilities: ["rerank"] },
  // Sound and pictures.
  { pattern: /whisper|gpt-4o(-mini)?-transcribe|voxtral-mini-transcribe/, abilities: ["transcription"] },
  { pattern: /^tts-1|-tts(-|$)|kokoro/, abilities: ["speech"] },
  { pattern: /dall-e|gpt-image|^imagen-|stable-diffusion|^flux[.-]/, abilities: ["images"] },
  { pattern: /gpt-(4o-)?audio/, abilities: ["chat", "tools", "audio-in", "audio-out"], contextTokens: 128_000 },
  // OpenAI: developers.openai.com/api/docs/models.
  { pattern: /gpt-oss/, abilities: THINKING, contextTokens: 131_072 },
  { pattern: /^gpt-5(\.\d+)?-chat/, abilities: SEEING, contextTokens: 128_000 },
  { pattern: /^gpt-5/, abilities: ALL, contextTokens: 400_000 },
  { pattern: /^gpt-4\.1/, abilities: SEEING, contextTokens: 1_047_576 },
  { pattern: /^(chatgpt-)?gpt-4(o|-turbo)|^chatgpt-4o/, abilities: SEEING, contextTokens: 128_000 },
  { pattern: /^gpt-3\.5-turbo(?!-instruct)/, abilities: TOOLS, contextTokens: 16_385 },
  { pattern: /^o3-mini/, abilities: THINKING, contextTokens: 200_000 },
  { pattern: /^o(1|3|4-mini)(-pro)?(-\d|$)/, abilities: ALL, contextTokens: 200_000 },
  // Anthropic: platform.claude.com/docs/en/about-claude/models.
  { pattern: /claude-3-(5|haiku|opus|sonnet)/, abilities: SEEING, contextTokens: 200_000 },
  { pattern: /claude-(3-7|opus|sonnet|haiku)/, abilities: ALL, contextTokens: 200_000 },
  // Google: ai.google.dev/gemini-api/docs/models.
  { pattern: /^gemini-(2\.5|3)/, abilities: [...ALL, "audio-in"], contextTokens: 1_048_576 },
  { pattern: /^gemini-(1\.5|2\.0)-/, abilities: [...SEEING, "audio-in"], contextTokens: 1_048_576 },
  // Open weights, by their cards; how long a prompt may be depends on how they are served.
  { pattern: /qwen-?(2|2\.5|3)-?vl/, abilities: SEEING },
  { pattern: /qwq|deepseek-r1|deepseek-reasoner|magistral/, abilities: THINKING },
  { pattern: /qwen-?3|glm-4\.[5-9]|kimi-k2|minimax-m/, abilities: THINKING },
  { pattern: /qwen-?2\.5|deepseek-(chat|v3)|llama-?3\.[13]|mistral-(nemo|large|medium)|ministral|devstral|command-r/, abilities: TOOLS },
  { pattern: /llama-?4|mistral-small-?3\.[1-9]|pixtral/, abilities: SEEING },
  { pattern: /llama-?3\.2-(11b|90b)|llama3\.2-vision|llava/, abilities: ["chat", "json", "vision"] },
  { pattern: /^llama-?2|codellama|^llama-?3(:|-8b|-70b|$)|mixtral-8x7b/, abilities: CHAT },
];

/** What is known of a model by its name alone. */
export function factsOfFamily(name: string): Omit<ModelFacts, "name"> | undefined {
  // "meta-llama/Llama-3.1-8B" and "accounts/x/models/llama-3.1" are what comes last.
  const own = name.slice(name.lastIndexOf("/") + 1).toLowerCase();
  const family = FAMILIES.find(({ pattern }) => pattern.test(own));
  if (family === undefined) return undefined;
  const { abilities, contextTokens, dimensions } = family;
  return { abilities, ...(contextTokens !== undefined && { contextTokens }), ...(dimensions !== undefined && { dimensions }) };
}
