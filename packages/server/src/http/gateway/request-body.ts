import { AppError, type Json } from "@tutti/core";
import { topLevelKeys } from "../../models/index.ts";
import { parseCounted } from "../body.ts";
import type { JsonObject } from "./serving.ts";

/** The fields that decide what a request may do, what guards look at and what it costs, on any surface. */
const FIELDS: ReadonlySet<string> = new Set([
  "background",
  "best_of",
  "conversation",
  "documents",
  "input",
  "instructions",
  "max_completion_tokens",
  "max_output_tokens",
  "max_tokens",
  "messages",
  "metadata",
  "model",
  "n",
  "previous_response_id",
  "prompt",
  "query",
  "response_format",
  "stop",
  "stop_sequences",
  "store",
  "stream",
  "stream_options",
  "suffix",
  "system",
  "text",
  "tool_choice",
  "tools",
  "user",
]);

/**
 * A request body as an object. Bodies go on to providers byte by byte, and readers differ in which of two equal keys they take, and in whether
 * `Model` is `model` to them; so a body that could be read in two ways is refused, before a key is held against one of them.
 */
export function readObject(bytes: Buffer, depthMax: number): JsonObject {
  const { value, keys } = parseCounted(bytes, depthMax);
  const body = objectOf(value);
  refuseOtherCase(body);
  if (Object.keys(body).length !== keys) throw twice(bytes);
  return body;
}

/** Refuses a body with a field that only some readers would take for one of ours: `Model`, `MESSAGES`, `meſſages`. */
export function refuseOtherCase(body: JsonObject): void {
  for (const key of Object.keys(body)) {
    if (FIELDS.has(key)) continue;
    // Readers that fold case fold ſ and the Kelvin sign too: upper case takes the one to its letter, lower case the other.
    const field = key.toUpperCase().toLowerCase();
    if (FIELDS.has(field)) throw refusal(key, `"${field}"`, `"${key.slice(0, 100)}", which some providers read as the same field`);
  }
}

function twice(bytes: Buffer): AppError {
  const seen = new Set<string>();
  for (const key of topLevelKeys(bytes)) {
    if (seen.has(key)) return refusal(key, `"${key.slice(0, 100)}" once`, "it twice, and readers differ in which of the two they take");
    seen.add(key);
  }
  throw new Error("a body with more keys than its object has holds none of them twice");
}

function refusal(param: string, wanted: string, got: string): AppError {
  return new AppError("invalid_input", `wanted ${wanted} in the request body, got ${got}; send one`, { cause: { param } });
}

/** A JSON value that has to be an object. */
export function objectOf(body: Json): JsonObject {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as JsonObject;
  throw new AppError("invalid_input", "wanted a JSON object as the request body, got something else");
}
