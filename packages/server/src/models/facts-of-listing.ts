import type { Ability, ModelFacts } from "./provider-kind.ts";

/** Larger numbers are no numbers of tokens. */
const TOKENS_MAX = 100_000_000;
const ID_CHARS_MAX = 256;

/**
 * What an entry of OpenAI's `GET /models` says of a model. OpenAI says only its name; many servers that speak the same protocol say more,
 * each in its own words: OpenRouter, vLLM, llama.cpp, LM Studio, Mistral, Groq, Together, Fireworks, DeepInfra.
 */
export function factsOfListing(item: unknown): ModelFacts | undefined {
  const id = at(item, "id");
  if (typeof id !== "string" || id === "" || id.length > ID_CHARS_MAX) return undefined;
  const created = at(item, "created");
  const contextTokens = firstCount(item, CONTEXT_PATHS);
  const outputTokensMax = firstCount(item, OUTPUT_PATHS);
  const sizeBytes = at(item, "meta", "size");
  const abilities = abilitiesOf(item);
  const isLoaded = loadedOf(item);
  return {
    name: id,
    ...(Number.isSafeInteger(created) && { created: created as number }),
    ...(contextTokens !== undefined && { contextTokens }),
    ...(outputTokensMax !== undefined && { outputTokensMax }),
    ...(abilities !== undefined && { abilities }),
    ...(Number.isSafeInteger(sizeBytes) && { sizeBytes: sizeBytes as number }),
    ...(isLoaded !== undefined && { isLoaded }),
  };
}

/** What it was started with comes before what its weights could do: the former is what a prompt has to fit. */
const CONTEXT_PATHS: readonly (readonly string[])[] = [
  ["loaded_context_length"],
  ["meta", "n_ctx"],
  ["max_model_len"],
  ["context_length"],
  ["context_window"],
  ["max_context_length"],
  ["top_provider", "context_length"],
  ["metadata", "context_length"],
  ["meta", "n_ctx_train"],
];
const OUTPUT_PATHS: readonly (readonly string[])[] = [
  ["max_completion_tokens"],
  ["max_output_tokens"],
  ["top_provider", "max_completion_tokens"],
];

function abilitiesOf(item: unknown): readonly Ability[] | undefined {
  return openRouterAbilities(item) ?? mistralAbilities(item) ?? typedAbilities(item);
}

/** OpenRouter: modalities and the parameters that are taken. */
function openRouterAbilities(item: unknown): readonly Ability[] | undefined {
  const inputs = textsAt(item, "architecture", "input_modalities");
  const outputs = textsAt(item, "architecture", "output_modalities");
  const parameters = textsAt(item, "supported_parameters");
  if (inputs === undefined || parameters === undefined) return undefined;
  return chosen([
    ["chat", outputs === undefined || outputs.includes("text")],
    ["tools", parameters.includes("tools")],
    ["vision", inputs.includes("image")],
    ["audio-in", inputs.includes("audio")],
    ["audio-out", outputs?.includes("audio") === true],
    ["images", outputs?.includes("image") === true],
    ["json", parameters.includes("response_format") || parameters.includes("structured_outputs")],
    ["reasoning", parameters.includes("reasoning") || parameters.includes("include_reasoning")],
    ["embeddings", outputs?.includes("embeddings") === true],
  ]);
}

/** Mistral: an object of flags. */
function mistralAbilities(item: unknown): readonly Ability[] | undefined {
  const can = (flag: string): boolean => at(item, "capabilities", flag) === true;
  if (typeof at(item, "capabilities", "completion_chat") !== "boolean") return undefined;
  return chosen([
    ["chat", can("completion_chat")],
    ["tools", can("function_calling")],
    ["vision", can("vision")],
    ["audio-in", can("audio")],
    ["json", can("completion_chat")],
    ["reasoning", can("reasoning")],
    ["transcription", can("audio_transcription")],
    ["speech", can("audio_speech")],
  ]);
}

/** LM Studio and Together name a type; only those that settle the matter are taken. */
function typedAbilities(item: unknown): readonly Ability[] | undefined {
  const type = at(item, "type");
  const only = typeof type === "string" ? TYPES.get(type) : undefined;
  if (only !== undefined) return only;
  const flags = textsAt(item, "capabilities");
  if (flags === undefined || (type !== "llm" && type !== "vlm")) return undefined;
  return chosen([
    ["chat", true],
    ["json", true],
    ["tools", flags.includes("tool_use")],
    ["vision", type === "vlm" || flags.includes("vision")],
    ["reasoning", flags.includes("reasoning")],
  ]);
}

const TYPES: ReadonlyMap<string, readonly Ability[]> = new Map([
  ["embeddings", ["embeddings"]],
  ["embedding", ["embeddings"]],
  ["rerank", ["rerank"]],
  ["image", ["images"]],
  ["transcribe", ["transcription"]],
  ["audio", ["speech"]],
]);

function loadedOf(item: unknown): boolean | undefined {
  const state = at(item, "state") ?? at(item, "status", "value");
  if (state === "loaded") return true;
  return state === "not-loaded" || state === "unloaded" ? false : undefined;
}

function chosen(abilities: readonly (readonly [ability: Ability, has: boolean])[]): readonly Ability[] {
  return abilities.filter(([, has]) => has).map(([ability]) => ability);
}

function firstCount(item: unknown, paths: readonly (readonly string[])[]): number | undefined {
  for (const path of paths) {
    const value = at(item, ...path);
    if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= TOKENS_MAX) return value as number;
  }
  return undefined;
}

function textsAt(item: unknown, ...path: readonly string[]): readonly string[] | undefined {
  const value = at(item, ...path);
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : undefined;
}

function at(item: unknown, ...path: readonly string[]): unknown {
  let value = item;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as { readonly [key: string]: unknown })[key];
  }
  return value;
}
