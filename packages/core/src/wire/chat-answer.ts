import type { Citation, FinishReason, ModelPart, Usage } from "../model.ts";
import { CallAssembly } from "./call-assembly.ts";
import { mediaOfUrl } from "./chat-content.ts";
import { decodeThoughts } from "./chat-reasoning.ts";
import { readAnswer, reportedError, shorten, type AnswerReader } from "./chat-stream.ts";
import { decodeUsage } from "./chat-usage.ts";
import { AppError } from "../error.ts";
import { isObject, type JsonObject } from "./shape.ts";

/**
 * Reads the answer to a chat completion request as it arrives, streamed or whole, in chunks cut anywhere: text at once, tool calls as
 * deltas and when they are whole, then `finish`. It forgives what providers differ in: usage missing or in any chunk, thoughts, pictures
 * and sources under several names. An error object in the stream, what is not the format, and a stream that was cut off throw `upstream`.
 */
export function decodeChatAnswer(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ModelPart, void, undefined> {
  return readAnswer(chunks, new ChatReader());
}

/** What is known of one answer. */
class ChatReader implements AnswerReader {
  readonly #calls = new CallAssembly();
  #usage: Usage = { inputTokens: 0, outputTokens: 0 };
  #reason: FinishReason | undefined;
  #stopSequence: string | undefined;
  #audio: { readonly mediaType: string; readonly id?: string } | undefined;
  /** Sources that came beside the answer and not in it. */
  #sources: readonly Citation[] = [];
  #hasCitations = false;

  get isFinished(): boolean {
    return this.#reason !== undefined;
  }

  readChunk(chunk: JsonObject): readonly ModelPart[] {
    const choice = this.#readCommon(chunk);
    if (!isObject(choice?.delta)) return [];
    const { delta } = choice;
    // Nearly every chunk is a piece of text and nothing else.
    if (typeof delta.content === "string" && delta.content !== "" && Object.keys(delta).length === 1)
      return [{ type: "text", text: delta.content }];
    const parts = this.#readMessage(delta);
    for (const call of listOf(delta.tool_calls)) {
      const piece = this.#calls.add(call);
      if (piece !== undefined) parts.push(piece);
    }
    return parts;
  }

  readWhole(answer: JsonObject): readonly ModelPart[] {
    const choice = this.#readCommon(answer);
    if (!isObject(choice?.message)) throw new AppError("upstream", `wanted a chat completion, got ${shorten(JSON.stringify(answer))}`);
    const parts = this.#readMessage(choice.message);
    for (const call of listOf(choice.message.tool_calls)) this.#calls.add(call);
    return [...parts, ...this.#calls.whole().map((call): ModelPart => ({ type: "call", call })), ...this.#end()];
  }

  finish(): readonly ModelPart[] {
    return [...this.#calls.ending(), ...this.#end()];
  }

  /** Takes what chunks and whole answers share, and returns the first choice. */
  #readCommon(answer: JsonObject): JsonObject | undefined {
    if (answer.error !== undefined && answer.error !== null) throw reportedError(answer.error);
    // Groq keeps the usage of a stream here.
    const usage = answer.usage ?? (isObject(answer.x_groq) ? answer.x_groq.usage : undefined);
    if (isObject(usage)) this.#usage = decodeUsage(usage);
    const sources = decodeSources(answer);
    if (sources.length > 0) this.#sources = sources;
    const choice = listOf(answer.choices)
      .filter(isObject)
      .find(({ index }) => typeof index !== "number" || index === 0);
    if (choice !== undefined) this.#readEnd(choice);
    return choice;
  }

  #readEnd(choice: JsonObject): void {
    const { finish_reason: reason, stop_reason: stopReason } = choice;
    if (isObject(choice.error)) throw reportedError(choice.error);
    if (typeof reason === "string" && reason !== "") {
      if (FAILURES.has(reason)) throw reportedError(`the answer ended with "${reason}"`);
      this.#reason = FINISH_REASONS.get(reason) ?? "stop";
    }
    // vLLM says which of the stop sequences it met; a number is a token.
    if (typeof stopReason === "string") this.#stopSequence = stopReason;
  }

  #readMessage(message: JsonObject): ModelPart[] {
    const parts: ModelPart[] = [...decodeThoughts(message)];
    readContent(message.content, parts);
    for (const annotation of listOf(message.annotations)) {
      const citation = decodeAnnotation(annotation);
      if (citation === undefined) continue;
      this.#hasCitations = true;
      parts.push({ type: "citation", citation });
    }
    if (typeof message.refusal === "string" && message.refusal !== "") parts.push({ type: "refusal", text: message.refusal });
    if (isObject(message.audio)) this.#readAudio(message.audio, parts);
    for (const image of listOf(message.images)) {
      const url = isObject(image) && isObject(image.image_url) ? image.image_url.url : undefined;
      if (typeof url === "string") parts.push({ type: "image", media: mediaOfUrl(url) });
    }
    return parts;
  }

  #readAudio(audio: JsonObject, parts: ModelPart[]): void {
    const data = typeof audio.data === "string" ? audio.data : "";
    const transcript = typeof audio.transcript === "string" ? audio.transcript : "";
    const id = typeof audio.id === "string" ? { id: audio.id } : undefined;
    this.#audio ??= { mediaType: soundTypeOf(data), ...id };
    if (data === "" && transcript === "") return;
    parts.push({ type: "audio", data, ...this.#audio, ...(transcript !== "" && { transcript }) });
  }

  #end(): readonly ModelPart[] {
    const reason = this.#reason ?? (this.#calls.isEmpty ? "stop" : "tool_calls");
    const sources = this.#hasCitations ? [] : this.#sources;
    return [
      ...sources.map((citation): ModelPart => ({ type: "citation", citation })),
      { type: "finish", reason, usage: this.#usage, ...(this.#stopSequence !== undefined && { stopSequence: this.#stopSequence }) },
    ];
  }
}

/** Providers have names of their own for an ordinary end; whatever is not listed counts as "stop". */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", "stop"],
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "length"],
  ["tool_calls", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "content_filter"],
]);

