export { FiledPolicies } from "./filed-policies.ts";
export type { PolicyState } from "./policy-source.ts";
