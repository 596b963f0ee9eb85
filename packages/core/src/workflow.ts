import type { Json } from "./json.ts";
import type { ModelRequest, Reply } from "./model.ts";
import type { Principal } from "./principal.ts";
import type { Schema } from "./schema.ts";

/** A durable function. An agent is a workflow too: one in which a model picks the next step. */
export interface Workflow<I extends Json = Json, O extends Json = Json> {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly input: Schema<I>;
  /** Signals it takes, by name, each with its value's schema; a sender's others are refused. Without it any signal is taken. */
  readonly signals?: Readonly<Record<string, Schema<Json>>>;
  /** Bounds of every run; a start may set tighter ones. */
  readonly limits?: RunLimits;
  run(ctx: RunContext, input: I): Promise<O>;
}

/** What a run may use, its children included. It fails with `deadline_exceeded` or `budget_exceeded` beyond that, after its undo handlers. */
export interface RunLimits {
  /** From its start, also while it waits. */
  readonly timeMs?: number | undefined;
  /** Input and output together, as providers count them. */
  readonly tokensMax?: number | undefined;
  /** US dollars, for models whose price is known. */
  readonly costUsdMax?: number | undefined;
}

/** What a workflow may do to the world. Every method is journaled in call order, so a replay is exact. */
export interface RunContext {
  readonly runId: string;
  readonly principal: Principal;
  /** Aborts when the run, or the branch this context belongs to, is cancelled. */
  readonly signal: AbortSignal;
  /** Runs `action` at least once and records its result at most once. */
  step<T extends Json | void>(name: string, action: (step: StepContext) => Promise<T> | T, options?: StepOptions<T>): Promise<T>;
  /** Asks a model, if policy allows it. Text parts stream to whoever watches the run. */
  generate(model: string, request: ModelRequest, options?: StepOptions<Reply>): Promise<Reply>;
  /** Calls a tool, if policy allows it. */
  call(tool: string, input: Json, options?: CallOptions): Promise<Json>;
  /** Starts a child run and waits for its result. */
  start(workflow: string, input: Json, options?: ChildOptions): Promise<Json>;
  /** Starts a run of its own and does not wait; returns its id. The same `runId` again is the same run. */
  spawn(workflow: string, input: Json, options?: SpawnOptions): Promise<string>;
  /** Waits for a run that was spawned: its result, or its error thrown. */
  join(runId: string): Promise<Json>;
  /** Sends a signal to another run. */
  send(runId: string, signal: { readonly name: string; readonly value: Json }): Promise<void>;
  /** Cancels another run; one that has ended is left as it is. */
  cancel(runId: string, reason: string): Promise<void>;
  /** Milliseconds to years; the run costs no memory meanwhile. */
  sleep(ms: number): Promise<void>;
  /** As `sleep`, to a moment: a crash in between does not make it later. */
  sleepUntil(at: Date): Promise<void>;
  /** Waits for a signal by name; signals are buffered and consumed in order. `undefined` after `timeoutMs`. */
  waitFor(signalName: string, options?: SignalWait): Promise<Json | undefined>;
  /** Asks people and waits for their answer: a value, also when they refuse; `approval_timeout` is thrown when nobody answers and `otherwise` is not set. */
  approve(request: ApprovalRequest): Promise<Approval>;
  /**
   * Branches are functions with a context of their own: the journal keys a step by branch and order within it, and a replay delivers
   * results in the recorded order, so it is exact whatever order the branches finished in. Native `Promise.all` over steps is refused.
   * The first failure cancels the others and is thrown.
   */
  all<T>(branches: readonly Branch<T>[]): Promise<readonly T[]>;
  /** The first branch to finish wins, with its result or its error; the others are cancelled. */
  race<T>(branches: readonly Branch<T>[]): Promise<T>;
  map<I, T>(
    items: readonly I[],
    branch: (ctx: RunContext, item: I, index: number) => Promise<T>,
    options: { readonly concurrency: number },
  ): Promise<readonly T[]>;
  now(): Promise<Date>;
  /** The same value on every replay. */
  uuid(): string;
  /** Publishes an event: subscribers get it once it is durable. */
  emit(event: { readonly name: string; readonly data: Json; readonly key?: string }): Promise<void>;
  /** Whether this run began with the code behind `id`: true for new runs, false for those whose log passed this place without it. */
  patched(id: string): Promise<boolean>;
  /** Answers `Engine.query(runId, name)` from what the workflow knows now. Must not take steps. */
  onQuery(name: string, read: () => Json): void;
  /** Runs the undo handlers of the steps so far, last first, each as a durable step, and forgets them. Failed and cancelled runs do it by themselves. */
  compensate(): Promise<void>;
  /** Ends this run and goes on as a new one with a fresh log; signals not yet taken go with it. Never returns. */
  continueAsNew(input: Json): Promise<never>;
}

