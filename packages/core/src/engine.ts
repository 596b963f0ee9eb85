import type { EventDraft } from "./event.ts";
import type { Json } from "./json.ts";
import type { ModelPart } from "./model.ts";
import type { Principal } from "./principal.ts";

/** Runs workflows durably. Steps run at least once and are recorded at most once. */
export interface Engine {
  /** Resolves when the run is durable. Starting the same `runId` again returns the run that exists. */
  start(workflow: string, input: Json, options: StartOptions): Promise<{ readonly runId: string }>;
  /** The run's output, once it is completed; throws its error when it failed or was cancelled. */
  result(runId: string, signal: AbortSignal): Promise<Json>;
  signal(runId: string, name: string, value: Json): Promise<void>;
  cancel(runId: string, reason: string): Promise<void>;
  /** Runs the workflow again over its recorded events, touching nothing; says whether it still does the same. */
  replay(runId: string): Promise<Replay>;
  /** Goes on with unfinished runs, all of them or one. Resolves with how many, when they are loaded. */
  recover(runId?: string): Promise<number>;
  /** Tells of events once they are durable, in order within a run. Listeners must not throw. */
  subscribe(listener: (event: EventDraft) => void): Disposable;
  /** Tells of a run's model parts as they come. They are not journaled; the finished reply is. */
  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable;
  /** Takes no new runs, lets running steps finish for up to `graceMs`, and leaves the rest for the next start. */
  stop(graceMs: number): Promise<void>;
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
