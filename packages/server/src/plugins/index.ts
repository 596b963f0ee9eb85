export { MESSAGE_BYTES_MAX } from "./protocol.ts";
export { PluginRunner, type RunnerState } from "./runner.ts";
export type { PluginServices, ProcessSpec } from "./run-process.ts";
