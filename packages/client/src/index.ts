export { createClient, type Client, type PageQuery } from "./client.ts";
export type { ChatRequest } from "./chat.ts";
export type {
  AgentEntry,
  ChatAnswer,
  ChatPart,
  ChatRoute,
  ModelEntry,
  PluginEntry,
  PluginList,
  Receipt,
  RunDetails,
  RunPage,
  RunQuery,
  RunRequest,
  ServerStatus,
  StartedRun,
  ToolEntry,
  ToolResult,
  Trace,
  TrustPage,
  WorkflowEntry,
} from "./replies.ts";
export type { ClientOptions } from "./transport.ts";
export type { WatchOptions } from "./watch-run.ts";
