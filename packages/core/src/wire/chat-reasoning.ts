import type { Json } from "../json.ts";
import type { ReasoningPart } from "../model.ts";
import { isObject, type JsonObject } from "./shape.ts";

/**
 * Thoughts are not in OpenAI's own chat format. Its relatives write them as `reasoning_content` (DeepSeek, vLLM) or `reasoning`, and
 * OpenRouter adds `reasoning_details`, which has a place for what a provider wants back: that is what is read and written here.
 */
export function decodeThoughts(message: JsonObject): readonly ReasoningPart[] {
  const details: readonly unknown[] = Array.isArray(message.reasoning_details) ? message.reasoning_details : [];
  const parts = details.flatMap(decodeDetail);
  if (parts.length > 0) return parts;
  const text = textOf(message.reasoning_content) || textOf(message.reasoning);
  return text === "" ? [] : [{ type: "reasoning", text }];
}

/** The fields of a message, or of a delta, that hold thoughts. */
export function encodeThoughts(parts: readonly ReasoningPart[]): { readonly [field: string]: Json } {
  if (parts.length === 0) return {};
  const text = parts.map((part) => part.text).join("");
  return {
    ...(text !== "" && { reasoning_content: text }),
    ...(parts.some((part) => !isPlain(part)) && { reasoning_details: parts.flatMap(encodeDetail) }),
  };
}

/** Pieces of one thought as one part, as `collect` joins them. */
export function joinThoughts(parts: readonly ReasoningPart[]): readonly ReasoningPart[] {
  const joined: ReasoningPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    const isSame = last !== undefined && last.signature === undefined && last.isRedacted === undefined && last.id === part.id;
    if (isSame) joined[joined.length - 1] = { ...last, ...part, text: last.text + part.text };
    else joined.push(part);
  }
  return joined;
}

const FORMATS = { openai: "openai-responses-v1", anthropic: "anthropic-claude-v1", gemini: "google-gemini-v1" } as const;

function isPlain({ id, signature, origin, isRedacted }: ReasoningPart): boolean {
  return id === undefined && signature === undefined && origin === undefined && isRedacted === undefined;
}

function decodeDetail(value: unknown): readonly ReasoningPart[] {
  if (!isObject(value)) return [];
  const origin = originOf(value.format);
  const signature = textOf(value.type === "reasoning.encrypted" ? value.data : value.signature);
  const part: ReasoningPart = {
    type: "reasoning",
    text: textOf(value.text) || textOf(value.summary),
    ...(typeof value.id === "string" && { id: value.id }),
    ...(signature !== "" && { signature }),
    ...(origin !== undefined && { origin }),
    // Anthropic hides whole thoughts; what others encrypt belongs to a thought whose text came before.
    ...(value.type === "reasoning.encrypted" && origin === "anthropic" && { isRedacted: true as const }),
  };
  return part.text === "" && part.signature === undefined ? [] : [part];
}

function encodeDetail({ text, id, signature, origin, isRedacted }: ReasoningPart): readonly Json[] {
  const shared = { ...(id !== undefined && { id }), ...(origin !== undefined && { format: FORMATS[origin] }) };
  const encrypted = { type: "reasoning.encrypted", data: signature ?? "", ...shared };
  if (isRedacted) return [encrypted];
  if (origin !== "openai" && origin !== "gemini")
    return [{ type: "reasoning.text", text, ...(signature !== undefined && { signature }), ...shared }];
  const shown = origin === "openai" ? { type: "reasoning.summary", summary: text } : { type: "reasoning.text", text };
  return [...(text === "" ? [] : [{ ...shown, ...shared }]), ...(signature === undefined ? [] : [encrypted])];
}

function originOf(format: unknown): ReasoningPart["origin"] {
  if (typeof format !== "string") return undefined;
  if (format.startsWith("openai")) return "openai";
  if (format.startsWith("anthropic")) return "anthropic";
  return format.startsWith("google") ? "gemini" : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
