import type { Json } from "../json.ts";
import type { ModelPart, ModelRequest, Reply } from "../model.ts";

/**
 * One wire format in which a chat model is spoken to: OpenAI's chat completions, responses and completions, Anthropic's messages. Every
 * format is read into `ModelRequest` and `ModelPart` and written from them, so that each can be served by a model of each other.
 */
export interface Codec {
  /**
   * Reads a client's request, as `JSON.parse` returned it. What does not fit is `invalid_input`; what fits but asks for something an
   * answer could not honour is `unsupported`; both name the field (`shape.ts`). Hints that nothing stands for are left out.
   */
  decodeRequest(body: unknown): DecodedRequest;
  /** Writes a request for a streamed answer with usage, as the provider wants it. `model` is what the provider calls the model. */
  encodeRequest(model: string, request: ModelRequest): Json;
  /**
   * Reads an answer as it arrives, streamed or whole, in chunks cut anywhere: text at once, tool calls as deltas and then whole, then
   * `finish`. An error object in the stream, what is not the format, and a stream that was cut off throw `upstream`.
   */
  decodeAnswer(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ModelPart, void, undefined>;
  /** Writes an answer in one piece. */
  encodeAnswer(reply: Reply, head: AnswerHead): Json;
  /** Writes a streamed answer. */
  streamEncoder(head: AnswerHead): StreamEncoder;
  /** The body of an error answer in this format. */
  encodeError(error: WireError): Json;
}

/** A client's request. */
export interface DecodedRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly request: ModelRequest;
  /** OpenAI's chat only: whether a streamed answer ends with a chunk that holds the usage. */
  readonly includeUsage?: boolean;
}

/** What an answer says of itself. */
export interface AnswerHead {
  /** Without the format's own prefix ("chatcmpl-", "resp_", "msg_"), which the codec puts before it. */
  readonly id: string;
  /** In seconds since 1970. */
  readonly createdAt: number;
  /** What the client called the model. */
  readonly model: string;
  /** The client's request body, which some formats repeat in the answer. */
  readonly body: unknown;
}

/** Give it every part in order and send the text it returns for each (server-sent events); `finish` ends the stream. */
export interface StreamEncoder {
  push(part: ModelPart): string;
  /** Ends the stream with an error instead. */
  fail(error: WireError): string;
}

/** An error as clients see it: Tutti's code, and the HTTP status it has or would have had. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  /** The field that is wrong, where one is. */
  readonly param?: string;
  /** The request that failed, where its format names it. */
  readonly requestId?: string;
}
