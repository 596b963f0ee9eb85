import type { Json } from "../json.ts";
import type { Usage } from "../model.ts";
import { AppError } from "../error.ts";
import { usageOfMedia } from "./media-usage.ts";
import { arrayAt, flagAt, isObject, misfit, objectAt, stringAt } from "./shape.ts";

/** A request to rank documents, in the shape that Cohere, Jina and vLLM share. */
export interface RerankCall {
  readonly model: string;
  readonly query: string;
  readonly documents: readonly RerankDocument[];
  readonly top?: number;
  readonly returnDocuments: boolean;
}

/** A document as it is ranked, and as the client gave it. */
interface RerankDocument {
  readonly text: string;
  readonly given: Json;
}

/** The best first; `index` is a document's place in the request. */
export interface RankedDocuments {
  readonly results: readonly { readonly index: number; readonly score: number }[];
  readonly usage: Usage;
}

/** Reads a client's request. */
export function decodeRerankRequest(body: unknown): RerankCall {
  const { model, query, documents, top_n: top, return_documents: returnDocuments } = objectAt(body, "the request");
  const items = arrayAt(documents, "documents");
  if (items.length === 0) throw misfit("documents", "at least one document", documents);
  return {
    model: stringAt(model, "model"),
    query: stringAt(query, "query"),
    documents: items.map(documentOf),
    ...(top !== undefined && top !== null && { top: topOf(top) }),
    returnDocuments: flagAt(returnDocuments, "return_documents"),
  };
}

function documentOf(item: unknown, index: number): RerankDocument {
  if (typeof item === "string") return { text: item, given: { text: item } };
  if (isObject(item) && typeof item.text === "string") return { text: item.text, given: item as Json };
  throw misfit(`documents[${index}]`, "a string or an object with a text", item);
}

function topOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
  throw misfit("top_n", "a whole number from 1", value);
}

/** Writes an answer that clients of Cohere's v2 and of Jina's API both read. */
export function encodeRanking(ranked: RankedDocuments, head: { readonly id: string; readonly call: RerankCall }): Json {
  const { call, id } = head;
  const { inputTokens } = ranked.usage;
  return {
    id,
    object: "list",
    model: call.model,
    results: ranked.results.slice(0, call.top).map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(call.returnDocuments && { document: call.documents[index]?.given ?? null }),
    })),
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
    meta: { api_version: { version: "2" }, tokens: { input_tokens: inputTokens } },
  };
}

/** Reads a provider's answer: Cohere's, Jina's, vLLM's, or TEI's bare list. */
export function decodeRanking(answer: unknown, count: number): RankedDocuments {
  const results = Array.isArray(answer) ? (answer as readonly unknown[]) : isObject(answer) ? (answer.results ?? answer.data) : undefined;
  if (!Array.isArray(results)) throw notRanking("no results");
  const { inputTokens, outputTokens } = usageOfMedia(answer);
  return {
    results: results.map((item: unknown) => resultOf(item, count)).toSorted((a, b) => b.score - a.score),
    usage: { inputTokens, outputTokens },
  };
}

function resultOf(item: unknown, count: number): { readonly index: number; readonly score: number } {
  const { index, relevance_score: relevance, score = relevance } = isObject(item) ? item : {};
  if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= count) throw notRanking("a result without its index");
  if (typeof score !== "number") throw notRanking("a result without its score");
  return { index, score };
}

function notRanking(got: string): AppError {
  return new AppError("upstream", `wanted a ranking from the model's provider, got ${got}`);
}
