export type { GuardConfig, GuardFinding } from "./guard-config.ts";
export { Guardrails, type GuardSession } from "./guardrails.ts";
