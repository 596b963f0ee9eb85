import { AppError } from "./error.ts";
import type { Json } from "./json.ts";

/** A model answers as a stream; the whole answer is the stream, collected. */
export interface Model {
  readonly id: string;
  generate(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/**
 * What a model is asked, in words that every provider's format can be translated from and to. What a provider cannot do is refused
 * (`unsupported`) when the answer would be another one without it, and left out when it is a hint.
 */
export interface ModelRequest {
  readonly messages: readonly Message[];
  /** The tools it may call. */
  readonly tools?: readonly ToolSpec[];
  /** Left out: "auto". A name: this tool, and no other. */
  readonly toolChoice?: "auto" | "none" | "required" | { readonly name: string };
  /** `false`: at most one tool call in an answer. */
  readonly parallelCalls?: boolean;
  /** Left out: text. */
  readonly format?: OutputFormat;
  /** The answer is spoken too: by this voice, in this format ("wav", "mp3", "flac", "opus", "pcm16"). */
  readonly speech?: { readonly voice: string; readonly format: string };
  readonly outputTokensMax?: number;
  readonly sampling?: Sampling;
  readonly reasoning?: Reasoning;
  /** Whom the answer is for, in the client's words; providers watch abuse by it. */
  readonly user?: string;
}

/** What an answer has to be: any JSON, or JSON that fits a schema. */
export type OutputFormat =
  | { readonly type: "json" }
  | { readonly type: "schema"; readonly name: string; readonly schema: Json; readonly strict?: boolean; readonly description?: string };

/** How the next token is drawn. Ranges are the providers' own. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly stop?: readonly string[];
}

/** How much a model thinks before it answers: by OpenAI's word or Anthropic's number of tokens, and whether it shows what it thought. */
export interface Reasoning {
  readonly effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
  readonly tokensMax?: number;
  readonly isShown?: boolean;
}

/** A tool as a model sees it; `parameters` is JSON Schema. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly parameters: Json;
  /** The model must keep to the schema exactly. */
  readonly strict?: boolean;
}

/**
 * One turn of a conversation. `content` is its text; `parts` is there when it holds more than text, and then it is all of it, in order.
 * `calls` are tool calls an assistant asks for; `callId` names the call a tool turn answers, `isError` says that the call failed.
 */
export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly parts?: readonly ContentPart[];
  readonly calls?: readonly ToolCall[];
  readonly callId?: string;
  readonly isError?: true;
}

/** A piece of a turn. */
export type ContentPart =
  | { readonly type: "text"; readonly text: string; readonly citations?: readonly Citation[] }
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "image"; readonly media: Media; readonly detail?: "auto" | "low" | "high" }
  | { readonly type: "audio"; readonly media: Media; readonly transcript?: string }
  | { readonly type: "file"; readonly media: Media; readonly name?: string }
  | ReasoningPart;

/**
 * What a model thought. `signature` is what its provider wants back unchanged with the next turn (Anthropic's `signature` or redacted
 * `data`, OpenAI's `encrypted_content`, Gemini's `thoughtSignature`); `origin` is the kind of provider that can read it, and others are
 * sent the turn without this part. `isRedacted`: there is nothing to show.
 */
export interface ReasoningPart {
  readonly type: "reasoning";
  readonly text: string;
  readonly id?: string;
  readonly signature?: string;
  readonly origin?: "openai" | "anthropic" | "gemini";
  readonly isRedacted?: true;
}

/** Bytes of an image, a sound or a file: here (base64), elsewhere, or already with the provider. */
export type Media =
  | { readonly data: string; readonly mediaType: string }
  | { readonly url: string; readonly mediaType?: string }
  | { readonly fileId: string };

/** Where a statement comes from. `start` and `end` are characters of the answer's text, `end` not among them. */
export interface Citation {
  readonly url?: string;
  readonly title?: string;
  readonly quote?: string;
  readonly start?: number;
  readonly end?: number;
}

/** A tool call as the model wrote it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
  /** What Gemini wants back with the call. */
  readonly signature?: string;
}

/**
 * One piece of an answer, in order of arrival. `finish` comes last, once. `call` is a whole tool call; where the provider streams its
 * arguments, `call.delta` pieces of it came before (`index` counts calls from 0; `id` and `name` are in each), for whoever passes them on.
 */
