export type { ActionFacts, ApprovalTerms, RunFacts } from "./decide.ts";
