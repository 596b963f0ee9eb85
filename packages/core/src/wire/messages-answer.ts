import { AppError } from "../error.ts";
import type { Citation, FinishReason, ModelPart, Usage } from "../model.ts";
import { countAt, cutOff, objectsAt, readAnswer, reportedError, strange, textAt, type AnswerState } from "./messages-reader.ts";
import { hiddenThought, openCall, openThought } from "./messages-seal.ts";
import { isObject, parseArguments, type JsonObject } from "./shape.ts";

/** The most blocks one answer may hold, and the most characters the arguments of its tool calls may have together. */
const BLOCKS_MAX = 4_096;
const ARGUMENT_CHARS_MAX = 4 * 1024 * 1024;

/** Reads an answer of Anthropic's `POST /v1/messages`, streamed or whole. */
export function decodeMessagesAnswer(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ModelPart, void, undefined> {
  return readAnswer(chunks, new MessagesAnswer());
}

/** A block that has begun and has not ended. */
type OpenBlock =
  | { readonly type: "text"; readonly start: number; readonly citations: JsonObject[] }
  | { readonly type: "thinking" }
  | { readonly type: "call"; readonly index: number; readonly id: string; readonly name: string; text: string }
  /** What Anthropic's servers do for the model is theirs; what comes of it stands in the text. */
  | { readonly type: "other" };

/** What has arrived of one answer. */
class MessagesAnswer implements AnswerState {
  isDone = false;
  readonly #open = new Map<unknown, OpenBlock>();
  /** What another Tutti was given with calls, and other providers want back. */
  readonly #signatures = new Map<string, string>();
  #blocks = 0;
  #calls = 0;
  #argumentChars = 0;
  #textChars = 0;
  #usage: JsonObject = {};
  #reason: FinishReason | undefined;
  #stopSequence: string | undefined;

  readEvent(event: JsonObject): readonly ModelPart[] {
    switch (event.type) {
      case "message_start":
        if (isObject(event.message)) this.#addUsage(event.message.usage);
        return [];
      case "content_block_start":
        return isObject(event.content_block) ? this.#begin(event.index, event.content_block) : [];
      case "content_block_delta":
        return isObject(event.delta) ? this.#delta(this.#open.get(event.index), event.delta) : [];
      case "content_block_stop":
        return this.#stop(event.index);
      case "message_delta":
        this.#addUsage(event.usage);
        return isObject(event.delta) ? this.#readStop(event.delta) : [];
      case "message_stop":
        return this.end();
      default:
        // Pings, and events that are newer than this.
        if (event.error !== undefined && event.error !== null) throw reportedError(event.error);
        return [];
    }
  }

  readWhole(answer: JsonObject): readonly ModelPart[] {
    if (answer.error !== undefined && answer.error !== null) throw reportedError(answer.error);
    if (!Array.isArray(answer.content)) throw strange("a message", answer);
    this.#addUsage(answer.usage);
    const parts = objectsAt(answer.content).flatMap((block, index) => [...this.#begin(index, block), ...this.#stop(index)]);
    return [...parts, ...this.#readStop(answer), ...this.end()];
  }

  end(): readonly ModelPart[] {
    if (this.#reason === undefined) throw cutOff();
    this.isDone = true;
    const parts = [...this.#open.keys()].flatMap((index) => this.#stop(index));
    const usage = usageOf(this.#usage);
    const stopSequence = this.#stopSequence !== undefined && { stopSequence: this.#stopSequence };
    return [...parts, { type: "finish", reason: this.#reason, usage, ...stopSequence }];
  }

  #begin(index: unknown, block: JsonObject): readonly ModelPart[] {
    this.#blocks += 1;
    if (this.#blocks > BLOCKS_MAX) throw new AppError("upstream", `wanted at most ${BLOCKS_MAX} blocks, got more in a model's answer`);
    switch (block.type) {
      case "text": {
        this.#open.set(index, { type: "text", start: this.#textChars, citations: [...objectsAt(block.citations)] });
        return this.#text(textAt(block.text));
      }
      case "thinking":
        this.#open.set(index, { type: "thinking" });
        return [...thought(textAt(block.thinking)), ...signature(textAt(block.signature))];
      case "redacted_thinking":
        this.#open.set(index, { type: "other" });
        return this.#hidden(textAt(block.data));
      case "tool_use":
        return this.#beginCall(index, block);
      default:
        this.#open.set(index, { type: "other" });
        return [];
    }
  }

  #hidden(data: string): readonly ModelPart[] {
    const sealed = openCall(data);
    if (sealed === undefined) return hiddenThought(data);
    this.#signatures.set(sealed.callId, sealed.signature);
    return [];
  }

  #beginCall(index: unknown, block: JsonObject): readonly ModelPart[] {
    const name = textAt(block.name);
    if (name === "") throw strange("tool calls with names", block);
    const call: OpenBlock = { type: "call", index: this.#calls, id: textAt(block.id) || `call_${this.#calls}`, name, text: "" };
    this.#calls += 1;
    this.#open.set(index, call);
    const { input } = block;
    const isWhole = input !== undefined && input !== null && !(isObject(input) && Object.keys(input).length === 0);
    return isWhole ? this.#arguments(call, JSON.stringify(input)) : [];
  }

  #delta(block: OpenBlock | undefined, delta: JsonObject): readonly ModelPart[] {
    switch (delta.type) {
      case "text_delta":
        return this.#text(textAt(delta.text));
      case "thinking_delta":
        return thought(textAt(delta.thinking));
      case "signature_delta":
        return signature(textAt(delta.signature));
      case "input_json_delta":
        return block?.type === "call" ? this.#arguments(block, textAt(delta.partial_json)) : [];
      case "citations_delta":
        if (block?.type === "text" && isObject(delta.citation)) block.citations.push(delta.citation);
        return [];
      default:
        return [];
    }
  }

  #text(text: string): readonly ModelPart[] {
    this.#textChars += text.length;
    return text === "" ? [] : [{ type: "text", text }];
  }

  #arguments(call: Extract<OpenBlock, { type: "call" }>, text: string): readonly ModelPart[] {
    if (text === "") return [];
    this.#argumentChars += text.length;
    if (this.#argumentChars > ARGUMENT_CHARS_MAX)
      throw new AppError("upstream", `wanted tool calls of at most ${ARGUMENT_CHARS_MAX} characters, got more in a model's answer`);
    call.text += text;
    return [{ type: "call.delta", index: call.index, id: call.id, name: call.name, text }];
  }

  #stop(index: unknown): readonly ModelPart[] {
    const block = this.#open.get(index);
    this.#open.delete(index);
    if (block?.type === "text") return block.citations.map((item) => citationPart(item, { start: block.start, end: this.#textChars }));
    if (block?.type !== "call") return [];
    // A call without arguments has no deltas; for who passes them on, it has one.
    const deltas = block.text.trim() === "" ? this.#arguments(block, "{}") : [];
    const signed = this.#signatures.get(block.id);
    const call = { id: block.id, name: block.name, input: parseArguments(block.text), ...(signed !== undefined && { signature: signed }) };
    return [...deltas, { type: "call", call }];
  }

  #addUsage(usage: unknown): void {
    // The counts of later events are totals, and leave out or null what has not changed.
    if (isObject(usage))
      this.#usage = { ...this.#usage, ...Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null)) };
  }

  #readStop({ stop_reason: reason, stop_sequence: sequence, stop_details: details }: JsonObject): readonly ModelPart[] {
    if (typeof reason !== "string") return [];
    this.#reason = FINISH_REASONS.get(reason) ?? "stop";
    if (typeof sequence === "string") this.#stopSequence = sequence;
    const explanation = isObject(details) ? textAt(details.explanation) : "";
    return reason === "refusal" && explanation !== "" ? [{ type: "refusal", text: explanation }] : [];
  }
}

/** Whatever is not listed, as "pause_turn" of the servers' own tools, counts as "stop". */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["tool_use", "tool_calls"],
  ["refusal", "content_filter"],
]);

function thought(text: string): readonly ModelPart[] {
  return text === "" ? [] : [{ type: "reasoning", text }];
}

/** The id that a thought of OpenAI's had would set its signature apart from what it says, which came before. */
function signature(text: string): readonly ModelPart[] {
  const { signature: signed, origin } = openThought(text);
  if (signed === undefined) return [];
  return [{ type: "reasoning", text: "", signature: signed, ...(origin !== undefined && { origin }) }];
}

/** Where in the document a statement comes from is known by its number only; its title, its address and its words are kept. */
function citationPart(item: JsonObject, place: { readonly start: number; readonly end: number }): ModelPart {
  const url = textAt(item.url) || textAt(item.source);
  const title = textAt(item.title) || textAt(item.document_title);
  const quote = textAt(item.cited_text);
  const citation: Citation = { ...(url !== "" && { url }), ...(title !== "" && { title }), ...(quote !== "" && { quote }), ...place };
  return { type: "citation", citation };
}

/** Anthropic counts what was read from and written to its cache apart from the rest of the input. */
function usageOf(usage: JsonObject): Usage {
  const cacheReadTokens = countAt(usage.cache_read_input_tokens);
  const cacheWriteTokens = countAt(usage.cache_creation_input_tokens);
  const reasoningTokens = isObject(usage.output_tokens_details) ? countAt(usage.output_tokens_details.thinking_tokens) : 0;
  return {
    inputTokens: countAt(usage.input_tokens) + cacheReadTokens + cacheWriteTokens,
    outputTokens: countAt(usage.output_tokens),
    ...(cacheReadTokens > 0 && { cacheReadTokens }),
    ...(cacheWriteTokens > 0 && { cacheWriteTokens }),
    ...(reasoningTokens > 0 && { reasoningTokens }),
  };
}
