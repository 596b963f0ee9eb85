import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Usage } from "../model.ts";
import { usageOfMedia } from "./media-usage.ts";
import { isObject, misfit, objectAt, stringAt } from "./shape.ts";

/** A request for embeddings in OpenAI's format. */
export interface EmbeddingsCall {
  readonly model: string;
  readonly input: EmbeddingsInput;
  readonly dimensions?: number;
  readonly encoding: VectorEncoding;
  /** From the `input_type` of Cohere, Voyage and NVIDIA, which OpenAI-shaped servers take too. */
  readonly purpose?: "query" | "document";
}

/** Texts, or tokens of the one tokenizer that only the model's own provider knows. */
type EmbeddingsInput =
  | { readonly type: "texts"; readonly texts: readonly string[] }
  | { readonly type: "tokens"; readonly inputs: number; readonly tokens: number };

/** How a vector is written: as numbers, or as the base64 of its little-endian 32-bit floats. */
export type VectorEncoding = "float" | "base64";

/** One embedding. */
export type Vector = Float32Array | readonly number[];

/** The largest number of dimensions that is asked for; no model comes near. */
const DIMENSIONS_MAX = 65_536;

/** Reads a client's request. */
export function decodeEmbeddingsRequest(body: unknown): EmbeddingsCall {
  const { model, input, dimensions, encoding_format: encoding, input_type: inputType } = objectAt(body, "the request");
  const purpose = purposeOf(inputType);
  return {
    model: stringAt(model, "model"),
    input: inputOf(input),
    ...(dimensions !== undefined && dimensions !== null && { dimensions: dimensionsOf(dimensions) }),
    encoding: encodingOf(encoding),
    ...(purpose !== undefined && { purpose }),
  };
}

function inputOf(input: unknown): EmbeddingsInput {
  if (typeof input === "string") return { type: "texts", texts: [input] };
  if (!Array.isArray(input) || input.length === 0) throw misfit("input", "a string, or an array of strings or of tokens", input);
  const items: readonly unknown[] = input;
  if (isAll(items, isText)) return { type: "texts", texts: items };
  if (isAll(items, isToken)) return { type: "tokens", inputs: 1, tokens: items.length };
  let tokens = 0;
  for (const [index, item] of items.entries()) {
    if (!Array.isArray(item) || item.length === 0 || !isAll(item as readonly unknown[], isToken))
      throw misfit(`input[${index}]`, "a string or an array of tokens, all inputs alike", item);
    tokens += item.length;
  }
  return { type: "tokens", inputs: items.length, tokens };
}

function isAll<T>(items: readonly unknown[], fits: (item: unknown) => item is T): items is readonly T[] {
  return items.every(fits);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isToken(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function dimensionsOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= DIMENSIONS_MAX) return value;
  throw misfit("dimensions", `a whole number from 1 to ${DIMENSIONS_MAX}`, value);
}

function encodingOf(value: unknown): VectorEncoding {
  if (value === undefined || value === null || value === "float") return "float";
  if (value === "base64") return "base64";
  throw misfit("encoding_format", '"float" or "base64"', value);
}

const QUERIES: ReadonlySet<unknown> = new Set(["query", "search_query"]);
const DOCUMENTS: ReadonlySet<unknown> = new Set(["document", "passage", "search_document"]);

function purposeOf(inputType: unknown): "query" | "document" | undefined {
  if (QUERIES.has(inputType)) return "query";
  return DOCUMENTS.has(inputType) ? "document" : undefined;
}

/** Writes an answer. */
export function encodeEmbeddings(
  answer: { readonly vectors: readonly Vector[]; readonly usage: Usage },
  head: { readonly model: string; readonly encoding: VectorEncoding },
): Json {
  const { inputTokens } = answer.usage;
  return {
    object: "list",
    data: answer.vectors.map((vector, index) => ({ object: "embedding", index, embedding: encodeVector(vector, head.encoding) })),
    model: head.model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
}

function encodeVector(vector: Vector, encoding: VectorEncoding): Json {
  return encoding === "base64" ? floatsToBase64(vector) : [...vector];
}

/** Reads a provider's answer to `count` inputs, whichever encoding it chose; the vectors are in the inputs' order. */
export function decodeEmbeddings(answer: unknown, count: number): { readonly vectors: readonly Vector[]; readonly usage: Usage } {
  const data = isObject(answer) && Array.isArray(answer.data) ? (answer.data as readonly unknown[]) : [];
  const vectors: Vector[] = [];
  for (const [place, item] of data.entries()) {
    if (!isObject(item)) throw notEmbeddings("an item that is no object");
    const index = typeof item.index === "number" ? item.index : place;
    vectors[index] = decodeVector(item.embedding);
  }
  if (data.length !== count || Object.keys(vectors).length !== count || vectors.length !== count)
    throw notEmbeddings(`${data.length} items for ${count} inputs`);
  const { inputTokens, outputTokens } = usageOfMedia(answer);
  return { vectors, usage: { inputTokens, outputTokens } };
}

function decodeVector(value: unknown): Vector {
  if (typeof value === "string") return base64ToFloats(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "number")) return value as readonly number[];
  throw notEmbeddings("an embedding that is no vector");
}

function notEmbeddings(got: string): AppError {
  return new AppError("upstream", `wanted one embedding an input from the model's provider, got ${got}`);
}

/** The first `dimensions` of a vector, at length 1 again: what models trained for it (Matryoshka, arXiv:2205.13147) can be cut to. */
export function shortenVector(vector: Vector, dimensions: number): Vector {
  const kept = vector.slice(0, dimensions);
  const length = Math.hypot(...kept);
  return length === 0 ? kept : kept.map((value) => value / length);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** What stands for a character that is none of the alphabet. */
const NO_VALUE = 64;
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = ALPHABET.indexOf(String.fromCharCode(code));
  return value < 0 ? NO_VALUE : value;
});

/** A vector as the base64 (RFC 4648 §4) of its little-endian 32-bit floats. */
export function floatsToBase64(vector: Vector): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (let index = 0; index < vector.length; index += 1) view.setFloat32(index * 4, vector[index] ?? 0, true);
  const size = view.byteLength;
  let text = "";
  for (let index = 0; index < size; index += 3) {
    const more = size - index;
    const bits = (view.getUint8(index) << 16) | (more > 1 ? view.getUint8(index + 1) << 8 : 0) | (more > 2 ? view.getUint8(index + 2) : 0);
    text += ALPHABET.charAt(bits >>> 18) + ALPHABET.charAt((bits >>> 12) & 63);
    text += (more > 1 ? ALPHABET.charAt((bits >>> 6) & 63) : "=") + (more > 2 ? ALPHABET.charAt(bits & 63) : "=");
  }
  return text;
}

/** The vector that `floatsToBase64` wrote, or `upstream`. */
export function base64ToFloats(text: string): Float32Array {
  const end = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  const size = Math.floor((end * 3) / 4);
  if (size % 4 !== 0 || end % 4 === 1) throw notEmbeddings("base64 that holds no whole 32-bit floats");
  const view = new DataView(new ArrayBuffer(size));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let index = 0; index < end; index += 1) {
    const value = VALUES[text.charCodeAt(index)] ?? NO_VALUE;
    if (value === NO_VALUE) throw notEmbeddings("an embedding that is no base64");
    bits = ((bits << 6) | value) & 0xffffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    view.setUint8(at++, (bits >>> held) & 0xff);
  }
  const vector = new Float32Array(size / 4);
  for (let index = 0; index < vector.length; index += 1) vector[index] = view.getFloat32(index * 4, true);
  return vector;
}
