export type { GuardAction, GuardConfig, GuardFinding, GuardPlace, TopicRules } from "./guard-config.ts";
export { Guardrails, type GuardedCall, type GuardSession } from "./guardrails.ts";
export type { AskAgain } from "./guarded-schema.ts";
