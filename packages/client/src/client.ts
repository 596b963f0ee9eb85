import type { ChainVerdict, Event, Json, Replay } from "@tutti/core";
import { anyCalls, type AnyCalls } from "./any-call.ts";
import { approvalCalls, type ApprovalCalls } from "./approvals.ts";
import { streamChat, type ChatRequest } from "./chat.ts";
import type {
  AgentEntry,
  ChatPart,
  EventPage,
  ModelEntry,
  PluginEntry,
  PluginList,
  Receipt,
  RunDetails,
  RunRequest,
  ServerStatus,
  StartedRun,
  ToolEntry,
  ToolResult,
  Trace,
  TrustPage,
  WorkflowEntry,
} from "./replies.ts";
import { eventCalls, type EventCalls } from "./events.ts";
import { graphCalls, type GraphCalls } from "./graphs.ts";
import { insightCalls, type InsightCalls } from "./insight.ts";
import { cacheCalls, type CacheCalls } from "./cache.ts";
import { processHealthCalls, type ProcessHealthCalls } from "./process-health.ts";
import { rankCalls, type RankCalls } from "./rank.ts";
import { routingCalls, type RoutingCalls } from "./routing.ts";
import { keyCalls, type KeyCalls } from "./keys.ts";
import { mcpServerCalls, type McpServerCalls } from "./mcp-servers.ts";
import { modelCalls, type ModelCalls } from "./models.ts";
import { panelCalls, type PanelCalls } from "./panels.ts";
import { pluginCalls, type PluginCalls } from "./plugins.ts";
import { policyCalls, type PolicyCalls } from "./policy.ts";
import { runListCalls, type RunListCalls } from "./run-lists.ts";
import { savedGraphCalls, type SavedGraphCalls } from "./saved-graphs.ts";
import { scheduleCalls, type ScheduleCalls } from "./schedules.ts";
import { sessionCalls, type SessionCalls } from "./sessions.ts";
import { settingCalls, type SettingCalls } from "./settings.ts";
import { steeringCalls, type SteeringCalls } from "./steering.ts";
import { supervisionCalls, type SupervisionCalls } from "./supervision.ts";
import { toolCalls, type ToolCalls } from "./tools.ts";
import { voiceCalls, type VoiceCalls } from "./voice.ts";
import { Transport, type ClientOptions } from "./transport.ts";
import { watchRun, type WatchOptions } from "./watch-run.ts";

/** Everything the HTTP API offers, typed. Errors are `AppError`s with the server's code; every call is bounded in time. */
export interface Client
  extends
    AnyCalls,
    ApprovalCalls,
    CacheCalls,
    RoutingCalls,
    EventCalls,
    GraphCalls,
    InsightCalls,
    KeyCalls,
    McpServerCalls,
    ModelCalls,
    PanelCalls,
    PluginCalls,
    PolicyCalls,
    ProcessHealthCalls,
    RankCalls,
    RunListCalls,
    SavedGraphCalls,
    ScheduleCalls,
    SessionCalls,
    SettingCalls,
    SteeringCalls,
    SupervisionCalls,
    ToolCalls,
    VoiceCalls {
  status(signal?: AbortSignal): Promise<ServerStatus>;
  startRun(request: RunRequest, signal?: AbortSignal): Promise<StartedRun>;
  run(runId: string, signal?: AbortSignal): Promise<RunDetails>;
  cancelRun(runId: string, reason: string, signal?: AbortSignal): Promise<Pick<StartedRun, "run">>;
  signalRun(
    runId: string,
    message: { readonly name: string; readonly value: Json },
    signal?: AbortSignal,
  ): Promise<Pick<StartedRun, "run">>;
  replayRun(runId: string, signal?: AbortSignal): Promise<Replay>;
  events(runId: string, page?: PageQuery, signal?: AbortSignal): Promise<readonly Event[]>;
  /** All events of a run until it has ended, each once and in order, also when the connection breaks. */
  watchRun(options: WatchOptions, signal?: AbortSignal): AsyncIterable<Event>;
  receipt(runId: string, options?: { readonly full?: boolean }, signal?: AbortSignal): Promise<Receipt>;
  trustEvents(page?: PageQuery, signal?: AbortSignal): Promise<TrustPage>;
  trace(runId: string, signal?: AbortSignal): Promise<Trace>;
  verify(runId: string, signal?: AbortSignal): Promise<ChainVerdict>;
  plugins(signal?: AbortSignal): Promise<PluginList>;
  /** Loads a plugin from the server's own folder, now and at every start. */
  enablePlugin(path: string, signal?: AbortSignal): Promise<PluginEntry>;
  workflows(signal?: AbortSignal): Promise<readonly WorkflowEntry[]>;
  agents(signal?: AbortSignal): Promise<readonly AgentEntry[]>;
  agent(name: string, signal?: AbortSignal): Promise<AgentEntry>;
  chat(request: ChatRequest, signal?: AbortSignal): AsyncIterable<ChatPart>;
  tools(signal?: AbortSignal): Promise<readonly ToolEntry[]>;
  callTool(tool: string, input: Json, signal?: AbortSignal): Promise<ToolResult>;
  models(signal?: AbortSignal): Promise<readonly ModelEntry[]>;
}

