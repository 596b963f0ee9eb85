import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { FinishReason, Message, ModelPart, ModelRequest, Reply, Usage } from "../model.ts";
import { encodeError } from "./chat-error.ts";
import { decodeSampling, encodeSampling, refuseDraws } from "./chat-sampling.ts";
import { readAnswer, reportedError, shorten, type AnswerReader } from "./chat-stream.ts";
import { includesUsage } from "./chat-request.ts";
import { decodeUsage, encodeUsage } from "./chat-usage.ts";
import type { AnswerHead, Codec, DecodedRequest, StreamEncoder, WireError } from "./codec.ts";
import { flagAt, isObject, misfit, objectAt, optionalCountAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** OpenAI's older completions: a text goes in, and what follows it comes out. For a model that chats, the prompt is a turn of the user's. */
export const completionsCodec: Codec = {
  decodeRequest,
  encodeRequest,
  decodeAnswer: (chunks) => readAnswer(chunks, new CompletionReader()),
  encodeAnswer,
  streamEncoder: (head) => new CompletionEncoder(head),
  encodeError,
};

function decodeRequest(body: unknown): DecodedRequest {
  const fields = objectAt(body, "body");
  refuseWhatCannotBeHonoured(fields);
  const prompt = decodePrompt(fields.prompt);
  const outputTokensMax = optionalCountAt(fields.max_tokens, "max_tokens");
  const sampling = decodeSampling(fields);
  return {
    model: stringAt(fields.model, "model"),
    stream: flagAt(fields.stream, "stream"),
    includeUsage: includesUsage(fields),
    request: {
      messages: [{ role: "user", content: prompt }],
      ...(outputTokensMax !== undefined && { outputTokensMax }),
      ...(sampling !== undefined && { sampling }),
      ...(typeof fields.user === "string" && { user: fields.user }),
    },
  };
}

function refuseWhatCannotBeHonoured(fields: JsonObject): void {
  refuseDraws(fields);
  const { suffix, best_of: bestOf, logprobs } = fields;
  if (flagAt(fields.echo, "echo")) throw unsupported("echo", "false", true);
  if (suffix !== undefined && suffix !== null && suffix !== "") throw unsupported("suffix", "none", suffix);
  if (bestOf !== undefined && bestOf !== null && bestOf !== 1) throw unsupported("best_of", "1", bestOf);
  if (logprobs !== undefined && logprobs !== null) throw unsupported("logprobs", "none", logprobs);
}

function decodePrompt(prompt: unknown): string {
  if (typeof prompt === "string") return prompt;
  if (!Array.isArray(prompt)) throw misfit("prompt", "a string", prompt);
  const [first] = prompt as readonly unknown[];
  if (prompt.length === 0) throw misfit("prompt", "a string, or an array of one", prompt);
  if (typeof first === "number" || Array.isArray(first)) throw unsupported("prompt", "text: tokens have other numbers elsewhere", prompt);
  if (prompt.length > 1) throw unsupported("prompt", "one prompt", prompt);
  return stringAt(first, "prompt[0]");
}

function encodeRequest(model: string, request: ModelRequest): Json {
  const { outputTokensMax, sampling, user } = request;
  if ((request.tools ?? []).length > 0) throw cannotCarry("tools");
  if (request.format !== undefined) throw cannotCarry("response_format");
  if (request.speech !== undefined) throw cannotCarry("modalities");
  return {
    model,
    prompt: encodePrompt(request.messages),
    ...(outputTokensMax !== undefined && { max_tokens: outputTokensMax }),
    ...(sampling !== undefined && encodeSampling(sampling)),
    ...(user !== undefined && { user }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** One turn of the user's is the text itself. A conversation would need the model's own template, which nobody here knows. */
function encodePrompt(messages: readonly Message[]): string {
  const [only] = messages;
  if (messages.length !== 1 || only?.role !== "user" || only.parts !== undefined) throw cannotCarry("messages");
  return only.content;
}

function cannotCarry(field: string): AppError {
  return unsupported(field, "one text of the user's for a model that only completes texts", "more");
}

class CompletionReader implements AnswerReader {
  #usage: Usage = { inputTokens: 0, outputTokens: 0 };
  #reason: FinishReason | undefined;

  get isFinished(): boolean {
    return this.#reason !== undefined;
  }

  readChunk(chunk: JsonObject): readonly ModelPart[] {
    if (chunk.error !== undefined && chunk.error !== null) throw reportedError(chunk.error);
    if (isObject(chunk.usage)) this.#usage = decodeUsage(chunk.usage);
    const choices: readonly unknown[] = Array.isArray(chunk.choices) ? chunk.choices : [];
    const choice = choices.filter(isObject).find(({ index }) => typeof index !== "number" || index === 0);
    const reason = choice?.finish_reason;
    if (typeof reason === "string" && reason !== "") this.#reason = FINISH_REASONS.get(reason) ?? "stop";
    return typeof choice?.text === "string" && choice.text !== "" ? [{ type: "text", text: choice.text }] : [];
  }

  readWhole(answer: JsonObject): readonly ModelPart[] {
    const parts = this.readChunk(answer);
    if (!Array.isArray(answer.choices)) throw new AppError("upstream", `wanted a completion, got ${shorten(JSON.stringify(answer))}`);
    return [...parts, ...this.finish()];
  }

  finish(): readonly ModelPart[] {
    return [{ type: "finish", reason: this.#reason ?? "stop", usage: this.#usage }];
  }
}

const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", "stop"],
  ["length", "length"],
  ["content_filter", "content_filter"],
]);

/** Completions know three ends; a model that was given no tools calls none. */
function reasonOf(reason: FinishReason): FinishReason {
  return reason === "tool_calls" ? "stop" : reason;
}

function encodeAnswer(reply: Reply, head: AnswerHead): Json {
  const choices = [choice(reply.content, reasonOf(reply.finishReason))];
  return { ...headOf(head), choices, usage: encodeUsage(reply.usage) };
}

function headOf({ id, createdAt, model }: AnswerHead): { readonly [field: string]: Json } {
  return { id: `cmpl-${id}`, object: "text_completion", created: createdAt, model };
}

function choice(text: string, reason: FinishReason | null): Json {
  return { text, index: 0, logprobs: null, finish_reason: reason };
}

/** Writes a streamed answer. Only text has a place in it: what a model thought, and where it knows it from, stays behind. */
class CompletionEncoder implements StreamEncoder {
  readonly #head: { readonly [field: string]: Json };
  readonly #includeUsage: boolean;

  constructor(head: AnswerHead) {
    this.#head = headOf(head);
    this.#includeUsage = isObject(head.body) && includesUsage(head.body);
  }

  push(part: ModelPart): string {
    if (part.type === "text" || part.type === "refusal") return this.#chunk([choice(part.text, null)], null);
    if (part.type !== "finish") return "";
    const end = this.#chunk([choice("", reasonOf(part.reason))], null);
    return `${end}${this.#includeUsage ? this.#chunk([], encodeUsage(part.usage)) : ""}data: [DONE]\n\n`;
  }

  fail(error: WireError): string {
    return `data: ${JSON.stringify(encodeError(error))}\n\n`;
  }

  #chunk(choices: Json, usage: Json): string {
    return `data: ${JSON.stringify({ ...this.#head, choices, ...(this.#includeUsage && { usage }) })}\n\n`;
  }
}
