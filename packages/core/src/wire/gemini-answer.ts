import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { FinishReason, ModelPart, Usage } from "../model.ts";
import { geminiCitations } from "./gemini-sources.ts";
import { countAt, cutOff, objectsAt, readAnswer, reportedError, strange, textAt, type AnswerState } from "./messages-reader.ts";
import { isObject, type JsonObject } from "./shape.ts";

const CALLS_MAX = 256;

/** Reads an answer of Google's `streamGenerateContent`, or of `generateContent`. */
export function decodeGeminiAnswer(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ModelPart, void, undefined> {
  return readAnswer(chunks, new GeminiAnswer());
}

/** Tokens as Google counts them: thoughts apart from the answer, what tools gave apart from the prompt. */
export function geminiUsage(usage: unknown): Usage {
  const counts = isObject(usage) ? usage : {};
  const cacheReadTokens = countAt(counts.cachedContentTokenCount);
  const reasoningTokens = countAt(counts.thoughtsTokenCount);
  return {
    inputTokens: countAt(counts.promptTokenCount) + countAt(counts.toolUsePromptTokenCount),
    outputTokens: countAt(counts.candidatesTokenCount) + reasoningTokens,
    ...(cacheReadTokens > 0 && { cacheReadTokens }),
    ...(reasoningTokens > 0 && { reasoningTokens }),
  };
}

/** What has arrived of one answer. Every event is a whole response of its own; together they are one. */
class GeminiAnswer implements AnswerState {
  isDone = false;
  #calls = 0;
  /** Everything that was said, which the places of citations are counted in. */
  #text = "";
  #usage: unknown;
  #sources: JsonObject = {};
  #reason: FinishReason | undefined;

  readEvent(event: JsonObject): readonly ModelPart[] {
    if (event.error !== undefined && event.error !== null) throw reportedError(event.error);
    if (isObject(event.usageMetadata)) this.#usage = event.usageMetadata;
    if (isObject(event.promptFeedback) && typeof event.promptFeedback.blockReason === "string") return this.#blocked(event.promptFeedback);
    const [candidate] = objectsAt(event.candidates);
    if (candidate === undefined) return [];
    const pieces = isObject(candidate.content) ? objectsAt(candidate.content.parts) : [];
    const parts = pieces.flatMap((piece) => this.#part(piece, textAt(event.responseId)));
    for (const name of ["groundingMetadata", "citationMetadata"])
      if (isObject(candidate[name])) this.#sources = { ...this.#sources, [name]: candidate[name] };
    return [...parts, ...this.#readStop(candidate)];
  }

  readWhole(answer: JsonObject): readonly ModelPart[] {
    if (answer.candidates === undefined && answer.promptFeedback === undefined && answer.error === undefined)
      throw strange("candidates", answer);
    return [...this.readEvent(answer), ...this.end()];
  }

  end(): readonly ModelPart[] {
    if (this.#reason === undefined) throw cutOff();
    this.isDone = true;
    const citations = geminiCitations(this.#sources, this.#text).map((citation): ModelPart => ({ type: "citation", citation }));
    const reason = this.#reason === "stop" && this.#calls > 0 ? "tool_calls" : this.#reason;
    return [...citations, { type: "finish", reason, usage: geminiUsage(this.#usage) }];
  }

  #part(piece: JsonObject, responseId: string): readonly ModelPart[] {
    const signature = textAt(piece.thoughtSignature);
    if (isObject(piece.functionCall)) return [this.#call(piece.functionCall, { signature, responseId })];
    const signed = signature === "" ? {} : ({ signature, origin: "gemini" } as const);
    if (typeof piece.text === "string" && piece.thought === true)
      return piece.text === "" && signature === "" ? [] : [{ type: "reasoning", text: piece.text, ...signed }];
    const parts = isObject(piece.inlineData) ? mediaPart(piece.inlineData) : this.#said(textAt(piece.text));
    return signature === "" ? parts : [...parts, { type: "reasoning", text: "", ...signed }];
  }

  #said(text: string): readonly ModelPart[] {
    this.#text += text;
    return text === "" ? [] : [{ type: "text", text }];
  }

  #call(call: JsonObject, head: { readonly signature: string; readonly responseId: string }): ModelPart {
    const name = textAt(call.name);
    if (name === "") throw strange("tool calls with names", call);
    if (this.#calls === CALLS_MAX) throw new AppError("upstream", `wanted at most ${CALLS_MAX} tool calls, got more in a model's answer`);
    // Older models give no ids; with the answer's own it is one of a kind in the whole conversation.
    const made = ["call", head.responseId.replaceAll(/[^\w-]/g, ""), String(this.#calls)].filter((word) => word !== "").join("_");
    this.#calls += 1;
    return {
      type: "call",
      call: {
        id: textAt(call.id) || made,
        name,
        input: (isObject(call.args) ? call.args : {}) as Json,
        ...(head.signature !== "" && { signature: head.signature }),
      },
    };
  }

  #blocked(feedback: JsonObject): readonly ModelPart[] {
    this.#reason = "content_filter";
    const text = textAt(feedback.blockReasonMessage);
    return text === "" ? [] : [{ type: "refusal", text }];
  }

  #readStop({ finishReason, finishMessage }: JsonObject): readonly ModelPart[] {
    if (typeof finishReason !== "string") return [];
    if (MISTAKES.has(finishReason)) {
      const message = textAt(finishMessage);
      throw new AppError(
        "upstream",
        `the model stopped with ${finishReason}${message === "" ? "" : ` (${message.slice(0, 200)})`}; try again`,
      );
    }
    this.#reason = FINISH_REASONS.get(finishReason) ?? (FILTERS.test(finishReason) ? "content_filter" : "stop");
    const message = textAt(finishMessage);
    return this.#reason === "content_filter" && message !== "" ? [{ type: "refusal", text: message }] : [];
  }
}

const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ["STOP", "stop"],
  ["MAX_TOKENS", "length"],
  ["CONTINUATION", "length"],
]);
const FILTERS = /SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII/;
/** The model wrote something that Google could not make an answer of; another try may go well. */
const MISTAKES: ReadonlySet<string> = new Set([
  "MALFORMED_FUNCTION_CALL",
  "MALFORMED_RESPONSE",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MISSING_THOUGHT_SIGNATURE",
]);

function mediaPart(blob: JsonObject): readonly ModelPart[] {
  const mediaType = textAt(blob.mimeType);
  const data = textAt(blob.data);
  if (mediaType.startsWith("audio/")) return [{ type: "audio", data, mediaType }];
  return [{ type: "image", media: { data, mediaType } }];
}