/** What is asked of whom, until when, and what holds when nobody answers. */
export interface ApprovalRequest {
  readonly question: string;
  readonly detail?: Json;
  /** Roles or principal ids that may answer; anybody whom policy lets (`run.approve`) when left out. */
  readonly approvers?: readonly string[];
  readonly timeoutMs?: number;
  readonly otherwise?: "approve" | "refuse";
  /** Neither whoever the run acts for nor the owner of their key may answer. */
  readonly isFourEyes?: boolean;
  /** How many different principals have to approve; 1 unless given. One refusal is enough. */
  readonly approvalsMin?: number;
  /** Set by engines, when policy asks for leave to call a tool: what the answer is bound to. `detail` is the input. */
  readonly call?: ApprovalCall;
}

/** The one call that an approval is about: its input by SHA-256 of RFC 8785 canonical JSON, and whom the run acts for. */
export interface ApprovalCall {
  readonly tool: string;
  readonly argsHash: string;
  readonly principalId: string;
  readonly rule: string;
}

/** An answer. `by` is a principal's id, several with commas between them, or "timeout". */
export interface Approval {
  readonly approved: boolean;
  readonly by: string;
  readonly reason: string;
}

/** One of several things done at the same time. */
export type Branch<T> = (ctx: RunContext) => Promise<T>;

/** What a step's action knows. The key is the same on every attempt and after a crash. Attempts count from 1. */
export interface StepContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** What the last attempt said in its last heartbeat. */
  readonly progress: Json | undefined;
  /** Says that the action lives, and how far it is; required every `heartbeatMs` when that is set. */
  readonly heartbeat: (detail?: Json) => void;
  /** Sources of untrusted content that the run has read so far. */
  readonly tainted: readonly string[];
  /** Says that what the step gives comes from outside, by its sources: from then on the run counts as having read it. */
  readonly taint: (sources: readonly string[]) => void;
}

/** Bounds of one step, and how it is undone. Defaults: 3 attempts of 5 minutes, full-jitter backoff from 200 ms to 30 s. */
export interface StepOptions<T = Json> {
  readonly attemptsMax?: number;
  readonly timeoutMs?: number;
  /** The bound of the n-th wait is `delayMs` × 2^(n-1), at most `delayMaxMs`; the wait is random below it (full jitter). */
  readonly backoff?: { readonly delayMs: number; readonly delayMaxMs: number };
  /** Error codes that end the step at once: an `AppError`'s, or a `code` of whatever was thrown (ECONNREFUSED). */
  readonly nonRetryable?: readonly string[];
  /** An attempt that says nothing for so long is `stuck`: it is aborted and tried again. */
  readonly heartbeatMs?: number;
  /** Takes back what the step did, when the run fails or is cancelled later. It is tried like a step and must be idempotent. */
  readonly undo?: (output: T, step: StepContext) => Promise<void> | void;
}

/** How a tool is called. */
export interface CallOptions extends StepOptions {
  /**
   * What to do when policy asks: wait for people ("wait", unless given), fail with `missing_approval` ("refuse"), or use the approval with
   * that id. A standing grant that fits is used in any case.
   */
  readonly approval?: "wait" | "refuse" | { readonly id: string };
}

/** How a signal is waited for. `isQuiet`: the run does not count as waiting for it, because it listens all along while it works. */
interface SignalWait {
  readonly timeoutMs?: number | undefined;
  readonly isQuiet?: boolean | undefined;
}

/** How a run is spawned. Without `runId` one is made, the same on every replay. */
interface SpawnOptions {
  readonly runId?: string;
  readonly limits?: RunLimits;
  readonly queue?: QueuePlace;
}

/** A place in a queue. Runs of a queue that share a key share its concurrency. Smaller priorities go first; 0 unless given. */
export interface QueuePlace {
  readonly queue: string;
  readonly key?: string;
  readonly priority?: number;
}

/** A child run's bounds, and how what it did is undone. */
interface ChildOptions {
  readonly limits?: RunLimits;
  readonly undo?: (output: Json, step: StepContext) => Promise<void> | void;
}

/** A workflow with its types inferred from its input schema. */
export function defineWorkflow<I extends Json, O extends Json>(workflow: Workflow<I, O>): Workflow<I, O> {
  return workflow;
}
