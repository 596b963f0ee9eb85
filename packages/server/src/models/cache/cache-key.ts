import { hash } from "node:crypto";
import { canonicalJson } from "@tutti/core";
import type { Message, ModelRequest } from "@tutti/core/model";
import type { CacheQuestion } from "./cache-question.ts";

type JsonObject = { readonly [key: string]: unknown };

/** Fields that change how an answer travels, or whom it is booked to, but not what it says. */
const UNIMPORTANT: ReadonlySet<string> = new Set([
  "model",
  "stream",
  "stream_options",
  "user",
  "metadata",
  "store",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "service_tier",
]);

/** What left out means the same as; from the providers' references. */
const DEFAULTS: Readonly<Record<string, string>> = {
  temperature: "1",
  top_p: "1",
  n: "1",
  presence_penalty: "0",
  frequency_penalty: "0",
  logprobs: "false",
  logit_bias: "{}",
  tools: "[]",
  tool_choice: '"auto"',
  parallel_tool_calls: "true",
  response_format: '{"type":"text"}',
  modalities: '["text"]',
  encoding_format: '"float"',
  truncation: '"disabled"',
  background: "false",
};

/** A body that goes on from something the server keeps is another question each time. */
const STATEFUL: readonly string[] = ["previous_response_id", "conversation"];

/** What a question is filed under: equal for requests that ask the same. `undefined`: it cannot be answered from a cache. */
export function keyOf(question: CacheQuestion): string | undefined {
  const text = normalised(question.body, true);
  return text === undefined ? undefined : digest(question, text);
}

/** A question that others may be similar to: its words, and what must be the same besides them. */
export interface SimilarQuestion {
  readonly text: string;
  readonly bucket: string;
}

/** The last thing that the user said, and a hash of all else. `undefined` where an answer to similar words would not do. */
export function similarQuestionOf(
  question: CacheQuestion,
  bounds: { readonly temperatureMax: number; readonly charactersMax: number },
): SimilarQuestion | undefined {
  const request = requestOf(question);
  const last = request?.messages.at(-1);
  if (request === undefined || last === undefined || !isPlainQuestion(last, bounds.charactersMax)) return undefined;
  if ((request.sampling?.temperature ?? 1) > bounds.temperatureMax) return undefined;
  const options = normalised(question.body, false);
  if (options === undefined) return undefined;
  const { user: _, ...rest } = request;
  const others = canonicalJson({ ...rest, messages: rest.messages.slice(0, -1) });
  return { text: last.content, bucket: digest(question, `${options}\n${others}\n${fixedWordsOf(last.content)}`) };
}

/**
 * The words of a question that must be the same: figures, addresses, paths, names, what is quoted, and what turns a sentence around.
 * "5 days" and "50 days", or "Ada" and "Bob", are close in meaning and far apart in their answers.
 */
function fixedWordsOf(text: string): string {
  const words = text.match(/"[^"]{1,200}"|\S{1,200}/g) ?? [];
  const fixed = words.filter((word, index) => FIXED.test(word) || (CAPITAL.test(word) && !SENTENCE_END.test(words[index - 1] ?? ".")));
  return fixed.map((word) => word.replace(/[.,;:!?]+$/, "")).join(" ");
}

const FIXED = /[\d@_/\\"`<>=]|^(?:not|no|never|without|except|nicht|kein\w*|ohne|ne|pas|sans|sin|non|senza)$|n['’]t$/i;
const CAPITAL = /^\W*\p{Lu}/u;
const SENTENCE_END = /[.!?:]$/;

/** The codec may not know what a body holds that is passed on as it is; such a body is only compared as a whole. */
function requestOf({ request }: CacheQuestion): ModelRequest | undefined {
  try {
    return request?.();
  } catch {
    return undefined;
  }
}

function isPlainQuestion({ role, content, parts }: Message, charactersMax: number): boolean {
  return role === "user" && content.trim() !== "" && content.length <= charactersMax && (parts ?? []).every(({ type }) => type === "text");
}

function digest({ principal, surface, model, guard, tags = [] }: CacheQuestion, text: string): string {
  return hash("sha256", `${JSON.stringify([principal.tenant, surface, model, guard?.scope ?? "", tags])}\n${text}`, "base64url");
}

/** The body as canonical JSON without what does not matter; `withTurns` false: without the conversation too. */
function normalised(body: unknown, withTurns: boolean): string | undefined {
  if (!isObject(body) || STATEFUL.some((field) => body[field] !== undefined && body[field] !== null)) return undefined;
  const kept: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  try {
    for (const [field, value] of Object.entries(body)) {
      const isTurns = field === "messages" || field === "input";
      if (value === null || UNIMPORTANT.has(field) || (isTurns && !withTurns)) continue;
      const plain = isTurns ? plainTurns(value) : field === "system" ? plainContent(value) : value;
      if (DEFAULTS[field] !== canonicalJson(plain)) kept[field] = plain;
    }
    return canonicalJson(kept);
  } catch {
    // Too deep to be written down, so it is not kept.
    return undefined;
  }
}

/** Turns whose text is in one piece: a text in parts, and a text alone, say the same. */
function plainTurns(turns: unknown): unknown {
  if (!Array.isArray(turns)) return typeof turns === "string" ? [{ role: "user", content: turns }] : turns;
  return turns.map((turn: unknown) => {
    if (!isObject(turn) || (turn["content"] === undefined && turn["type"] !== "message")) return turn;
    const { type, ...rest } = turn;
    return { ...rest, ...(type !== "message" && type !== undefined && { type }), content: plainContent(turn["content"]) };
  });
}

function plainContent(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const texts: string[] = [];
  for (const part of content as readonly unknown[]) {
    if (!isObject(part) || !isTextType(part["type"]) || typeof part["text"] !== "string") return content;
    texts.push(part["text"]);
  }
  return texts.join("");
}

function isTextType(type: unknown): boolean {
  return type === "text" || type === "input_text" || type === "output_text";
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
