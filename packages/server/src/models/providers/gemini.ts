import { AppError } from "@tutti/core";
import type { ModelPart, ModelRequest, Usage } from "@tutti/core/model";
import { decodeGeminiAnswer, encodeGeminiRequest, geminiUsage } from "@tutti/core/wire";
import { adaptRequest, type Quirks } from "../adapt-request.ts";
import { ask, askJson } from "../ask.ts";
import type { Ability, ModelFacts, ProviderKind } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";
import type { Embeddings, EmbeddingsRequest } from "../requests.ts";
import type { Upstream } from "../upstream.ts";
import { draw, speak } from "./gemini-media.ts";

/** How many models a page of the list holds, and how many pages are read. */
const PAGE_MODELS = 1_000;
const PAGES_MAX = 10;
const NAME_CHARS_MAX = 256;
/** How many texts Google embeds at once. */
const BATCH_TEXTS = 100;

/** Google's Gemini API. Its own OpenAI-compatible door knows less: no signatures, no thoughts, no sources. */
export const gemini: ProviderKind = {
  kind: "gemini",
  baseUrl: "https://generativelanguage.googleapis.com/v1beta",
  headers: ({ apiKey }: Provider) => (apiKey === undefined ? [] : ["x-goog-api-key", apiKey]),
  open({ upstream }) {
    // More tokens than a model gives are refused; a client that was written for another model may ask for more.
    const limits = new Map<string, number>();
    const bounded = (name: string, request: ModelRequest): ModelRequest => {
      const limit = limits.get(name);
      return limit === undefined || (request.outputTokensMax ?? 0) <= limit ? request : { ...request, outputTokensMax: limit };
    };
    return {
      generate: (name, request, signal) => generate(upstream, { name, request: bounded(name, request) }, signal),
      embed: (name, request, signal) => embed(upstream, { name, request }, signal),
      speak: (name, request, signal) => speak(upstream, { path: pathOf(name, "generateContent"), request }, signal),
      draw: (name, request, signal) => draw(upstream, { path: pathOf(name, "generateContent"), request }, signal),
      async discover(signal) {
        const facts = (await listModels(upstream, signal)).map(factsOf);
        for (const { name, outputTokensMax } of facts) if (outputTokensMax !== undefined) limits.set(name, outputTokensMax);
        return facts;
      },
    };
  },
};

/** By the reference of `responseJsonSchema`; it follows references, but not into themselves. */
const QUIRKS: Quirks = {
  thoughts: "signed",
  hasRefusals: true,
  thinksInTokens: true,
  schemas: {
    inlinesRefs: true,
    keywords: new Set([
      "title",
      "description",
      "type",
      "format",
      "enum",
      "properties",
      "required",
      "additionalProperties",
      "propertyOrdering",
      "items",
      "prefixItems",
      "minItems",
      "maxItems",
      "minimum",
      "maximum",
      "anyOf",
    ]),
  },
};

function generate(
  upstream: Upstream,
  { name, request }: { readonly name: string; readonly request: ModelRequest },
  signal: AbortSignal,
): AsyncIterable<ModelPart> {
  const body = encodeGeminiRequest(name, adaptRequest(request, QUIRKS));
  const path = `${pathOf(name, "streamGenerateContent")}?alt=sse`;
  const parts = ask(upstream, { path, body, decode: decodeGeminiAnswer }, signal);
  return request.parallelCalls === false ? firstCallOnly(parts) : parts;
}

/** Google cannot be told to call one tool at a time; the calls after the first are asked for again once it has its result. */
async function* firstCallOnly(parts: AsyncIterable<ModelPart>): AsyncGenerator<ModelPart, void, undefined> {
  let calls = 0;
  for await (const part of parts) {
    if (part.type === "call") calls += 1;
    if (part.type !== "call" || calls === 1) yield part;
  }
}

