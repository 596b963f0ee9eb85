import type { Json } from "../json.ts";
import type { Usage } from "../model.ts";
import type { AnswerHead, WireError } from "./codec.ts";
import { fieldsIn } from "./responses-request.ts";
import { isObject, type JsonObject } from "./shape.ts";

/** How far a response is, and what there is of it. */
export type ResponseState =
  | { readonly status: "in_progress" }
  | { readonly status: "completed"; readonly completedAt: number; readonly output: readonly Json[]; readonly usage: Usage }
  | {
      readonly status: "incomplete";
      readonly reason: "max_output_tokens" | "content_filter";
      readonly output: readonly Json[];
      readonly usage: Usage;
    }
  | { readonly status: "failed"; readonly error: WireError; readonly output: readonly Json[] };

type Fields = { readonly [key: string]: Json };

/** Writes one response object again and again, as it grows: what repeats the request is made into text once. */
export class ResponseObject {
  readonly #head: AnswerHead;
  #echo: string | undefined;

  constructor(head: AnswerHead) {
    this.#head = head;
  }

  /** The object as JSON text. */
  text(state: ResponseState): string {
    this.#echo ??= JSON.stringify(echoOf(this.#head.body)).slice(1);
    return `${JSON.stringify({ ...this.#own(state) }).slice(0, -1)},${this.#echo}`;
  }

  value(state: ResponseState): Json {
    return { ...this.#own(state), ...echoOf(this.#head.body) };
  }

  #own(state: ResponseState): Fields {
    const { id, createdAt, model } = this.#head;
    return {
      id: `resp_${id}`,
      object: "response",
      created_at: createdAt,
      status: state.status,
      completed_at: state.status === "completed" ? state.completedAt : null,
      error: state.status === "failed" ? encodeFailure(state.error) : null,
      incomplete_details: state.status === "incomplete" ? { reason: state.reason } : null,
      model,
      output: "output" in state ? state.output : [],
      usage: "usage" in state ? encodeUsage(state.usage) : null,
    };
  }
}

/** What the request said, with what holds where it said nothing; every field is there, as the specification wants. */
function echoOf(body: unknown): Fields {
  const given = isObject(body) ? body : {};
  return {
    background: given.background === true,
    ...conversationOf(given.conversation),
    instructions: or(given.instructions, null),
    max_output_tokens: or(given.max_output_tokens, null),
    max_tool_calls: or(given.max_tool_calls, null),
    metadata: or(given.metadata, {}),
    parallel_tool_calls: or(given.parallel_tool_calls, true),
    presence_penalty: or(given.presence_penalty, 0),
    frequency_penalty: or(given.frequency_penalty, 0),
    previous_response_id: or(given.previous_response_id, null),
    prompt_cache_key: or(given.prompt_cache_key, null),
    prompt_cache_retention: or(given.prompt_cache_retention, null),
    reasoning: { effort: null, summary: null, ...withoutNulls(fieldsIn(given, "reasoning")) },
    safety_identifier: or(given.safety_identifier, null),
    service_tier:
      given.service_tier === undefined || given.service_tier === null || given.service_tier === "auto"
        ? "default"
        : json(given.service_tier),
    store: or(given.store, true),
    temperature: or(given.temperature, 1),
    text: { verbosity: "medium", ...withoutNulls(fieldsIn(given, "text")), format: encodeFormat(fieldsIn(given, "text").format) },
    tool_choice: encodeToolChoice(given.tool_choice),
    tools: Array.isArray(given.tools) ? given.tools.map(encodeTool) : [],
    top_logprobs: or(given.top_logprobs, 0),
    top_p: or(given.top_p, 1),
    truncation: or(given.truncation, "disabled"),
    user: or(given.user, null),
  };
}

function conversationOf(value: unknown): Fields {
  if (value === undefined || value === null) return {};
  return { conversation: typeof value === "string" ? { id: value } : json(value) };
}

function encodeFormat(value: unknown): Json {
  if (!isObject(value)) return { type: "text" };
  if (value.type !== "json_schema") return json(value);
  return { type: "json_schema", name: "answer", description: null, strict: false, ...withoutNulls(value) };
}

function encodeToolChoice(value: unknown): Json {
  if (isObject(value) && value.type === "allowed_tools") return { mode: "auto", ...withoutNulls(value) };
  return or(value, "auto");
}

function encodeTool(value: unknown): Json {
  if (!isObject(value) || value.type !== "function") return json(value);
  return { description: null, parameters: null, strict: null, ...withoutNulls(value) };
}

function withoutNulls(fields: JsonObject): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Fields;
}

/** What came from `JSON.parse` is JSON. */
function json(value: unknown): Json {
  return value as Json;
}

function or(value: unknown, other: Json): Json {
  return value === undefined || value === null ? other : json(value);
}

/** Tokens as this format counts them. */
function encodeUsage(usage: Usage): Json {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cacheReadTokens ?? 0, cache_write_tokens: usage.cacheWriteTokens ?? 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/** `response.error` has OpenAI's few codes, which clients branch on; ours stands in the `error` event. */
function encodeFailure({ code, message }: WireError): Json {
  if (code === "rate_limited") return { code: "rate_limit_exceeded", message };
  return { code: code === "invalid_input" || code === "unsupported" ? "invalid_prompt" : "server_error", message };
}

/** The `type` that OpenAI's clients branch on. */
export function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** The body of an error answer. */
export function encodeResponsesError({ code, message, status, param }: WireError): Json {
  return { error: { message, type: errorType(status), param: param ?? null, code } };
}
