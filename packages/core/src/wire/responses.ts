import type { Codec } from "./codec.ts";
import { decodeResponsesAnswer } from "./responses-answer.ts";
import { encodeResponsesRequest } from "./responses-encode.ts";
import { encodeResponse, responsesStreamEncoder } from "./responses-events.ts";
import { encodeResponsesError } from "./responses-object.ts";
import { decodeResponsesRequest } from "./responses-request.ts";

/**
 * OpenAI's Responses format (OpenAPI description 2.3.0), which Open Responses 2026-04-24 is a part of. Keeping responses, and what
 * `previous_response_id` stands for, is the server's; here a request is whole.
 */
export const responsesCodec: Codec = {
  decodeRequest: decodeResponsesRequest,
  encodeRequest: encodeResponsesRequest,
  decodeAnswer: decodeResponsesAnswer,
  encodeAnswer: encodeResponse,
  streamEncoder: responsesStreamEncoder,
  encodeError: encodeResponsesError,
};
