import { AppError } from "../error.ts";
import type { FinishReason, ModelPart, Usage } from "../model.ts";
import { CallAssembly } from "./call-assembly.ts";
import { isObject, type JsonObject } from "./shape.ts";
import { SseDecoder } from "./sse.ts";
import { createUtf8Decoder } from "./utf8.ts";

/** The most characters one event, or an answer that is not a stream, may have. */
const JSON_CHARS_MAX = 16 * 1024 * 1024;
const SHOWN_CHARS_MAX = 200;

/**
 * Reads the answer to a chat completion request as it arrives, in chunks cut anywhere: text at once, tool calls when they are whole, then
 * `finish`. It forgives what providers differ in: usage missing or in any chunk, no `[DONE]`, one JSON answer in place of a stream. An
 * error object in the stream, what is not the format, and a stream that was cut off throw `upstream`.
 */
export async function* decodeChatAnswer(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ModelPart, void, undefined> {
  const answer = new ChatAnswer();
  for await (const chunk of chunks) {
    yield* answer.push(chunk);
    if (answer.isDone) return;
  }
  yield* answer.end();
}

/** What has arrived of one answer. */
class ChatAnswer {
  /** Set once `finish` was handed out. */
  isDone = false;
  readonly #decodeUtf8 = createUtf8Decoder();
  readonly #sse = new SseDecoder({ eventCharsMax: JSON_CHARS_MAX });
  readonly #calls = new CallAssembly();
  #format: "unknown" | "sse" | "json" = "unknown";
  /** Text that no decoder has taken yet. */
  #text = "";
  #usage: Usage = { inputTokens: 0, outputTokens: 0 };
  #reason: FinishReason | undefined;

  *push(chunk: Uint8Array | string): Generator<ModelPart, void, undefined> {
    this.#text += this.#decodeUtf8(chunk);
    if (this.#format === "unknown") this.#format = formatOf(this.#text);
    if (this.#format === "sse") yield* this.#readEvents();
    else if (this.#text.length > JSON_CHARS_MAX)
      throw new AppError("upstream", `wanted an answer of at most ${JSON_CHARS_MAX} characters, got a longer one from the model`);
  }

  *end(): Generator<ModelPart, void, undefined> {
    if (this.#format === "json") {
      yield* this.#readWhole(parseObject(this.#text));
      return;
    }
    // Some servers leave out the last blank line, and with it the end of the last event.
    this.#text += "\n\n";
    yield* this.#readEvents();
    if (this.isDone) return;
    if (this.#reason === undefined) throw new AppError("upstream", "wanted a finished answer, got a stream that was cut off; try again");
    yield* this.#finish(this.#reason);
  }

  *#readEvents(): Generator<ModelPart, void, undefined> {
    const text = this.#text;
    this.#text = "";
    for (const event of pushTo(this.#sse, text)) {
      if (event.data === "[DONE]") {
        yield* this.#finish(this.#reason);
        return;
      }
      yield* this.#readChunk(parseObject(event.data));
    }
  }

  #readChunk(chunk: JsonObject): readonly ModelPart[] {
    const choice = this.#readCommon(chunk);
    if (!isObject(choice?.delta)) return [];
    return this.#readMessage(choice.delta);
  }

  #readWhole(answer: JsonObject): readonly ModelPart[] {
    const choice = this.#readCommon(answer);
    if (!isObject(choice?.message)) throw new AppError("upstream", `wanted a chat completion, got ${show(JSON.stringify(answer))}`);
    return [...this.#readMessage(choice.message), ...this.#finish(this.#reason)];
  }

  /** Takes what chunks and whole answers share, and returns the first choice. */
  #readCommon(answer: JsonObject): JsonObject | undefined {
    if (answer.error !== undefined && answer.error !== null)
      throw new AppError("upstream", `the model's provider reported: ${errorText(answer.error)}`);
    if (isObject(answer.usage))
      this.#usage = { inputTokens: count(answer.usage.prompt_tokens), outputTokens: count(answer.usage.completion_tokens) };
    const choices: readonly unknown[] = Array.isArray(answer.choices) ? answer.choices : [];
    const choice = choices.filter(isObject).find(({ index }) => typeof index !== "number" || index === 0);
    if (typeof choice?.finish_reason === "string") this.#reason = FINISH_REASONS.get(choice.finish_reason) ?? "stop";
    return choice;
  }

  #readMessage(message: JsonObject): readonly ModelPart[] {
    const calls: readonly unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
    for (const call of calls) this.#calls.add(call);
    const text = contentText(message.content) + contentText(message.refusal);
    return text === "" ? [] : [{ type: "text", text }];
  }

  #finish(reported: FinishReason | undefined): readonly ModelPart[] {
    this.isDone = true;
    const reason = reported ?? (this.#calls.isEmpty ? "stop" : "tool_calls");
    return [...this.#calls.whole().map((call): ModelPart => ({ type: "call", call })), { type: "finish", reason, usage: this.#usage }];
  }
}

/** Providers have names of their own for an ordinary end; whatever is not listed counts as "stop". */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", "stop"],
  ["length", "length"],
  ["tool_calls", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "content_filter"],
]);

/** No line of an event stream that means anything begins with a brace, so the first character tells, whatever the content type says. */
function formatOf(text: string): "unknown" | "sse" | "json" {
  const first = text.trimStart()[0];
  if (first === undefined) return "unknown";
  return first === "{" ? "json" : "sse";
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

/** Text, or the text of an array of parts, which some providers send. */
function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) => (isObject(part) && typeof part.text === "string" ? part.text : "")).join("");
}

function errorText(error: unknown): string {
  if (typeof error === "string") return show(error);
  if (isObject(error) && typeof error.message === "string") return show(error.message);
  return show(JSON.stringify(error));
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function show(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
