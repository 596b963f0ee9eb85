export { isUntrusted, parseInput } from "./effects.ts";
export { ApprovalBook } from "./approvals/approval-book.ts";
export { approveSchema, grantSchema } from "./approvals/given-terms.ts";
export { EmbeddedEngine } from "./embedded/embedded-engine.ts";
export type { EngineParts } from "./effects.ts";
export {
  Events,
  OutgoingWebhooks,
  receiveWebhook,
  startSchema,
  subscriptionSchema,
  taintAttribute,
  type IncomingEndpoint,
  type Publication,
  type Start,
} from "./events/index.ts";
export { WaitingRuns } from "./events/waiting-runs.ts";
export * from "./graph/index.ts";
export { findRestateServer, openRestate } from "./restate/index.ts";
export { derivedId, newRunId } from "./run-id.ts";
export { PREVIEW_MAX, Schedules, type ScheduleView } from "./schedules/schedules.ts";
export { scheduleSchema } from "./schedules/schedule-spec.ts";
export { scheduleWorkflow } from "./schedules/schedule-workflow.ts";
export { DeadLetters } from "./supervisor/dead-letters.ts";
export { deadLetterWorkflow } from "./supervisor/dead-letter-workflow.ts";
export { diskFinding, HealthWatch, worstOf, type Finding } from "./supervisor/health.ts";
export { Supervision, type SupervisedView } from "./supervisor/supervision.ts";
export { supervisorSchema } from "./supervisor/supervisor-input.ts";
export { supervisorWorkflow } from "./supervisor/supervisor-workflow.ts";