/** Ends that are none: OpenRouter's and Mistral's, and DeepSeek's. */
const FAILURES: ReadonlySet<string> = new Set(["error", "insufficient_system_resource"]);

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Text, or an array of parts: text and, at Mistral, thoughts. */
function readContent(content: unknown, parts: ModelPart[]): void {
  if (typeof content === "string") {
    if (content !== "") parts.push({ type: "text", text: content });
    return;
  }
  for (const part of listOf(content)) {
    if (!isObject(part)) continue;
    if (typeof part.text === "string" && part.text !== "") parts.push({ type: "text", text: part.text });
    for (const piece of listOf(part.thinking))
      if (isObject(piece) && typeof piece.text === "string" && piece.text !== "") parts.push({ type: "reasoning", text: piece.text });
  }
}

function decodeAnnotation(value: unknown): Citation | undefined {
  if (!isObject(value) || !isObject(value.url_citation)) return undefined;
  const { url, title, content, start_index: start, end_index: end } = value.url_citation;
  return {
    ...(typeof url === "string" && { url }),
    ...(typeof title === "string" && { title }),
    ...(typeof content === "string" && { quote: content }),
    ...(typeof start === "number" && { start }),
    ...(typeof end === "number" && { end }),
  };
}

/** Perplexity and xAI list their sources beside the choices. */
function decodeSources({ search_results: results, citations }: JsonObject): readonly Citation[] {
  const found = listOf(results)
    .filter(isObject)
    .flatMap(({ url, title }): readonly Citation[] =>
      typeof url === "string" ? [{ url, ...(typeof title === "string" && { title }) }] : [],
    );
  if (found.length > 0) return found;
  return listOf(citations).flatMap((url): readonly Citation[] => (typeof url === "string" ? [{ url }] : []));
}

/** The answer does not say what its sound is in, but the formats begin differently; here as base64 has it. */
const SOUND_TYPES: readonly (readonly [beginning: RegExp, mediaType: string])[] = [
  [/^UklGR/, "audio/wav"],
  [/^ZkxhQ/, "audio/flac"],
  [/^T2dnU/, "audio/opus"],
  // An ID3 tag, or a frame of MPEG's layer III.
  [/^(?:SUQz|\/\/[I-Po-v])/, "audio/mpeg"],
  // An ADTS frame.
  [/^\/\/[E-Hk-n]/, "audio/aac"],
];

/** Raw samples begin with anything. */
function soundTypeOf(data: string): string {
  return SOUND_TYPES.find(([beginning]) => beginning.test(data))?.[1] ?? "audio/pcm";
}
