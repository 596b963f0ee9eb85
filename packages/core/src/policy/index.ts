export { ACTION_KINDS } from "./decide.ts";
export type { Answer } from "../engine.ts";
export type { ApprovedBy, EditedInput } from "../event.ts";
export type { ApprovalCall, CallOptions } from "../workflow.ts";
export type { ActionFacts, ApprovalTerms, RunFacts, ShadowOpinion } from "./decide.ts";
export { maskShapes } from "./redact.ts";