/** Where a page begins and how long it is. */
export interface PageQuery {
  readonly after?: number;
  readonly limit?: number;
}

/** Tools and replays may work for long. */
const WORK_TIMEOUT_MS = 600_000;
const NEVER = new AbortController().signal;

/** A client of the Tutti at `baseUrl`. */
export function createClient(options: ClientOptions): Client {
  const transport = new Transport(options);
  return {
    ...runCalls(transport),
    ...trustCalls(transport),
    ...registryCalls(transport),
    ...anyCalls(transport),
    ...eventCalls(transport),
    ...graphCalls(transport),
    ...insightCalls(transport),
    ...cacheCalls(transport),
    ...routingCalls(transport),
    ...keyCalls(transport),
    ...mcpServerCalls(transport),
    ...modelCalls(transport),
    ...panelCalls(transport),
    ...pluginCalls(transport),
    ...policyCalls(transport),
    ...processHealthCalls(transport),
    ...rankCalls(transport),
    ...runListCalls(transport),
    ...savedGraphCalls(transport),
    ...scheduleCalls(transport),
    ...sessionCalls(transport),
    ...settingCalls(transport),
    ...approvalCalls(transport),
    ...steeringCalls(transport),
    ...supervisionCalls(transport),
    ...toolCalls(transport),
    ...voiceCalls(transport),
  };
}

function runCalls(
  transport: Transport,
): Pick<Client, "startRun" | "run" | "cancelRun" | "signalRun" | "replayRun" | "events" | "watchRun"> {
  return {
    startRun: (request, signal) => transport.json({ method: "POST", path: "/v1/runs", body: request }, signal),
    run: (runId, signal) => transport.json({ path: runPath(runId) }, signal),
    cancelRun: (runId, reason, signal) => transport.json({ method: "POST", path: runPath(runId, "/cancel"), body: { reason } }, signal),
    signalRun: (runId, { name, value }, signal) =>
      transport.json({ method: "POST", path: runPath(runId, `/signals/${encodeURIComponent(name)}`), body: { value } }, signal),
    replayRun: (runId, signal) => transport.json({ method: "POST", path: runPath(runId, "/replay"), timeoutMs: WORK_TIMEOUT_MS }, signal),
    events: async (runId, page = {}, signal) =>
      (await transport.json<EventPage>({ path: runPath(runId, "/events"), query: { ...page } }, signal)).events,
    watchRun: (watch, signal = NEVER) => watchRun(transport, watch, signal),
  };
}

function trustCalls(transport: Transport): Pick<Client, "receipt" | "trustEvents" | "trace" | "verify"> {
  return {
    receipt: (runId, { full } = {}, signal) => transport.json({ path: runPath(runId, "/receipt"), query: { full } }, signal),
    trustEvents: (page = {}, signal) => transport.json({ path: "/v1/trust/events", query: { ...page } }, signal),
    trace: (runId, signal) => transport.json({ path: `/v1/trust/trace/${encodeURIComponent(runId)}` }, signal),
    verify: (runId, signal) => transport.json({ path: `/v1/trust/verify/${encodeURIComponent(runId)}` }, signal),
  };
}

function registryCalls(
  transport: Transport,
): Pick<Client, "status" | "plugins" | "enablePlugin" | "workflows" | "agents" | "agent" | "chat" | "tools" | "callTool" | "models"> {
  return {
    status: (signal) => transport.json({ path: "/" }, signal),
    plugins: (signal) => transport.json({ path: "/v1/plugins" }, signal),
    enablePlugin: async (path, signal) =>
      (await transport.json<{ readonly plugin: PluginEntry }>({ method: "POST", path: "/v1/plugins", body: { path } }, signal)).plugin,
    workflows: async (signal) =>
      (await transport.json<{ readonly workflows: readonly WorkflowEntry[] }>({ path: "/v1/workflows" }, signal)).workflows,
    agents: async (signal) => (await transport.json<{ readonly agents: readonly AgentEntry[] }>({ path: "/v1/agents" }, signal)).agents,
    agent: async (name, signal) =>
      (await transport.json<{ readonly agent: AgentEntry }>({ path: `/v1/agents/${encodeURIComponent(name)}` }, signal)).agent,
    chat: (request, signal = NEVER) => streamChat(transport, request, signal),
    tools: async (signal) => (await transport.json<{ readonly tools: readonly ToolEntry[] }>({ path: "/v1/tools" }, signal)).tools,
    callTool: (tool, input, signal) =>
      transport.json({ method: "POST", path: "/v1/tools/execute", body: { tool, input }, timeoutMs: WORK_TIMEOUT_MS }, signal),
    models: async (signal) => (await transport.json<{ readonly data: readonly ModelEntry[] }>({ path: "/v1/models" }, signal)).data,
  };
}

function runPath(runId: string, rest = ""): string {
  return `/v1/runs/${encodeURIComponent(runId)}${rest}`;
}
