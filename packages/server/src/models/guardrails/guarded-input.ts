import type { Json } from "@tutti/core";
import type { ContentPart, Message, ModelRequest } from "@tutti/core/model";
import { tokens } from "../tokens/index.ts";
import { filtered, type TextFilter } from "./text-filter.ts";
import type { Guard } from "./guard.ts";
import type { GuardPlace } from "./guard-config.ts";
import { inspect, MARK_NOTE, marked } from "./injection.ts";
import type { Findings } from "./findings.ts";
import { hasTopic } from "./topics.ts";

/** What guards share while they look at one call. */
export interface Watch {
  readonly model: string;
  readonly key: Buffer;
  readonly findings: Findings;
  /** A filter for the findings of a guard in one place. */
  readonly filter: (guard: Extract<Guard, { type: "spans" }>, where: GuardPlace) => TextFilter;
}

/** The request as one guard lets it through: the same object where it found nothing to change. */
export function guardInput(request: ModelRequest, guard: Guard, watch: Watch): ModelRequest {
  switch (guard.type) {
    case "spans":
      return withTexts(request, (text, where) => (guard.config.where.includes(where) ? filtered(watch.filter(guard, where), text) : text));
    case "injection":
      return guardInjection(request, guard, watch);
    case "allow":
      checkAllowed(request, guard, watch);
      return request;
    case "length":
      return guardLength(request, guard, watch);
    case "schema":
      return request;
  }
}

function guardInjection(request: ModelRequest, { config }: Extract<Guard, { type: "injection" }>, { findings, key }: Watch): ModelRequest {
  let isMarked = false;
  const changed = withTexts(request, (text, where) => {
    if (!config.where.includes(where) || text === "") return text;
    const { text: clean, found } = inspect(text);
    for (const what of found) findings.add({ guard: config.id, where, what, action: config.action });
    const kept = config.action === "redact" ? clean : text;
    if (config.mark !== true || where !== "tool-result") return kept;
    isMarked = true;
    return marked(kept, key);
  });
  // Last of the system turns, so that what stands before it stays the same for the provider's cache.
  if (!isMarked) return changed;
  const systems = changed.messages.findIndex(({ role }) => role !== "system");
  return {
    ...changed,
    messages: changed.messages.toSpliced(systems < 0 ? changed.messages.length : systems, 0, { role: "system", content: MARK_NOTE }),
  };
}

function checkAllowed({ messages }: ModelRequest, { config, finders }: Extract<Guard, { type: "allow" }>, { findings }: Watch): void {
  const last = messages.findLast(({ role }) => role === "user");
  if (last === undefined || hasTopic(finders, last.content)) return;
  findings.add({ guard: config.id, where: "input", what: "nothing of the allowed topics", action: config.action });
}

function guardLength(request: ModelRequest, { config }: Extract<Guard, { type: "length" }>, { model, findings }: Watch): ModelRequest {
  const { charactersMax = Number.POSITIVE_INFINITY, tokensMax = Number.POSITIVE_INFINITY } = config;
  for (const where of ["input", "tool-result"] as const) {
    if (!config.where.includes(where)) continue;
    const messages = request.messages.filter(({ role }) => (role === "tool") === (where === "tool-result"));
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    const isLong = characters > charactersMax || (tokensMax < Number.POSITIVE_INFINITY && tokens.count(model, { messages }) > tokensMax);
    if (isLong) findings.add({ guard: config.id, where, what: "more text than allowed", action: config.action });
  }
  // The provider stops by itself, and counts tokens exactly.
  if (
    !config.where.includes("output") ||
    config.action === "annotate" ||
    tokensMax >= (request.outputTokensMax ?? Number.POSITIVE_INFINITY)
  )
    return request;
  return { ...request, outputTokensMax: tokensMax };
}

type Change = (text: string, where: "input" | "tool-result") => string;

/** The request with every text of it changed. */
function withTexts(request: ModelRequest, change: Change): ModelRequest {
  const messages = request.messages.map((message) => withText(message, change));
  return messages.every((message, index) => message === request.messages[index]) ? request : { ...request, messages };
}

function withText(message: Message, change: Change): Message {
  const where = message.role === "tool" ? "tool-result" : "input";
  const parts = message.parts?.map((part) => partWithText(part, (text) => change(text, where)));
  const content =
    parts === undefined
      ? change(message.content, where)
      : parts.map((part) => (part.type === "text" || part.type === "refusal" ? part.text : "")).join("");
  const calls = message.calls?.map((call) => {
    const input = mapTexts(call.input, (text) => change(text, where));
    return input === call.input ? call : { ...call, input };
  });
  const isSame =
    content === message.content &&
    (parts ?? []).every((part, index) => part === message.parts?.[index]) &&
    (calls ?? []).every((call, index) => call === message.calls?.[index]);
  return isSame ? message : { ...message, content, ...(parts !== undefined && { parts }), ...(calls !== undefined && { calls }) };
}

function partWithText(part: ContentPart, change: (text: string) => string): ContentPart {
  // A signed thought is only taken back unchanged, and it was the provider's own.
  if (part.type !== "text" && part.type !== "refusal" && (part.type !== "reasoning" || part.signature !== undefined)) return part;
  const text = change(part.text);
  return text === part.text ? part : { ...part, text };
}

/** A JSON value with its strings changed; the same value where none is. */
export function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null) return value;
  const inner = (item: Json): Json => mapTexts(item, change);
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map(inner);
    return items.every((item, index) => item === (value as readonly Json[])[index]) ? value : items;
  }
  const entries = Object.entries(value as { readonly [key: string]: Json });
  const changed = entries.map(([key, item]): [string, Json] => [key, inner(item)]);
  return changed.every(([, item], index) => item === entries[index]?.[1]) ? value : Object.fromEntries(changed);
}
