export { openApp, type App, type AppOptions, type PluginFailure } from "./app.ts";
export type { LoadedPlugin, Registry } from "./registry.ts";
export { findServer, writeServerFile, type ServerFile } from "./server-file.ts";
export { toolWorkflow } from "./tool-workflow.ts";
export { VERSION } from "./version.ts";
