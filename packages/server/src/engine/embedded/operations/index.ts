export { factsOf } from "./facts.ts";
export { emit, record } from "./records.ts";
export { cancel, join, send, spawn, startChild } from "./runs.ts";
export { callTool } from "./tools.ts";
export { generate, step, undo } from "./tried.ts";
export { approve, sleep, waitFor } from "./waits.ts";
export type { OtherRuns, RunOutcome, Workbench } from "./workbench.ts";