export type ModelPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "citation"; readonly citation: Citation }
  /** Pieces with the same `id` are one thought; its signature comes with the last of them. */
  | ReasoningPart
  | { readonly type: "audio"; readonly data: string; readonly mediaType: string; readonly transcript?: string; readonly id?: string }
  | { readonly type: "image"; readonly media: Media }
  | { readonly type: "call.delta"; readonly index: number; readonly id: string; readonly name: string; readonly text: string }
  | { readonly type: "call"; readonly call: ToolCall }
  | { readonly type: "finish"; readonly reason: FinishReason; readonly usage: Usage; readonly stopSequence?: string };

/** Why a model stopped; the names are OpenAI's. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/**
 * Tokens as the provider counted them; 0 where it did not say. `inputTokens` holds those read from or written to the provider's cache,
 * `outputTokens` those of its reasoning.
 */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

/** A whole answer. */
export interface Reply extends Message {
  readonly role: "assistant";
  readonly calls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly stopSequence?: string;
}

/** The stream in one piece. A stream that ends without `finish` was cut off: `upstream`. */
export async function collect(parts: AsyncIterable<ModelPart>): Promise<Reply> {
  const calls: ToolCall[] = [];
  const pieces: ContentPart[] = [];
  for await (const part of parts) {
    if (part.type === "finish") return replyOf(pieces, calls, part);
    if (part.type === "call") calls.push(part.call);
    else if (part.type !== "call.delta") addPiece(pieces, part);
  }
  const { length } = textOf(pieces);
  throw new AppError("upstream", `wanted a finished answer, got a stream that ended after ${length} characters; try again`);
}

type Finish = Extract<ModelPart, { type: "finish" }>;
type Piece = Exclude<ModelPart, { type: "finish" | "call" | "call.delta" }>;

function replyOf(pieces: readonly ContentPart[], calls: readonly ToolCall[], finish: Finish): Reply {
  const isPlain = pieces.every((piece) => piece.type === "text" && piece.citations === undefined);
  return {
    role: "assistant",
    content: textOf(pieces),
    ...(!isPlain && { parts: pieces }),
    calls,
    finishReason: finish.reason,
    usage: finish.usage,
    ...(finish.stopSequence !== undefined && { stopSequence: finish.stopSequence }),
  };
}

function textOf(pieces: readonly ContentPart[]): string {
  return pieces.map((piece) => (piece.type === "text" || piece.type === "refusal" ? piece.text : "")).join("");
}

/** Joins a piece to the last one where both are of one kind. */
function addPiece(pieces: ContentPart[], piece: Piece): void {
  const last = pieces.at(-1);
  const joined = last === undefined ? undefined : join(last, piece);
  if (joined !== undefined) pieces[pieces.length - 1] = joined;
  else if (piece.type === "audio")
    pieces.push({
      type: "audio",
      media: { data: piece.data, mediaType: piece.mediaType },
      ...(piece.transcript !== undefined && { transcript: piece.transcript }),
    });
  else if (piece.type === "citation") pieces.push({ type: "text", text: "", citations: [piece.citation] });
  else pieces.push(piece);
}

function join(last: ContentPart, piece: Piece): ContentPart | undefined {
  switch (piece.type) {
    case "citation":
      return last.type === "text" ? { ...last, citations: [...(last.citations ?? []), piece.citation] } : undefined;
    case "reasoning":
      return last.type === "reasoning" && isSameThought(last, piece) ? { ...last, ...piece, text: last.text + piece.text } : undefined;
    case "audio":
      return last.type === "audio" && "data" in last.media ? joinAudio(last, last.media, piece) : undefined;
    case "text":
    case "refusal":
      return last.type === piece.type ? { ...last, text: last.text + piece.text } : undefined;
    case "image":
      return undefined;
  }
}

function isSameThought(last: ReasoningPart, piece: ReasoningPart): boolean {
  return last.signature === undefined && last.isRedacted === undefined && piece.isRedacted === undefined && last.id === piece.id;
}

/** Providers cut base64 at multiples of four characters, so the pieces are one text. */
function joinAudio(
  last: Extract<ContentPart, { type: "audio" }>,
  media: { readonly data: string; readonly mediaType: string },
  piece: Extract<Piece, { type: "audio" }>,
): ContentPart {
  const transcript = (last.transcript ?? "") + (piece.transcript ?? "");
  return { ...last, media: { ...media, data: media.data + piece.data }, ...(transcript !== "" && { transcript }) };
}
