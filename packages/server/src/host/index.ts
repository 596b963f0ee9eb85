export { findRestateServer, newRunId } from "../engine/index.ts";
export { createLogger } from "../telemetry/index.ts";
export { openApp, type App, type AppOptions } from "./app.ts";
export { backUp, checkStore, restore } from "./store-care.ts";
export { findServer, writeServerFile } from "./server-file.ts";
export type { Door } from "./doors/index.ts";
export { CONVERSATION_CHARACTERS_MAX, toolWorkflow } from "./tool-workflow.ts";
export { VERSION } from "./version.ts";
export { runOf, type Attempted, type GatewayAsk, type GatewayCall, type Try } from "./gateway/index.ts";
export { checkRouterPolicy, readRouterPolicy, readShadow, ROUTE_WORKFLOW, type RouteOutput } from "./routing/index.ts";
export { providersOf, unservedTargets } from "./providers.ts";
export { discoverAt, type Provider } from "../models/index.ts";
export { isUnderWay } from "./batches/index.ts";
export type { AskBatchLine, Batch, BatchAnswer, BatchAsk, BatchEndpoint } from "./batches/index.ts";
export type { RegisteredTool } from "./tool-shelf.ts";
export { examineSandboxes, openSandboxFor, type SandboxExamination } from "./code-sandbox.ts";
export { requireInside } from "./plugins.ts";
export { panelSchema } from "./panels/index.ts";
export { installPlugin, newPlugin, pluginsDirOf } from "./plugin-folder/index.ts";
export { SavedGraphs, type SavedGraph } from "./graphs/index.ts";
export { CODER_WORKFLOW } from "./coder/index.ts";
export {
  differenceOf,
  policyJsonSchema,
  problemText,
  findPolicy,
  readPolicyFiles,
  requirePolicy,
  recordedDecision,
  replayDecisions,
  replayWith,
  shadowDifferences,
  wholeAction,
  type PolicyReading,
  type PolicyState,
  type ToolPolicy,
} from "./policy/index.ts";
export { importRequestSchema } from "./tool-imports.ts";
export type { Preview } from "./policies-in-force.ts";
export { workspaceWarning } from "./own-paths.ts";
export { workflowInput } from "./workflow-tools.ts";