async function embed(
  upstream: Upstream,
  { name, request }: { readonly name: string; readonly request: EmbeddingsRequest },
  signal: AbortSignal,
): Promise<Embeddings> {
  const { inputs, dimensions, purpose } = request;
  const vectors: (readonly number[])[] = [];
  let usage: Usage = { inputTokens: 0, outputTokens: 0 };
  for (let from = 0; from < inputs.length; from += BATCH_TEXTS) {
    const batch = inputs.slice(from, from + BATCH_TEXTS);
    const requests = batch.map((text) => ({
      model: modelOf(name),
      content: { parts: [{ text }] },
      ...(purpose !== undefined && { taskType: purpose === "query" ? "RETRIEVAL_QUERY" : "RETRIEVAL_DOCUMENT" }),
      ...(dimensions !== undefined && { outputDimensionality: dimensions }),
    }));
    const answer = await askJson(upstream, { path: pathOf(name, "batchEmbedContents"), body: { requests } }, signal);
    vectors.push(...vectorsOf(at(answer, "embeddings"), batch.length));
    usage = { inputTokens: usage.inputTokens + geminiUsage(at(answer, "usageMetadata")).inputTokens, outputTokens: 0 };
  }
  return { vectors, usage };
}

function vectorsOf(embeddings: unknown, count: number): readonly (readonly number[])[] {
  const found = Array.isArray(embeddings) ? embeddings.map((item) => at(item, "values")) : [];
  if (found.length === count && found.every(isVector)) return found;
  throw new AppError("upstream", `wanted ${count} vectors, got something else from the model's provider`);
}

function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((number) => typeof number === "number");
}

type Entry = { readonly name: string; readonly [field: string]: unknown };

async function listModels(upstream: Upstream, signal: AbortSignal): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let after = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await askJson(upstream, { path: `/models?pageSize=${PAGE_MODELS}${after}`, method: "GET" }, signal);
    const models = at(answer, "models");
    if (!Array.isArray(models)) throw new AppError("upstream", "wanted a list of models, got something else");
    entries.push(...models.filter(isEntry));
    const token = at(answer, "nextPageToken");
    if (typeof token !== "string" || token === "") break;
    after = `&pageToken=${encodeURIComponent(token)}`;
  }
  return entries;
}

function isEntry(value: unknown): value is Entry {
  const name = at(value, "name");
  return typeof name === "string" && name !== "" && name.length <= NAME_CHARS_MAX;
}

function factsOf(entry: Entry): ModelFacts {
  const name = entry.name.replace(/^models\//, "");
  const { version, inputTokenLimit: contextTokens, outputTokenLimit: outputTokensMax } = entry;
  return {
    name,
    ...(typeof version === "string" && version !== "" && { version }),
    ...(isCount(contextTokens) && { contextTokens }),
    ...(isCount(outputTokensMax) && { outputTokensMax }),
    abilities: abilitiesOf(name, entry),
  };
}

/** Google lists methods; what comes of them, and what goes in, stands in the names. */
function abilitiesOf(name: string, entry: Entry): readonly Ability[] {
  const methods: readonly unknown[] = Array.isArray(entry.supportedGenerationMethods) ? entry.supportedGenerationMethods : [];
  if (methods.includes("embedContent") || methods.includes("batchEmbedContents")) return ["embeddings"];
  if (!methods.includes("generateContent")) return [];
  if (name.includes("-tts")) return ["speech"];
  if (name.includes("-image") || name.includes("nano-banana")) return ["chat", "vision", "images"];
  if (name.startsWith("gemma")) return ["chat", "vision"];
  return ["chat", "tools", "vision", "audio-in", "json", ...(entry.thinking === true ? (["reasoning"] as const) : [])];
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** The name as Google has it: models of one's own say what they are. */
function modelOf(name: string): string {
  return name.includes("/") ? name : `models/${name}`;
}

function pathOf(name: string, method: string): string {
  return `/${modelOf(name).split("/").map(encodeURIComponent).join("/")}:${method}`;
}

/** A field of what may be an object. */
function at(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
}
