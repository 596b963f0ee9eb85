import { hash } from "node:crypto";
import type { Json } from "@tutti/core";
import type { App, GatewayAsk } from "../../host/index.ts";
import type { Ability, Surface } from "../../models/index.ts";
import type { JsonObject, ServeCall } from "./serving.ts";

/** Smaller requests are not counted but estimated. */
const COUNTED_BYTES_MIN = 4_096;

/** What the plan is made from, read off the body without decoding it: most requests pass through as bytes. */
export function askOf(
  call: ServeCall,
  tags: readonly string[],
  count: { readonly estimate: (bytes: number) => number; readonly exact: () => number },
): GatewayAsk {
  const { surface, model, principal, stream, body } = call;
  const bytes = call.bytes ?? Buffer.from(JSON.stringify(body));
  let tokens: number | undefined;
  // Counting reads the whole request; what is small is far from every limit.
  const promptTokens = (): number => (tokens ??= bytes.length < COUNTED_BYTES_MIN ? count.estimate(bytes.length) : count.exact());
  const outputTokensMax = outputTokensMaxOf(surface, body);
  return {
    surface,
    model,
    principal,
    needs: needsOf(body, bytes),
    promptTokens,
    stickyKey: () => stickyKeyOf(body),
    tags,
    lastUserText: () => lastUserText(body),
    input: { model, requestBytes: bytes.length, requestSha256: hash("sha256", bytes, "hex"), stream },
    ...(outputTokensMax !== undefined && { outputTokensMax }),
  };
}

const TAGS_MAX = 16;
const NO_TAGS: readonly string[] = [];

/** What is said of a request for routes and guards: by the client's header `tutti-tags`, separated by commas, and by its key. */
export function tagsOf({ headers, principal }: Pick<ServeCall, "headers" | "principal">, keys: App["keys"]): readonly string[] {
  const own = keys.keyOf(principal)?.tags ?? NO_TAGS;
  const given = headers["tutti-tags"];
  if (typeof given !== "string" || given === "") return own;
  return [...own, ...given.split(",", TAGS_MAX).flatMap((tag) => (tag.trim() === "" ? [] : [tag.trim()]))];
}

/** How each surface lets a client bound an answer. A field of another surface bounds nothing. */
const OUTPUT_FIELDS: Partial<Readonly<Record<Surface, readonly string[]>>> = {
  "chat/completions": ["max_completion_tokens", "max_tokens"],
  completions: ["max_tokens"],
  messages: ["max_tokens"],
  responses: ["max_output_tokens"],
};

/** How long the client lets the answer become, in tokens: the largest of what it says. */
function outputTokensMaxOf(surface: Surface, body: JsonObject): number | undefined {
  const said = (OUTPUT_FIELDS[surface] ?? []).map((field) => wholeOf(body[field])).filter((value) => value !== undefined);
  return said.length === 0 ? undefined : Math.max(...said);
}

/** How many answers are asked for: OpenAI's `n` and `best_of`, for each of several prompts. */
export function answersOf({ n, best_of: bestOf, prompt }: JsonObject): number {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? Math.max(1, prompt.length) : 1;
  return Math.max(wholeOf(n) ?? 1, wholeOf(bestOf) ?? 1) * prompts;
}

function wholeOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

const CHAT: readonly Ability[] = ["chat"];
const IMAGE_MARKS = ['"image_url"', '"input_image"', '"image"'];
const AUDIO_MARK = '"input_audio"';

function needsOf(body: JsonObject, bytes: Buffer): readonly Ability[] {
  const needs: Ability[] = [];
  if (Array.isArray(body.tools) && body.tools.length > 0) needs.push("tools");
  if (isSchemaAsked(body)) needs.push("json");
  if (IMAGE_MARKS.some((mark) => bytes.includes(mark))) needs.push("vision");
  if (bytes.includes(AUDIO_MARK)) needs.push("audio-in");
  return needs.length === 0 ? CHAT : ["chat", ...needs];
}

function isSchemaAsked(body: JsonObject): boolean {
  const format = body.response_format ?? (isObject(body.text) ? body.text.format : undefined);
  return isObject(format) && typeof format.type === "string" && format.type.startsWith("json");
}

/** What the turns of one conversation share: the client's own name for it, else the beginning of what was said. */
function stickyKeyOf(body: JsonObject): string | undefined {
  const named = body.prompt_cache_key ?? body.conversation;
  if (typeof named === "string" && named !== "") return named;
  const turns = body.messages ?? body.input;
  return Array.isArray(turns) && turns.length > 0 ? JSON.stringify(turns.slice(0, 2)) : undefined;
}

/** The text of the last turn of the user, in any of the formats. */
function lastUserText(body: JsonObject): string {
  const turns = body.messages ?? body.input ?? body.prompt;
  if (typeof turns === "string") return turns;
  if (!Array.isArray(turns)) return "";
  const last = turns.findLast((turn: unknown) => isObject(turn) && turn.role === "user");
  return isObject(last) ? textOf(last.content) : "";
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) => (isObject(part) && typeof part.text === "string" ? part.text : "")).join("\n");
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
