export { PluginRunner, type RunnerState } from "./runner.ts";
export type { PluginServices } from "./run-process.ts";
export { findWall, gapsOf } from "./wall.ts";
