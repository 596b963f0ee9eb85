export { differenceOf } from "./difference.ts";
export { FiledPolicies } from "./filed-policies.ts";
export { findPolicy, policyPlaces, readPolicyFiles, type PolicyState } from "./policy-source.ts";
export { anyNamePattern, type NamePattern } from "./name-pattern.ts";
export { problemText, requirePolicy, type PolicyReading } from "./read-policy.ts";
export { recordedDecision, wholeAction } from "./recorded-decisions.ts";
export { replayDecisions, replayWith, shadowDifferences } from "./replay-policy.ts";
export { policyJsonSchema } from "./rule-schema.ts";
export type { ToolPolicy } from "./tool-policy.ts";
