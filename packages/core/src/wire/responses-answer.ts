import { AppError, type ErrorCode } from "../error.ts";
import type { FinishReason, ModelPart, ToolCall, Usage } from "../model.ts";
import { thoughtText } from "./responses-input.ts";
import { citationOf } from "./responses-media.ts";
import { isObject, parseArguments, type JsonObject } from "./shape.ts";
import { SseDecoder } from "./sse.ts";
import { createUtf8Decoder } from "./utf8.ts";

/** The most characters one event, or an answer that is not a stream, may have. */
const JSON_CHARS_MAX = 16 * 1024 * 1024;
/** The most items one answer may hold, and the most characters of arguments that are not whole yet. */
const ITEMS_MAX = 1_024;
const ARGUMENTS_CHARS_MAX = 4 * 1024 * 1024;
const SHOWN_CHARS_MAX = 200;

/** Reads the answer to a request that `encodeResponsesRequest` wrote, streamed or whole. */
export async function* decodeResponsesAnswer(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ModelPart, void, undefined> {
  const decodeUtf8 = createUtf8Decoder();
  const sse = new SseDecoder({ eventCharsMax: JSON_CHARS_MAX });
  const answer = new ResponseReader();
  let whole: string | undefined;
  let isBegun = false;
  for await (const chunk of chunks) {
    const text = decodeUtf8(chunk);
    // No line of an event stream that means anything begins with a brace.
    if (!isBegun && text.trimStart() !== "") {
      isBegun = true;
      if (text.trimStart().startsWith("{")) whole = "";
    }
    if (whole === undefined) {
      yield* readEvents(answer, sse, text);
      if (answer.isDone) return;
      continue;
    }
    whole += text;
    if (whole.length > JSON_CHARS_MAX)
      throw new AppError("upstream", `wanted an answer of at most ${JSON_CHARS_MAX} characters, got a longer one from the model`);
  }
  if (whole !== undefined) yield* answer.readWhole(parseObject(whole));
  // Some servers leave out the last blank line, and with it the end of the last event.
  else yield* readEvents(answer, sse, "\n\n");
  if (!answer.isDone) throw new AppError("upstream", "wanted a finished answer, got a stream that was cut off; try again");
}

function* readEvents(answer: ResponseReader, sse: SseDecoder, text: string): Generator<ModelPart, void, undefined> {
  for (const event of pushTo(sse, text)) {
    if (event.data === "[DONE]" || answer.isDone) return;
    yield* answer.read(parseObject(event.data));
  }
}

interface Begun {
  readonly index: number;
  readonly callId: string;
  readonly name: string;
}

/** What is known of one answer. */
class ResponseReader {
  isDone = false;
  /** Items of which something was handed out already, by id. */
  readonly #told = new Set<string>();
  readonly #calls = new Map<string, Begun>();
  #chars = 0;
  #hasCalls = false;

  *read(event: JsonObject): Generator<ModelPart, void, undefined> {
    const id = textIn(event, "item_id");
    const delta = textIn(event, "delta");
    switch (event.type) {
      case "response.output_text.delta":
        if (delta !== "") yield this.#tell(id, { type: "text", text: delta });
        return;
      case "response.refusal.delta":
        if (delta !== "") yield this.#tell(id, { type: "refusal", text: delta });
        return;
      case "response.output_text.annotation.added":
        yield* citations([event.annotation]);
        return;
      case "response.reasoning_summary_part.added":
        if (typeof event.summary_index === "number" && event.summary_index > 0)
          yield this.#tell(id, { type: "reasoning", text: "\n\n", id });
        return;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
      case "response.reasoning.delta":
        if (delta !== "") yield this.#tell(id, { type: "reasoning", text: delta, id });
        return;
      case "response.output_item.added":
        this.#begin(event.item);
        return;
      case "response.function_call_arguments.delta":
        yield* this.#argue(id, delta);
        return;
      case "response.output_item.done":
        if (isObject(event.item)) yield* this.#readItem(event.item);
        return;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled":
        if (isObject(event.response)) yield* this.#end(event.response, this.#told.size === 0);
        return;
      case "error":
        throw failure(isObject(event.error) ? event.error : event);
    }
  }

  *readWhole(answer: JsonObject): Generator<ModelPart, void, undefined> {
    if (answer.object !== "response" && isObject(answer.error)) throw failure(answer.error);
    if (answer.object !== "response") throw new AppError("upstream", `wanted a response, got ${show(JSON.stringify(answer))}`);
    yield* this.#end(answer, true);
  }

  #tell(id: string, part: ModelPart): ModelPart {
    if (this.#told.size >= ITEMS_MAX) throw new AppError("upstream", `wanted at most ${ITEMS_MAX} items, got more in a model's answer`);
    this.#told.add(id);
    return part;
  }

  #begin(item: unknown): void {
    if (!isObject(item) || item.type !== "function_call") return;
    if (this.#calls.size >= ITEMS_MAX)
      throw new AppError("upstream", `wanted at most ${ITEMS_MAX} tool calls, got more in a model's answer`);
    this.#calls.set(textIn(item, "id"), { index: this.#calls.size, callId: textIn(item, "call_id"), name: textIn(item, "name") });
  }

  *#argue(id: string, text: string): Generator<ModelPart, void, undefined> {
    const call = this.#calls.get(id);
    if (call === undefined || text === "") return;
    this.#chars += text.length;
    if (this.#chars > ARGUMENTS_CHARS_MAX)
      throw new AppError("upstream", `wanted tool calls of at most ${ARGUMENTS_CHARS_MAX} characters, got more in a model's answer`);
    yield { type: "call.delta", index: call.index, id: call.callId, name: call.name, text };
  }

  /** A whole item: what was streamed of it already is not told again. */
  *#readItem(item: JsonObject): Generator<ModelPart, void, undefined> {
    const id = textIn(item, "id");
    const isTold = this.#told.has(id);
    switch (item.type) {
      case "message":
        if (!isTold) yield* this.#readMessage(item, id);
        return;
      case "reasoning":
        yield* this.#readReasoning(item, { id, isTold });
        return;
      case "function_call":
        yield this.#call(item, parseArguments(textIn(item, "arguments")));
        return;
      case "custom_tool_call":
        yield this.#call(item, { input: textIn(item, "input") });
        return;
      case "image_generation_call":
        if (typeof item.result === "string") yield this.#tell(id, { type: "image", media: { data: item.result, mediaType: "image/png" } });
    }
  }

  #call(item: JsonObject, input: ToolCall["input"]): ModelPart {
    this.#hasCalls = true;
    const name = textIn(item, "name");
    if (name === "") throw new AppError("upstream", "wanted tool calls with names, got none in a model's answer");
    return this.#tell(textIn(item, "id"), { type: "call", call: { id: textIn(item, "call_id"), name, input } });
  }

  *#readMessage(item: JsonObject, id: string): Generator<ModelPart, void, undefined> {
    const parts: readonly unknown[] = Array.isArray(item.content) ? item.content : [];
    for (const part of parts.filter(isObject)) {
      if (part.type === "refusal") yield this.#tell(id, { type: "refusal", text: textIn(part, "refusal") });
      else yield this.#tell(id, { type: "text", text: textIn(part, "text") });
      yield* citations(Array.isArray(part.annotations) ? part.annotations : []);
    }
  }

  *#readReasoning(
    item: JsonObject,
    { id, isTold }: { readonly id: string; readonly isTold: boolean },
  ): Generator<ModelPart, void, undefined> {
    const text = isTold ? "" : thoughtText(item.summary) || thoughtText(item.content);
    const secret = textIn(item, "encrypted_content");
    if (secret === "" && text === "") return;
    const signature = secret === "" ? {} : ({ signature: secret, origin: "openai" } as const);
    const isRedacted = text === "" && !isTold && ({ isRedacted: true } as const);
    yield this.#tell(id, { type: "reasoning", text, id, ...signature, ...isRedacted });
  }

  *#end(response: JsonObject, isUnread: boolean): Generator<ModelPart, void, undefined> {
    if (response.status === "failed" || response.status === "cancelled") throw failure(isObject(response.error) ? response.error : {});
    const output: readonly unknown[] = isUnread && Array.isArray(response.output) ? response.output : [];
    for (const item of output.filter(isObject)) yield* this.#readItem(item);
    this.isDone = true;
    yield { type: "finish", reason: this.#reason(response), usage: usageOf(response.usage) };
  }

  #reason(response: JsonObject): FinishReason {
    if (response.status !== "incomplete") return this.#hasCalls ? "tool_calls" : "stop";
    return isObject(response.incomplete_details) && response.incomplete_details.reason === "content_filter" ? "content_filter" : "length";
  }
}

