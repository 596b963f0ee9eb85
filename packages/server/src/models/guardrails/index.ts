export type { GuardConfig } from "./guard-config.ts";
export { Guardrails, type GuardSession } from "./guardrails.ts";
