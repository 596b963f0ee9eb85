export type { ActionFacts, RunFacts } from "./decide.ts";
