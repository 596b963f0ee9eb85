import { AppError } from "../error.ts";
import type { ModelPart } from "../model.ts";
import { isObject, type JsonObject } from "./shape.ts";
import { SseDecoder, type SseEvent } from "./sse.ts";
import { createUtf8Decoder } from "./utf8.ts";

/** The most characters one event, or an answer that is not a stream, may have. */
const JSON_CHARS_MAX = 32 * 1024 * 1024;
const SHOWN_CHARS_MAX = 200;

/**
 * Finds the JSON objects in an answer as it arrives, in chunks cut anywhere: one in each server-sent event, or one in all when the answer
 * is not a stream. What is neither, or has no bounds, throws `upstream`.
 */
class AnswerReader {
  readonly #decodeUtf8 = createUtf8Decoder();
  readonly #sse = new SseDecoder({ eventCharsMax: JSON_CHARS_MAX });
  #format: "unknown" | "sse" | "json" = "unknown";
  /** Text that no decoder has taken yet. */
  #text = "";

  /** The objects of the events that this chunk completes. */
  push(chunk: Uint8Array | string): readonly JsonObject[] {
    this.#text += this.#decodeUtf8(chunk);
    if (this.#format === "unknown") this.#format = formatOf(this.#text);
    if (this.#format === "sse") return this.#readEvents();
    if (this.#text.length > JSON_CHARS_MAX)
      throw new AppError("upstream", `wanted an answer of at most ${JSON_CHARS_MAX} characters, got a longer one from the model`);
    return [];
  }

  /** What is left when the answer has ended: the whole of it where it was no stream. */
  end(): { readonly whole: JsonObject } | { readonly events: readonly JsonObject[] } {
    if (this.#format === "json") return { whole: parseObject(this.#text) };
    // Some servers leave out the last blank line, and with it the end of the last event.
    this.#text += "\n\n";
    return { events: this.#readEvents() };
  }

  #readEvents(): readonly JsonObject[] {
    const text = this.#text;
    this.#text = "";
    return pushTo(this.#sse, text).flatMap(({ data }) => (data === "[DONE]" ? [] : [parseObject(data)]));
  }
}

/** What one format makes of the objects of an answer. `isDone` once `finish` was handed out. */
export interface AnswerState {
  readonly isDone: boolean;
  readEvent(event: JsonObject): readonly ModelPart[];
  readWhole(answer: JsonObject): readonly ModelPart[];
  /** The stream is over: `finish`, or the error that it was cut off. */
  end(): readonly ModelPart[];
}

/** Reads an answer to its end, and no further. */
export async function* readAnswer(
  chunks: AsyncIterable<Uint8Array | string>,
  state: AnswerState,
): AsyncGenerator<ModelPart, void, undefined> {
  const reader = new AnswerReader();
  for await (const chunk of chunks) {
    for (const event of reader.push(chunk)) yield* state.readEvent(event);
    if (state.isDone) return;
  }
  const rest = reader.end();
  if ("whole" in rest) {
    yield* state.readWhole(rest.whole);
    return;
  }
  for (const event of rest.events) yield* state.readEvent(event);
  if (!state.isDone) yield* state.end();
}

/** The error of an error object in an answer. */
export function reportedError(error: unknown): AppError {
  const { message = error } = isObject(error) ? error : {};
  return new AppError(
    "upstream",
    `the model's provider reported: ${show(typeof message === "string" ? message : JSON.stringify(message))}`,
  );
}

/** A stream that ended before its answer did. */
export function cutOff(): AppError {
  return new AppError("upstream", "wanted a finished answer, got a stream that was cut off; try again");
}

/** Something else than the format has. */
export function strange(wanted: string, got: unknown): AppError {
  return new AppError("upstream", `wanted ${wanted} in a model's answer, got ${show(JSON.stringify(got) ?? "nothing")}`);
}

/** A number of tokens: 0 where a provider says nothing or nonsense. */
export function countAt(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** The text in a field of an answer, which may be missing. */
export function textAt(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The objects of a list in an answer, which may be missing. */
export function objectsAt(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** No line of an event stream that means anything begins with a bracket, so the first character tells, whatever the content type says. */
function formatOf(text: string): "unknown" | "sse" | "json" {
  const first = text.trimStart()[0];
  if (first === undefined) return "unknown";
  return first === "{" || first === "[" ? "json" : "sse";
}

function pushTo(decoder: SseDecoder, text: string): readonly SseEvent[] {
  try {
    return decoder.push(text);
  } catch (error) {
    throw new AppError("upstream", "a model's answer broke its bounds", { cause: error });
  }
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("upstream", `wanted JSON in a model's answer, got ${show(text)}`, { cause: error });
  }
  if (isObject(value)) return value;
  throw strange("a JSON object", value);
}

function show(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
