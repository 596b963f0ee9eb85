export type { GuardConfig } from "./guard-config.ts";
export { Guardrails, type GuardSession } from "./guardrails.ts";
export { MARK_NOTE } from "./injection.ts";
export { resultForModel, type ResultRules } from "./tool-result.ts";
