export { createClient, type Client, type PageQuery } from "./client.ts";
export type { AnyCall, AnyCalls } from "./any-call.ts";
export type { ChatRequest } from "./chat.ts";
export type {
  AgentCapabilities,
  AgentEntry,
  ApprovalEntry,
  ChatAnswer,
  ChatPart,
  ChatRoute,
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
export type { ClientOptions } from "./transport.ts";
export type { ExaminedSandbox, ProcessHealth, ProcessHealthCalls, SandboxExamination, SandboxState } from "./process-health.ts";
export type { RankCalls, RankedText, RankRequest } from "./rank.ts";
export type { WatchOptions } from "./watch-run.ts";
export type {
  EventCalls,
  EventDraftRequest,
  EventQuery,
  PlacedEvent,
  PublicationPage,
  PublishedEvent,
  SubscriptionEntry,
  SubscriptionRequest,
  SubscriptionTarget,
  WebhookEntry,
} from "./events.ts";
export type { GraphCalls, GraphCheckReply, GraphFault, GraphRunReply, GraphText } from "./graphs.ts";
export type { InsightCalls, RunDiffReply, RunInsightReply, WaitingReply, WorkflowInsightQuery, WorkflowInsightReply } from "./insight.ts";
export type { PanelCalls, PanelEntry, PanelReply, PanelRequest } from "./panels.ts";
export type { FolderPlugin, FolderPluginDetails, PluginCalls } from "./plugins.ts";
export type { ScheduleCalls, ScheduleEntry, ScheduleRequest, ScheduleTiming } from "./schedules.ts";
export type { ApprovalAnswer, ApprovalCalls, ApproveRequest, GrantEntry, GrantRequest } from "./approvals.ts";
export type { ForkRequest, SteeringCalls } from "./steering.ts";
export type {
  ComponentEntry,
  DeadLetterEntry,
  DeadLetterQuery,
  HealthReply,
  RetryRequest,
  SupervisedEntry,
  SupervisedRequest,
  SupervisionCalls,
} from "./supervision.ts";
export type {
  BudgetLeft,
  CreatedKey,
  KeyCalls,
  KeyChanges,
  KeyEntry,
  KeyRequest,
  Limits,
  SpendDimension,
  SpendQuery,
  SpendReport,
  SpendRow,
} from "./keys.ts";
export type {
  CatalogModel,
  CatalogProvider,
  ModelCalls,
  ModelPlan,
  ModelRoute,
  ModelStats,
  OpenCompletion,
  PlanRequest,
  PullPart,
} from "./models.ts";
export type { CacheCalls, CacheReport } from "./cache.ts";
export { openLive, type Live, type LiveHandlers, type LiveOptions, type LiveState } from "./live.ts";
export type { LiveSocket } from "./live-socket.ts";
export type { LiveData } from "./live-data.ts";
export {
  COUNTED_APPROVALS_MAX,
  type LiveLogFilter,
  type LiveOverview,
  type LiveReply,
  type LiveRequest,
  type LiveRunsFilter,
  type LiveTopic,
} from "@tutti/core/wire";
export { probeModel, type Probed } from "./probe-model.ts";
export type {
  Activity,
  ActivityBucket,
  BlobPart,
  BulkRequest,
  BulkResult,
  RunCounts,
  RunListCalls,
  RunPage,
  RunQuery,
} from "./run-lists.ts";
export type {
  GraphVersion,
  GraphVersionDifference,
  SavedGraph,
  SavedGraphCalls,
  SaveGraphReply,
  SaveGraphRequest,
} from "./saved-graphs.ts";
export type { SessionCalls, SessionEntry, SessionReply } from "./sessions.ts";
export type { ConfigEntry, ConfigReply, SavedView, SettingCalls } from "./settings.ts";
export type { RoutingCalls, RoutingExplained, RoutingShadow } from "./routing.ts";
export type {
  DecisionChangeEntry,
  ExplainRequest,
  PolicyCalls,
  PolicyCheckReply,
  PolicyExplanation,
  PolicyFault,
  PolicyFile,
  PolicyReplayReply,
  PolicyReplayRequest,
  PolicyRuleEntry,
  PolicyStatus,
  RuleSayingEntry,
  ShadowStanding,
} from "./policy.ts";
export type { McpApproval, McpServerCalls, McpServerEntry, McpToolEntry } from "./mcp-servers.ts";
export type { ToolImportEntry, ToolImportRequest } from "./tools.ts";
export type { SpeechAsked, TranscriptAsked, VoiceCalls } from "./voice.ts";
