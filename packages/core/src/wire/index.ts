export { decodeChatAnswer } from "./chat-answer.ts";
export { chatChunkEncoder, encodeChatCompletion } from "./chat-reply.ts";
export { decodeChatRequest, encodeChatRequest } from "./chat-request.ts";
export { encodeSse, SseDecoder } from "./sse.ts";
export {
  attributeOf,
  CLOUD_EVENT_BATCH_TYPE,
  CLOUD_EVENT_TYPE,
  decodeBinaryEvent,
  decodeCloudEvent,
  decodeCloudEvents,
  encodeBinaryEvent,
  isJsonType,
  type CloudEvent,
  type EventData,
} from "./cloud-event.ts";
export { decodeEventFilter, EVERYTHING, matchesFilter, patternFilter, type EventFilter } from "./event-filter.ts";
