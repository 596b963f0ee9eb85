export { PluginRunner, type RunnerState } from "./runner.ts";
export type { Asking, PluginServices } from "./run-process.ts";
