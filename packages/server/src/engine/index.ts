export type { EngineParts } from "./effects.ts";
export { EmbeddedEngine } from "./embedded/embedded-engine.ts";
export { newRunId } from "./run-id.ts";
