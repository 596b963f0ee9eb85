export { findRestateServer } from "../engine/index.ts";
export { createLogger } from "../telemetry/index.ts";
export { openApp, type App, type AppOptions } from "./app.ts";
export { backUp, checkStore, restore } from "./store-care.ts";
export { findServer, writeServerFile } from "./server-file.ts";
export { toolWorkflow } from "./tool-workflow.ts";
export { VERSION } from "./version.ts";
