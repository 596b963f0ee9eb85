import { decodeChatAnswer } from "./chat-answer.ts";
import { encodeError } from "./chat-error.ts";
import { ChatStreamEncoder, encodeChatCompletion, type ChatReplyHead } from "./chat-reply.ts";
import { decodeChatRequest, encodeChatRequest, includesUsage } from "./chat-request.ts";
import type { AnswerHead, Codec } from "./codec.ts";
import { isObject } from "./shape.ts";

/** OpenAI's chat completions. */
export const chatCodec: Codec = {
  decodeRequest: decodeChatRequest,
  encodeRequest: (model, request) => encodeChatRequest(model, request),
  decodeAnswer: decodeChatAnswer,
  encodeAnswer: (reply, head) => encodeChatCompletion(reply, named(head)),
  streamEncoder: (head) => new ChatStreamEncoder(named(head), isObject(head.body) && includesUsage(head.body)),
  encodeError,
};

function named({ id, createdAt, model }: AnswerHead): ChatReplyHead {
  return { id: `chatcmpl-${id}`, createdAt, model };
}
