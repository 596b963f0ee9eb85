export type { AgentRoute, AgentSpec } from "./agent.ts";
export type { Engine, RecordedRun, RecordedStep, Replay, StartOptions } from "./engine.ts";
export { AppError, type ErrorCode } from "./error.ts";
export { statusAfter, type Event, type EventBody, type EventDraft, type Outcome, type RunStatus, type StepKind } from "./event.ts";
export { canonicalJson, type Json } from "./json.ts";
export {
  collect,
  type FinishReason,
  type Message,
  type Model,
  type ModelPart,
  type ModelRequest,
  type Reply,
  type ToolCall,
  type ToolSpec,
  type Usage,
} from "./model.ts";
export type { Plugin } from "./plugin.ts";
export { decide, enforce, type Action, type Decision, type Policy } from "./policy/decide.ts";
export { redact, redactText } from "./policy/redact.ts";
export type { Principal } from "./principal.ts";
export { GENESIS_HASH, hashInput, verifyChain, type ChainVerdict } from "./receipt.ts";
export { backoffMs, type BackoffOptions } from "./resilience/backoff.ts";
export { CircuitBreaker } from "./resilience/circuit-breaker.ts";
export { TokenBucket } from "./resilience/token-bucket.ts";
export { parse, type Schema } from "./schema.ts";
export type { BlobRef, RunFilter, RunRecord, Store, StoreHealth } from "./store.ts";
export type { Tool, ToolCallContext } from "./tool.ts";
export { defineWorkflow, type Branch, type RunContext, type StepContext, type StepOptions, type Workflow } from "./workflow.ts";
export { decodeChatAnswer } from "./wire/chat-answer.ts";
export { chatChunkEncoder, encodeChatCompletion } from "./wire/chat-reply.ts";
export { decodeChatRequest, encodeChatRequest } from "./wire/chat-request.ts";
export { encodeSse, SseDecoder } from "./wire/sse.ts";
