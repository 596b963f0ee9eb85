import type { Codec } from "./codec.ts";
import { decodeMessagesAnswer } from "./messages-answer.ts";
import { encodeMessagesRequest } from "./messages-prompt.ts";
import { encodeMessagesAnswer, encodeMessagesError } from "./messages-reply.ts";
import { decodeMessagesRequest } from "./messages-request.ts";
import { messagesStreamEncoder } from "./messages-stream.ts";

export { encodeMessagesRequest } from "./messages-prompt.ts";

/** Anthropic's `POST /v1/messages`. */
export const messagesCodec: Codec = {
  decodeRequest: decodeMessagesRequest,
  encodeRequest: (model, request) => encodeMessagesRequest(model, request),
  decodeAnswer: decodeMessagesAnswer,
  encodeAnswer: encodeMessagesAnswer,
  streamEncoder: messagesStreamEncoder,
  encodeError: encodeMessagesError,
};
