export type { AgentSpec } from "./agent.ts";
export type { Engine, Fork, QueueConfig, QueueStatus, RecordedRun, RecordedStep, Replay, Signal, StartOptions } from "./engine.ts";
export { AppError, type ErrorCode } from "./error.ts";
export {
  statusAfter,
  type Event,
  type EventBody,
  type EventDraft,
  type Outcome,
  type RunStatus,
  type RunUsage,
  type StepKind,
} from "./event.ts";
export { canonicalJson, type Json } from "./json.ts";
export { collect, type Message, type Model, type ModelPart, type ModelRequest, type Reply, type ToolCall, type Usage } from "./model.ts";
export type { Plugin } from "./plugin.ts";
export { decide, enforce, type Action, type Decision, type Policy } from "./policy/decide.ts";
export { redact, redactText } from "./policy/redact.ts";
export type { Principal } from "./principal.ts";
export { hashInput, verifyChain, type ChainVerdict } from "./receipt.ts";
export { parse, type Schema } from "./schema.ts";
export type { BlobRef, RunFilter, RunRecord, Store, Wait, WaitFilter } from "./store.ts";
export type { Tool } from "./tool.ts";
export {
  defineWorkflow,
  type Approval,
  type ApprovalRequest,
  type Branch,
  type RunContext,
  type RunLimits,
  type StepContext,
  type StepOptions,
  type Workflow,
} from "./workflow.ts";
