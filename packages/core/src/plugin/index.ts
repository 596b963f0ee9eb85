import type { Json } from "../json.ts";
import type { ModelRequest, Reply } from "../model.ts";
import type { Principal } from "../principal.ts";

export {
  PANEL_SLOTS,
  type ChartView,
  type Panel,
  type PanelColumn,
  type PanelContent,
  type PanelField,
  type PanelFormat,
  type PanelFrame,
  type PanelMoment,
  type PanelPoint,
  type PanelScalar,
  type PanelSeries,
  type PanelSlot,
  type PanelSource,
  type PanelView,
  type StatView,
  type TableView,
  type TimelineView,
} from "./panel.ts";

/** What the entry of a plugin folder exports: `init`, called once for each process with the host, and `stop`, called before it ends. */
export interface PluginEntryModule {
  readonly init: (host: PluginHost) => Promise<IsolatedPlugin> | IsolatedPlugin;
  readonly stop?: () => Promise<void> | void;
}

/** What a plugin in a process of its own brings: tools. What is data (agents, graphs, skills, schedules) stands in its manifest. */
export interface IsolatedPlugin {
  readonly tools?: readonly IsolatedTool[];
}

/** A tool of a plugin folder: as `Tool`, with its input as JSON Schema only, which the host holds every call against. */
export interface IsolatedTool {
  readonly name: string;
  readonly description: string;
  readonly effect: "read" | "write" | "execute";
  readonly parameters: Json;
  readonly output?: Json;
  readonly examples?: readonly { readonly input: Json; readonly output?: Json }[];
  readonly cost?: { readonly usd?: number; readonly durationMs?: number };
  readonly isIdempotent?: boolean;
  readonly isUntrusted?: boolean;
  // A plugin knows what its own schema lets through.
  run(input: never, call: IsolatedCall): Promise<Json> | Json;
}

/** What a tool knows of its call. The key is the same when a call is tried again. */
export interface IsolatedCall {
  readonly idempotencyKey: string;
  readonly principal: Principal;
  /** Aborts when the call is cancelled or has taken too long. */
  readonly signal: AbortSignal;
}

/** What a plugin may ask of Tutti. Whatever its manifest has not asked for, or nobody has granted, is refused with `denied`. */
export interface PluginHost {
  /** Its own name. */
  readonly name: string;
  /** What `pluginOptions` of the configuration says for it. */
  readonly settings: Json;
  /** A line in Tutti's log, under the plugin's name. */
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Json): void;
  /** Publishes an event "NAME.type"; subscribers get it once it is durable. */
  emit(type: string, data: Json): Promise<void>;
  /** A secret by name, as `permissions.secrets` asks for it and `pluginOptions` gives it. */
  secret(name: string): Promise<string>;
  /** A request to a host of `permissions.network`, made by Tutti. */
  fetch(url: string, request?: PluginRequest): Promise<PluginResponse>;
  /** Calls a tool of `permissions.tools`, as a run of its own, decided by policy under the plugin's name. */
  call(tool: string, input: Json): Promise<Json>;
  /** Asks a model of `permissions.models`. */
  generate(model: string, request: ModelRequest): Promise<Reply>;
  /** A small store of its own that outlives it. */
  readonly storage: PluginStorage;
}

/** A request by a plugin. */
export interface PluginRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer, read to its end. `isBase64`: the body is not text. */
export interface PluginResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64: boolean;
}

/** Values by key. */
export interface PluginStorage {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): Promise<readonly string[]>;
}

/** What a plugin asks for in its manifest, and what somebody granted. */
export interface PluginPermissions {
  /** Hosts it may send requests to through Tutti: "api.example.com", "*.example.com", "127.0.0.1:8080". */
  readonly network: readonly string[];
  readonly secrets: readonly string[];
  /** Tools of Tutti and of other plugins that it may call. */
  readonly tools: readonly string[];
  readonly models: readonly string[];
  /** Files and folders of this machine that its process may read, or write with "rw:" in front. */
  readonly paths: readonly string[];
  /** Tools of its own that may be called without a further word of policy. */
  readonly offers: readonly string[];
  /** Workflows and agents that its schedules and subscriptions start, in its name. */
  readonly starts: readonly string[];
  /** Events that its subscriptions are given: their filters as JSON, "{}" for all of them. */
  readonly hears: readonly string[];
  /** Endpoints and URLs that its subscriptions send events to. */
  readonly tells: readonly string[];
  /** Of its whole process. */
  readonly memoryMb: number;
}
