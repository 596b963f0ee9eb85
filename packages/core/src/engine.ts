import type { EventDraft, StepKind } from "./event.ts";
import type { Json } from "./json.ts";
import type { ModelPart } from "./model.ts";
import type { Action } from "./policy/decide.ts";
import type { Principal } from "./principal.ts";
import type { QueuePlace, RunLimits } from "./workflow.ts";

/** Runs workflows durably. Steps run at least once and are recorded at most once. */
export interface Engine {
  /** Resolves when the run is durable. Starting the same `runId` again returns the run that exists. */
  start(workflow: string, input: Json, options: StartOptions): Promise<{ readonly runId: string }>;
  /** The run's output, once it is completed; throws its error when it failed or was cancelled, and why when it paused. */
  result(runId: string, signal: AbortSignal): Promise<Json>;
  /** Sends a signal to an unfinished run, if policy lets the principal (`run.control`). */
  signal(runId: string, signal: Signal, principal: Principal): Promise<void>;
  /** Cancels an unfinished run and its children, if policy lets the principal (`run.control`). The run ends once its workflow has unwound. */
  cancel(runId: string, reason: string, principal: Principal): Promise<void>;
  /**
   * Answers the approval a run waits for, if policy lets the principal (`run.approve`) and the request names them or nobody. An input that
   * they change is parsed by the tool's schema and decided again by policy first.
   */
  answer(runId: string, answer: Answer, principal: Principal): Promise<void>;
  /** What the workflow's `onQuery` handler of that name says now. */
  query(runId: string, name: string): Promise<Json>;
  /** Goes on with a paused run, under another version of its workflow when given. */
  resume(runId: string, options: { readonly version?: string }, principal: Principal): Promise<void>;
  /** Starts a new run whose log begins with a copy of another's. */
  fork(runId: string, fork: Fork, principal: Principal): Promise<{ readonly runId: string }>;
  /** Runs the workflow again over its recorded events, touching nothing; says whether it still does the same. */
  replay(runId: string): Promise<Replay>;
  /** Goes on with unfinished runs, all of them or one. Resolves with how many, when they are loaded. */
  recover(runId?: string): Promise<number>;
  /**
   * Admits a run whose one step is done by the caller: a model call whose bytes pass through, an act of administration. It is decided like
   * any other (`denied` is thrown, and journaled), journaled in one event when it ends, and never resumed.
   */
  record(step: RecordedStep, principal: Principal): RecordedRun;
  /** How full the queues are. */
  readonly queues: readonly QueueStatus[];
  /** Tells of events once they are durable, in order within a run. Listeners must not throw. */
  subscribe(listener: (event: EventDraft) => void): Disposable;
  /** Tells of a run's model parts as they come. They are not journaled; the finished reply is. */
  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable;
  /** Takes no new runs, lets running steps finish for up to `graceMs`, and leaves the rest for the next start. */
  stop(graceMs: number): Promise<void>;
}

/** The one step of a recorded run, before it is done. `input` is what policies see and the log keeps: digests, not contents. */
export interface RecordedStep {
  /** Of the run. Recording the same id again leaves the first. */
  readonly runId?: string;
  readonly workflow: string;
  readonly action: Action["kind"];
  readonly kind: StepKind;
  readonly name: string;
  readonly input: Json;
}

/** A recorded run under way; end it once. What it returns resolves when the end is durable, with false when the store is gone. */
export interface RecordedRun {
  readonly runId: string;
  complete(output: Json): Promise<boolean>;
  fail(code: string, message: string, output?: Json): Promise<boolean>;
}

/**
 * Where a fork leaves the recorded run: before the step at `beforeKey`, or before the step that failed the run. Every step recorded earlier
 * is kept; `outputs` replaces what some of them gave, `input` the run's input (for a workflow that then asks for other steps, fork before
 * the first of them).
 */
export interface Fork {
  /** Of the new run. Forking under the same id again is the same fork. */
  readonly runId?: string | undefined;
  readonly beforeKey?: string;
  readonly input?: Json;
  readonly outputs?: Readonly<Record<string, Json>>;
}

/**
 * Bounds of a queue. `concurrency` is for all its runs, `concurrencyPerKey` for those that share a key; `ratePerSecond` bounds admissions.
 * Runs of `workflows` go through it unless their start names another; their key is what `keyBy` says.
 */
export interface QueueConfig {
  readonly name: string;
  readonly workflows?: readonly string[] | undefined;
  readonly keyBy?: "tenant" | "principal" | "workflow" | undefined;
  readonly concurrency: number;
  readonly concurrencyPerKey?: number | undefined;
  readonly ratePerSecond?: number | undefined;
  readonly queuedMax: number;
}

/** What somebody sees of a queue. `oldestAt`: since when the one waits that has waited longest. `keys`: the fullest of them. */
export interface QueueStatus extends QueueConfig {
  readonly queued: number;
  readonly running: number;
  readonly oldestAt: string | null;
  readonly keys: readonly { readonly key: string; readonly queued: number; readonly running: number }[];
}

/** A signal to a run. Sent again with the same `id`, it is taken once. */
export interface Signal {
  readonly name: string;
  readonly value: Json;
  readonly id?: string | undefined;
  /** Sources of untrusted content in the value. */
  readonly tainted?: readonly string[] | undefined;
}

/**
 * An answer to what a run asks at `key`. With `argsHash` it is for that input only (`args_hash_mismatch` otherwise); `input` is what the tool
 * is called with instead.
 */
export interface Answer {
  readonly key: string;
  readonly approved: boolean;
  readonly reason: string;
  readonly argsHash?: string | undefined;
  readonly input?: Json | undefined;
}

/** How a run is started. `parent` is set for child runs; without `version` the newest one is taken. */
export interface StartOptions {
  readonly principal: Principal;
  readonly runId?: string;
  readonly version?: string;
  readonly limits?: RunLimits;
  readonly queue?: QueuePlace;
  /** Set by engines, for runs that go on from another's log. */
  readonly origin?: { readonly type: "fork" | "continued"; readonly runId: string };
  readonly parent?: { readonly runId: string; readonly key: string };
  readonly isSpawned?: boolean;
  readonly onPart?: (part: ModelPart) => void;
  /** Sources of untrusted content in the input. */
  readonly tainted?: readonly string[];
  /** Set by engines: calls by tool of the runs above, and of those that the run goes on from. */
  readonly callsBefore?: { readonly above: Readonly<Record<string, number>>; readonly own: Readonly<Record<string, number>> };
}

/** What a replay found. */
export type Replay =
  | { readonly matches: true; readonly steps: number; readonly output: Json | null }
  | { readonly matches: false; readonly steps: number; readonly reason: string };
