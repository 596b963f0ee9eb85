import { AppError } from "../error.ts";
import type { ModelPart } from "../model.ts";
import { isObject, type JsonObject } from "./shape.ts";
import { SseDecoder, type SseEvent } from "./sse.ts";
import { createUtf8Decoder } from "./utf8.ts";

/** The most characters one event, or an answer that is not a stream, may have. */
const JSON_CHARS_MAX = 16 * 1024 * 1024;
const SHOWN_CHARS_MAX = 200;

/** Reads the JSON of one of OpenAI's formats into parts. */
export interface AnswerReader {
  /** One event of a stream. */
  readChunk(chunk: JsonObject): readonly ModelPart[];
  /** An answer in one piece, with its `finish`. */
  readWhole(answer: JsonObject): readonly ModelPart[];
  /** Set once a reason to finish was given; a stream that ends without one, and without `[DONE]`, was cut off. */
  readonly isFinished: boolean;
  /** The last parts of a stream. */
  finish(): readonly ModelPart[];
}

/**
 * Reads an answer as it arrives, in chunks cut anywhere. It forgives what providers differ in: no `[DONE]`, no last blank line, one JSON
 * answer in place of a stream.
 */
export async function* readAnswer(
  chunks: AsyncIterable<Uint8Array | string>,
  reader: AnswerReader,
): AsyncGenerator<ModelPart, void, undefined> {
  const incoming = new Incoming();
  for await (const chunk of chunks) {
    for (const event of incoming.push(chunk)) {
      if (event === DONE) {
        yield* reader.finish();
        return;
      }
      yield* reader.readChunk(event);
    }
  }
  if (incoming.isWhole) {
    yield* reader.readWhole(incoming.whole());
    return;
  }
  // Some servers leave out the last blank line, and with it the end of the last event.
  for (const event of incoming.push("\n\n"))
    if (event !== DONE) yield* reader.readChunk(event);
    else return yield* reader.finish();
  if (!reader.isFinished) throw new AppError("upstream", "wanted a finished answer, got a stream that was cut off; try again");
  yield* reader.finish();
}

const DONE = Symbol("[DONE]");

/** What has arrived of one answer. */
class Incoming {
  readonly #decodeUtf8 = createUtf8Decoder();
  readonly #sse = new SseDecoder({ eventCharsMax: JSON_CHARS_MAX });
  #format: "unknown" | "sse" | "json" = "unknown";
  /** Text that no decoder has taken yet. */
  #text = "";

  get isWhole(): boolean {
    return this.#format === "json";
  }

  whole(): JsonObject {
    return parseObject(this.#text);
  }

  *push(chunk: Uint8Array | string): Generator<JsonObject | typeof DONE, void, undefined> {
    this.#text += this.#decodeUtf8(chunk);
    if (this.#format === "unknown") this.#format = formatOf(this.#text);
    if (this.#format === "json") {
      if (this.#text.length > JSON_CHARS_MAX)
        throw new AppError("upstream", `wanted an answer of at most ${JSON_CHARS_MAX} characters, got a longer one from the model`);
      return;
    }
    if (this.#format === "unknown") return;
    const text = this.#text;
    this.#text = "";
    for (const event of this.#decode(text)) {
      if (event.data !== "[DONE]") yield readEvent(event);
      else return yield DONE;
    }
  }

  #decode(text: string): readonly SseEvent[] {
    try {
      return this.#sse.push(text);
    } catch (error) {
      throw new AppError("upstream", "a model's answer broke its bounds", { cause: error });
    }
  }
}

function readEvent(event: SseEvent): JsonObject {
  const chunk = parseObject(event.data);
  return event.event === "error" && chunk.error === undefined ? { error: chunk } : chunk;
}

/** No line of an event stream that means anything begins with a brace, so the first character tells, whatever the content type says. */
function formatOf(text: string): "unknown" | "sse" | "json" {
  const first = text.trimStart()[0];
  if (first === undefined) return "unknown";
  return first === "{" ? "json" : "sse";
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw new AppError("upstream", `wanted JSON in a model's answer, got ${shorten(text)}`, { cause: error });
  }
  throw new AppError("upstream", `wanted a JSON object in a model's answer, got ${shorten(text)}`);
}

/** What a provider reported in place of an answer. */
export function reportedError(error: unknown): AppError {
  const message = isObject(error) && typeof error.message === "string" ? error.message : error;
  return new AppError(
    "upstream",
    `the model's provider reported: ${shorten(typeof message === "string" ? message : JSON.stringify(message))}`,
  );
}

/** A text that fits into a message. */
export function shorten(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