function* citations(notes: readonly unknown[]): Generator<ModelPart, void, undefined> {
  for (const note of notes)
    if (isObject(note) && typeof note.url === "string") yield { type: "citation", citation: citationOf(note, note.url) };
}

function usageOf(value: unknown): Usage {
  const usage = isObject(value) ? value : {};
  const input = isObject(usage.input_tokens_details) ? usage.input_tokens_details : {};
  const output = isObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
  return {
    inputTokens: count(usage.input_tokens),
    outputTokens: count(usage.output_tokens),
    ...(count(input.cached_tokens) > 0 && { cacheReadTokens: count(input.cached_tokens) }),
    ...(count(input.cache_write_tokens) > 0 && { cacheWriteTokens: count(input.cache_write_tokens) }),
    ...(count(output.reasoning_tokens) > 0 && { reasoningTokens: count(output.reasoning_tokens) }),
  };
}

/** Which of a provider's codes are more than a failure of its own. */
const CODES: ReadonlyMap<unknown, ErrorCode> = new Map([
  ["rate_limit_exceeded", "rate_limited"],
  ["invalid_prompt", "invalid_input"],
  ["context_length_exceeded", "too_large"],
]);

function failure(error: JsonObject): AppError {
  const message = typeof error.message === "string" ? show(error.message) : "no message";
  return new AppError(CODES.get(error.code) ?? "upstream", `the model's provider reported: ${message}`);
}

function pushTo(decoder: SseDecoder, text: string): ReturnType<SseDecoder["push"]> {
  try {
    return decoder.push(text);
  } catch (error) {
    throw new AppError("upstream", "a model's answer broke its bounds", { cause: error });
  }
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw new AppError("upstream", `wanted JSON in a model's answer, got ${show(text)}`, { cause: error });
  }
  throw new AppError("upstream", `wanted a JSON object in a model's answer, got ${show(text)}`);
}

function textIn(fields: JsonObject, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function show(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
