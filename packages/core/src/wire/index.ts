export {
  decodeSpeechRequest,
  decodeTranscript,
  decodeTranscriptFields,
  encodeSpeechDelta,
  encodeSpeechDone,
  encodeTranscript,
  encodeTranscriptDelta,
  encodeTranscriptDone,
  needsTimes,
  type SpeechCall,
  type TranscriptCall,
} from "./audio.ts";
export { decodeChatAnswer } from "./chat-answer.ts";
export { chatCodec } from "./chat-codec.ts";
export { encodeChatRequest } from "./chat-request.ts";
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
export { completionsCodec } from "./completions.ts";
export type { AnswerHead, Codec, DecodedRequest, StreamEncoder, WireError } from "./codec.ts";
export {
  decodeEmbeddings,
  decodeEmbeddingsRequest,
  encodeEmbeddings,
  shortenVector,
  type EmbeddingsCall,
  type Vector,
} from "./embeddings.ts";
export { decodeEventFilter, EVERYTHING, matchesFilter, patternFilter, type EventFilter } from "./event-filter.ts";
export { decodeImages, decodeImagesRequest, encodeImageEvents, encodeImages, type ImagesCall } from "./images.ts";
export {
  COUNTED_APPROVALS_MAX,
  type LiveFrames,
  type LiveLogFilter,
  type LiveNews,
  type LiveOverview,
  type LiveReply,
  type LiveRequest,
  type LiveRunsFilter,
  type LiveTopic,
} from "./live.ts";
export { NO_USAGE, usageOfMedia, type MeteredUsage } from "./media-usage.ts";
export { decodeRanking, decodeRerankRequest, encodeRanking, type RerankCall } from "./rerank.ts";
export { decodeGeminiAnswer, geminiUsage } from "./gemini-answer.ts";
export { encodeGeminiRequest } from "./gemini-request.ts";
export { decodeCountRequest, encodeCount } from "./messages-request.ts";
export { holdsSeal } from "./messages-seal.ts";
export { messagesTraits, type MessagesTraits } from "./messages-traits.ts";
export { encodeMessagesRequest, messagesCodec } from "./messages.ts";
export { sealSummary } from "./responses-secrets.ts";
export { responsesCodec } from "./responses.ts";
export { encodeSse, SseDecoder } from "./sse.ts";
export { ABILITIES, SURFACES, type Ability, type Surface } from "./surface.ts";
export {
  decodeOllamaRequest,
  encodeOllamaLoaded,
  encodeOllamaPart,
  encodeOllamaReply,
  type OllamaCall,
  type OllamaForm,
  type OllamaHead,
} from "./ollama.ts";
