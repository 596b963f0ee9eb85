import type { ChainVerdict, Event, Json, RunRecord, Usage } from "@tutti/core";

/** What the server is, what is on, and what is off and how to turn it on. */
export interface ServerStatus {
  readonly name: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly on: readonly string[];
  readonly off: readonly { readonly name: string; readonly how: string }[];
}

/** A run that was started, or that there was already under the same id. */
export interface StartedRun {
  readonly run: RunRecord;
  readonly url: string;
}

/** What to start. */
export interface RunRequest {
  readonly workflow: string;
  readonly input: Json;
  readonly runId?: string;
}

/** Where a run stands: its result or error once there is one, and what it waits for. */
export interface RunDetails {
  readonly run: RunRecord;
  readonly output?: Json;
  readonly error?: { readonly code: string; readonly message: string };
  readonly waitingFor: readonly { readonly key: string; readonly kind: string; readonly name: string; readonly until: string | null }[];
}

/** A run's events and whether they are what was journaled. Redacted events do not hash to what the chain says; full ones do. */
export interface Receipt {
  readonly run: RunRecord;
  readonly algorithm: string;
  readonly head: string;
  readonly verdict: ChainVerdict;
  readonly events: readonly Json[];
}

/** Events of all runs in the order of the log, redacted. `nextAfter` is where the next page begins. */
export interface TrustPage {
  readonly events: readonly { readonly position: number; readonly event: Json }[];
  readonly nextAfter: number | null;
}

/** One run's events, redacted. */
export interface Trace {
  readonly run: RunRecord;
  readonly events: readonly Json[];
}

/** What a plugin brought. */
export interface PluginEntry {
  readonly name: string;
  readonly path: string;
  readonly workflows: readonly string[];
  readonly tools: readonly string[];
  readonly agents: readonly string[];
}

/** Loaded plugins, and those that did not load and why. */
export interface PluginList {
  readonly plugins: readonly PluginEntry[];
  readonly failures: readonly { readonly plugin: string; readonly message: string }[];
}

/** A workflow that can be started. */
export interface WorkflowEntry {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly kind: "code" | "graph" | "agent";
  /** Who brought it: "plugin:NAME", "built-in", or "graph" for a graph that was saved here. */
  readonly source: string;
  /** The input as JSON Schema, where it is known. */
  readonly inputSchema: Json | null;
}

/** An agent to talk to. */
export interface AgentEntry {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly model: string;
  readonly tools: readonly string[];
  readonly limits: { readonly stepsMax: number; readonly historyMessagesMax: number };
  readonly capabilities: AgentCapabilities;
  readonly health: { readonly status: "ok" | "degraded" | "down"; readonly reason: string };
  /** Its runs that have not ended; counted up to 1,000. */
  readonly load: { readonly queued: number; readonly running: number; readonly waiting: number; readonly paused: number };
  readonly lastRun: RunRecord | null;
}

/** What an agent can do: what it may ask of tools, whether it answers without a model, and things to ask it. */
export interface AgentCapabilities {
  readonly tools: readonly { readonly name: string; readonly isThere: boolean; readonly effect: "read" | "write" | "execute" | null }[];
  readonly skills: readonly string[];
  /** Deterministic routes: it answers these without a model. */
  readonly routes: number;
  readonly starters: readonly string[];
  /** The model it would ask now; null when none is configured. */
  readonly model: string | null;
}

/** Something a run asks of people. Times are ISO 8601. When it asks about the call of a tool, `detail` is the input. */
export interface ApprovalEntry {
  readonly runId: string;
  readonly key: string;
  readonly question: string;
  readonly detail?: Json;
  readonly call?: { readonly tool: string; readonly argsHash: string; readonly principalId: string; readonly rule: string };
  readonly approvers?: readonly string[];
  readonly isFourEyes?: boolean;
  readonly approvalsMin?: number;
  readonly otherwise?: "approve" | "refuse";
  readonly since: string;
  readonly until: string | null;
}

/**
 * Which run answers, a piece of the answer, something that it asks before it goes on (answer it with `answerApproval`), or, last, the whole
 * of it.
 */
export type ChatPart =
  | { readonly type: "started"; readonly runId: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "approval"; readonly approval: ApprovalEntry }
  | { readonly type: "done"; readonly answer: ChatAnswer };

/** An agent's answer: what it said, who said it and why, and in which run. */
export interface ChatAnswer {
  readonly runId: string;
  readonly reply: { readonly role: "assistant"; readonly content: string };
  readonly route: ChatRoute;
  readonly usage: Pick<Usage, "inputTokens" | "outputTokens">;
  readonly finishReason: "stop" | "length" | "tool_calls" | "content_filter";
}

/** Who answered, and why: a model, or a rule where no model is configured. */
export interface ChatRoute {
  readonly by: string;
  readonly reason: string;
  readonly model?: string;
  readonly rule?: string;
  readonly tool?: string;
}

/** A tool, and whether policy lets you call it. */
export interface ToolEntry {
  readonly name: string;
  readonly description: string;
  readonly effect: "read" | "write" | "execute";
  /** Who brought it: "built-in", "plugin:NAME", "mcp:NAME", "openapi:NAME", "workflow:NAME". */
  readonly source: string;
  readonly parameters: Json;
  readonly output?: Json;
  readonly examples?: readonly { readonly input: Json; readonly output?: Json }[];
  readonly cost?: { readonly usd?: number; readonly durationMs?: number };
  readonly isIdempotent: boolean;
  readonly isUntrusted: boolean;
  /** Whether policy lets you call it. "depends": on the input, which is not known before a call. */
  readonly allowed: { readonly effect: "allow" | "ask" | "deny" | "depends"; readonly reason: string; readonly rule: string };
}

/** What a tool gave, and the run it ran in. */
export interface ToolResult {
  readonly runId: string;
  readonly tool: string;
  readonly output: Json;
}

/** A model or agent as OpenAI's API lists it. */
export interface ModelEntry {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

/** One page of a run's events. */
export interface EventPage {
  readonly events: readonly Event[];
}
