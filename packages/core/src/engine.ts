import type { EventDraft, StepKind } from "./event.ts";
import type { Json } from "./json.ts";
import type { ModelPart } from "./model.ts";
import type { Action } from "./policy/decide.ts";
import type { Principal } from "./principal.ts";

/** Runs workflows durably. Steps run at least once and are recorded at most once. */
export interface Engine {
  /** Resolves when the run is durable. Starting the same `runId` again returns the run that exists. */
  start(workflow: string, input: Json, options: StartOptions): Promise<{ readonly runId: string }>;
  /** The run's output, once it is completed; throws its error when it failed or was cancelled. */
  result(runId: string, signal: AbortSignal): Promise<Json>;
  /** Sends a signal to an unfinished run, if policy lets the principal (`run.control`). */
  signal(runId: string, signal: { readonly name: string; readonly value: Json }, principal: Principal): Promise<void>;
  /** Cancels an unfinished run and its children, if policy lets the principal (`run.control`). The run ends once its workflow has unwound. */
  cancel(runId: string, reason: string, principal: Principal): Promise<void>;
  /** Runs the workflow again over its recorded events, touching nothing; says whether it still does the same. */
  replay(runId: string): Promise<Replay>;
  /** Goes on with unfinished runs, all of them or one. Resolves with how many, when they are loaded. */
  recover(runId?: string): Promise<number>;
  /**
   * Admits a run whose one step is done by the caller: a model call whose bytes pass through, an act of administration. It is decided like
   * any other (`denied` is thrown, and journaled), journaled in one event when it ends, and never resumed.
   */
  record(step: RecordedStep, principal: Principal): RecordedRun;
  /** Tells of events once they are durable, in order within a run. Listeners must not throw. */
  subscribe(listener: (event: EventDraft) => void): Disposable;
  /** Tells of a run's model parts as they come. They are not journaled; the finished reply is. */
  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable;
  /** Takes no new runs, lets running steps finish for up to `graceMs`, and leaves the rest for the next start. */
  stop(graceMs: number): Promise<void>;
}

/** The one step of a recorded run, before it is done. `input` is what policies see and the log keeps: digests, not contents. */
export interface RecordedStep {
  readonly workflow: string;
  readonly action: Action["kind"];
  readonly kind: StepKind;
  readonly name: string;
  readonly input: Json;
}

/** A recorded run under way; end it once. */
export interface RecordedRun {
  readonly runId: string;
  complete(output: Json): void;
  fail(code: string, message: string): void;
}

/** How a run is started. `parent` is set for child runs. */
export interface StartOptions {
  readonly principal: Principal;
  readonly runId?: string;
  readonly parent?: { readonly runId: string; readonly key: string };
  readonly onPart?: (part: ModelPart) => void;
}

/** What a replay found. */
export type Replay =
  | { readonly matches: true; readonly steps: number; readonly output: Json | null }
  | { readonly matches: false; readonly steps: number; readonly reason: string };
