import type { Json } from "../json.ts";
import type { Citation, ContentPart, FinishReason, ModelPart, Reply } from "../model.ts";
import { partsOf, urlOfMedia } from "./chat-content.ts";
import { encodeError } from "./chat-error.ts";
import { encodeCall } from "./chat-messages.ts";
import { encodeThoughts } from "./chat-reasoning.ts";
import { encodeUsage } from "./chat-usage.ts";
import type { StreamEncoder, WireError } from "./codec.ts";

/** What an answer says of itself. `createdAt` is in seconds since 1970, as OpenAI's `created`. */
export interface ChatReplyHead {
  readonly id: string;
  readonly createdAt: number;
  readonly model: string;
}

type Fields = { readonly [field: string]: Json };

/**
 * Writes a streamed answer: give it every part in order, and send the text it returns for each. The text for `finish` ends the stream,
 * with the usage chunk if it was asked for, and `[DONE]`.
 */
export class ChatStreamEncoder implements StreamEncoder {
  /** The beginning of every chunk, as far as it is always the same; writing it once makes chunks cheap. */
  readonly #head: string;
  readonly #includeUsage: boolean;
  #isBegun = false;
  /** How many calls were written whole or are known to be whole, and which came in pieces. */
  #calls = 0;
  readonly #pieced = new Set<number>();

  constructor(head: ChatReplyHead, includeUsage: boolean) {
    const { id, createdAt: created, model } = head;
    this.#head = `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created, model }).slice(0, -1)}`;
    this.#includeUsage = includeUsage;
  }

  push(part: ModelPart): string {
    const text = this.#write(part);
    if (this.#isBegun) return text;
    this.#isBegun = true;
    return this.#delta({ role: "assistant", content: "", refusal: null }) + text;
  }

  fail(error: WireError): string {
    return `data: ${JSON.stringify(encodeError(error))}\n\n`;
  }

  #write(part: ModelPart): string {
    switch (part.type) {
      case "text":
        return this.#delta({ content: part.text });
      case "refusal":
        return this.#delta({ refusal: part.text });
      case "reasoning":
        return this.#delta(encodeThoughts([part]));
      case "citation":
        return this.#delta({ annotations: [encodeCitation(part.citation)] });
      case "audio":
        return this.#delta({ audio: encodeSound(part) });
      case "image":
        return this.#delta({ images: [encodeImage(part)] });
      case "call.delta":
        return this.#callDelta(part);
      case "call":
        this.#calls += 1;
        if (this.#pieced.has(this.#calls - 1)) return this.#signature(part);
        return this.#delta({ tool_calls: [{ index: this.#calls - 1, ...encodeCall(part.call) }] });
      case "finish":
        return this.#finish(part);
    }
  }

  #callDelta({ index, id, name, text }: Extract<ModelPart, { type: "call.delta" }>): string {
    if (this.#pieced.has(index)) return this.#delta({ tool_calls: [{ index, function: { arguments: text } }] });
    this.#pieced.add(index);
    return this.#delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: text } }] });
  }

  /** The rest of a call that was written in pieces is known at its end. */
  #signature({ call }: Extract<ModelPart, { type: "call" }>): string {
    if (call.signature === undefined) return "";
    const google = { thought_signature: call.signature };
    return this.#delta({ tool_calls: [{ index: this.#calls - 1, function: { arguments: "" }, extra_content: { google } }] });
  }

  #finish({ reason, usage, stopSequence }: Extract<ModelPart, { type: "finish" }>): string {
    const end = this.#chunk([choice({ delta: {} }, { reason, stopSequence })], null);
    return `${end}${this.#includeUsage ? this.#chunk([], encodeUsage(usage)) : ""}data: [DONE]\n\n`;
  }

  #delta(fields: Fields): string {
    return this.#chunk([choice({ delta: fields })], null);
  }

  #chunk(choices: Json, usage: Json): string {
    return `${this.#head},"choices":${JSON.stringify(choices)}${this.#includeUsage ? `,"usage":${JSON.stringify(usage)}` : ""}}\n\n`;
  }
}

/** Writes an answer in one piece. */
export function encodeChatCompletion(reply: Reply, head: ChatReplyHead): Json {
  const { calls, finishReason: reason, stopSequence } = reply;
  const message = { ...encodeSaid(partsOf(reply), calls.length > 0), ...(calls.length > 0 && { tool_calls: calls.map(encodeCall) }) };
  return {
    id: head.id,
    object: "chat.completion",
    created: head.createdAt,
    model: head.model,
    choices: [choice({ message }, { reason, stopSequence })],
    usage: encodeUsage(reply.usage),
  };
}

function encodeSaid(parts: readonly ContentPart[], hasCalls: boolean): Fields {
  const all = <T extends ContentPart["type"]>(type: T): readonly Extract<ContentPart, { type: T }>[] =>
    parts.filter((part): part is Extract<ContentPart, { type: T }> => part.type === type);
  const texts = all("text");
  const refusals = all("refusal");
  const images = all("image");
  const audio = all("audio")[0];
  const isSilent = texts.length === 0 && (hasCalls || refusals.length > 0 || audio !== undefined);
  return {
    role: "assistant",
    content: isSilent ? null : texts.map(({ text }) => text).join(""),
    refusal: refusals.length === 0 ? null : refusals.map(({ text }) => text).join(""),
    annotations: texts.flatMap(({ citations = [] }) => citations.map(encodeCitation)),
    ...encodeThoughts(all("reasoning")),
    ...(audio !== undefined && "data" in audio.media && { audio: encodeSound({ ...audio, data: audio.media.data }) }),
    ...(images.length > 0 && { images: images.map(encodeImage) }),
  };
}

interface Ending {
  readonly reason: FinishReason;
  readonly stopSequence?: string | undefined;
}

/** The stop sequence stands where vLLM has it; OpenAI has no place for it. */
function choice(said: Fields, ending?: Ending): Json {
  const { reason = null, stopSequence } = ending ?? {};
  return { index: 0, ...said, logprobs: null, finish_reason: reason, ...(stopSequence !== undefined && { stop_reason: stopSequence }) };
}

function encodeCitation({ url = "", title = "", quote, start = 0, end = 0 }: Citation): Json {
  const citation = { url, title, start_index: start, end_index: end, ...(quote !== undefined && { content: quote }) };
  return { type: "url_citation", url_citation: citation };
}

function encodeImage({ media }: { readonly media: Extract<ContentPart, { type: "image" }>["media"] }): Json {
  return { type: "image_url", image_url: { url: "fileId" in media ? media.fileId : urlOfMedia(media) } };
}

/** How long OpenAI can be asked for a sound again; nobody can ask us, so it is over at once. */
const SOUND_EXPIRES_AT = 0;

function encodeSound({ id, data, transcript }: { readonly id?: string; readonly data: string; readonly transcript?: string }): Json {
  return { ...(id !== undefined && { id }), data, transcript: transcript ?? "", expires_at: SOUND_EXPIRES_AT };
}
