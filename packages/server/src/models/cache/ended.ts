import type { FinishReason } from "@tutti/core/model";
import { SseDecoder } from "@tutti/core/wire";
import type { Surface } from "../provider.ts";

type JsonObject = { readonly [key: string]: unknown };

/** Providers' words for why an answer ended. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  tool_use: "tool_calls",
  length: "length",
  max_tokens: "length",
  pause_turn: "length",
  model_context_window_exceeded: "length",
  content_filter: "content_filter",
  refusal: "content_filter",
};

/** Answers that have no end of their own: they are whole when they are JSON. */
const WHOLE: ReadonlySet<Surface> = new Set<Surface>(["embeddings", "rerank", "moderations"]);

/** Why an answer ended, one reason a choice. `undefined`: it is not whole, holds an error, or is nothing we can read. */
export function endsOf(surface: Surface, stream: boolean, bytes: Uint8Array): readonly FinishReason[] | undefined {
  try {
    if (!stream) return endsOfObject(surface, JSON.parse(Buffer.from(bytes).toString()));
    return endsOfStream(bytes);
  } catch {
    return undefined;
  }
}

function endsOfObject(surface: Surface, answer: unknown): readonly FinishReason[] | undefined {
  if (!isObject(answer) || (answer["error"] !== undefined && answer["error"] !== null)) return undefined;
  if (WHOLE.has(surface)) return [];
  if (surface === "messages") return known([answer["stop_reason"]]);
  if (surface === "responses") return endsOfResponse(answer);
  const choices: readonly unknown[] = Array.isArray(answer["choices"]) ? answer["choices"] : [];
  return known(choices.map((choice) => (isObject(choice) ? choice["finish_reason"] : undefined)));
}

function endsOfResponse({ status, output }: JsonObject): readonly FinishReason[] | undefined {
  if (status === "incomplete") return ["length"];
  if (status !== "completed") return undefined;
  const items: readonly unknown[] = Array.isArray(output) ? output : [];
  return [items.some((item) => isObject(item) && item["type"] === "function_call") ? "tool_calls" : "stop"];
}

function endsOfStream(bytes: Uint8Array): readonly FinishReason[] | undefined {
  const decoder = new SseDecoder({ eventCharsMax: bytes.length + 1 });
  const reasons: unknown[] = [];
  let isWhole = false;
  let response: readonly FinishReason[] | undefined;
  for (const { data } of decoder.push(bytes)) {
    if (data === "[DONE]") isWhole = true;
    const event: unknown = data === "[DONE]" ? undefined : JSON.parse(data);
    if (!isObject(event)) continue;
    if (event["type"] === "error" || (event["error"] !== undefined && event["error"] !== null)) return undefined;
    if (event["type"] === "message_stop") isWhole = true;
    if (isObject(event["response"])) response = endsOfResponse(event["response"]);
    reasons.push(...reasonsIn(event));
  }
  if (response !== undefined) return response;
  return isWhole ? known(reasons) : undefined;
}

function reasonsIn({ choices, delta }: JsonObject): readonly unknown[] {
  if (isObject(delta) && typeof delta["stop_reason"] === "string") return [delta["stop_reason"]];
  if (!Array.isArray(choices)) return [];
  return choices.flatMap((choice: unknown) => (isObject(choice) ? (choice["finish_reason"] ?? []) : []));
}

function known(reasons: readonly unknown[]): readonly FinishReason[] | undefined {
  const names = reasons.map((reason) => (typeof reason === "string" ? REASONS[reason] : undefined));
  return names.length === 0 || names.includes(undefined) ? undefined : names.filter((name) => name !== undefined);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
