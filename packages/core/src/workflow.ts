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
  run(ctx: RunContext, input: I): Promise<O>;
}

/** What a workflow may do to the world. Every method is journaled in call order, so a replay is exact. */
export interface RunContext {
  readonly runId: string;
  readonly principal: Principal;
  /** Aborts when the run, or the branch this context belongs to, is cancelled. */
  readonly signal: AbortSignal;
  /** Runs `action` at least once and records its result at most once. */
  step<T extends Json | void>(name: string, action: (step: StepContext) => Promise<T> | T, options?: StepOptions): Promise<T>;
  /** Asks a model, if policy allows it. Text parts stream to whoever watches the run. */
  generate(model: string, request: ModelRequest): Promise<Reply>;
  /** Calls a tool, if policy allows it. */
  call(tool: string, input: Json): Promise<Json>;
  /** Starts a child run and waits for its result. */
  start(workflow: string, input: Json): Promise<Json>;
  sleep(ms: number): Promise<void>;
  /** Waits for a signal by name; signals are buffered and consumed in order. `undefined` after `timeoutMs`. */
  waitFor(signalName: string, options?: { readonly timeoutMs?: number }): Promise<Json | undefined>;
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
  emit(event: { readonly name: string; readonly data: Json }): Promise<void>;
}

/** One of several things done at the same time. */
export type Branch<T> = (ctx: RunContext) => Promise<T>;

/** What a step's action knows. The key is the same on every attempt and after a crash. Attempts count from 1. */
export interface StepContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** Bounds of one step. Defaults: 3 attempts, 5 minutes each. */
export interface StepOptions {
  readonly attemptsMax?: number;
  readonly timeoutMs?: number;
}

/** A workflow with its types inferred from its input schema. */
export function defineWorkflow<I extends Json, O extends Json>(workflow: Workflow<I, O>): Workflow<I, O> {
  return workflow;
}
