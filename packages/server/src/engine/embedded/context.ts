import {
  AppError,
  type ApprovalRequest,
  type Branch,
  type Json,
  type ModelRequest,
  type Principal,
  type Reply,
  type RunContext,
  type StepContext,
  type StepOptions,
} from "@tutti/core";
import { derivedId } from "../run-id.ts";
import type { SignalOutput } from "./history.ts";
import type { Operation, RunParts } from "./operation.ts";
import * as operations from "./operations/index.ts";
import type { Scope } from "./scope.ts";

const BRANCH_ENDED = new AppError("cancelled", "another branch ended first");
/** Branches one `map` may run at once. */
const CONCURRENCY_MAX = 1000;

/** Who does or finds the steps a workflow asks for. */
export interface Steps {
  readonly parts: RunParts;
  readonly bench: operations.Workbench;
  request(scope: Scope, operation: Operation): Promise<Json>;
  /** Begins branches; returns their common key. */
  branch(scope: Scope, name: string): string;
  endBranch(parent: Scope, child: Scope, reason: AppError): void;
  patched(scope: Scope, id: string): Promise<boolean>;
  compensate(scope: Scope): Promise<void>;
  setQuery(name: string, read: () => Json): void;
  continueAsNew(input: Json): Promise<never>;
}

type Approval = Awaited<ReturnType<RunContext["approve"]>>;
type SignalWait = Parameters<RunContext["waitFor"]>[1];
type SpawnOptions = Parameters<RunContext["spawn"]>[2];
type CallOptions = NonNullable<Parameters<RunContext["call"]>[2]>;
type ChildOptions = Parameters<RunContext["start"]>[2];

/** What a workflow holds: one branch of an execution. */
export class WorkflowContext implements RunContext {
  readonly #steps: Steps;
  readonly #scope: Scope;
  #uuids = 0;

  constructor(steps: Steps, scope: Scope) {
    this.#steps = steps;
    this.#scope = scope;
  }

  get runId(): string {
    return this.#steps.parts.runId;
  }

  get principal(): Principal {
    return this.#steps.parts.principal;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  step<T extends Json | void>(name: string, action: (step: StepContext) => Promise<T> | T, options: StepOptions<T> = {}): Promise<T> {
    return this.#undoable(operations.step(this.#steps.bench, name, { action, options }), options.undo);
  }

  generate(model: string, request: ModelRequest, options: StepOptions<Reply> = {}): Promise<Reply> {
    return this.#undoable(operations.generate(this.#steps.bench, model, { request, options }), options.undo);
  }

  call(tool: string, input: Json, options: CallOptions = {}): Promise<Json> {
    return this.#undoable(operations.callTool(this.#steps.bench, tool, { input, options }), options.undo);
  }

  start(workflow: string, input: Json, options: ChildOptions = {}): Promise<Json> {
    return this.#undoable(operations.startChild(this.#steps.bench, workflow, { input, limits: options.limits }), options.undo);
  }

  spawn(workflow: string, input: Json, options: SpawnOptions = {}): Promise<string> {
    return this.#do(operations.spawn(this.#steps.bench, workflow, { input, ...options }));
  }

  join(runId: string): Promise<Json> {
    return this.#do(operations.join(this.#steps.bench, runId));
  }

  async send(runId: string, signal: { readonly name: string; readonly value: Json }): Promise<void> {
    await this.#do(operations.send(this.#steps.bench, runId, signal));
  }

  async cancel(runId: string, reason: string): Promise<void> {
    await this.#do(operations.cancel(this.#steps.bench, runId, reason));
  }

  async sleep(ms: number): Promise<void> {
    if (!(ms >= 0 && ms <= SLEEP_MAX_MS))
      throw new AppError("invalid_input", `wanted a sleep of 0 to ${SLEEP_MAX_MS} ms (a thousand years), got ${ms}`);
    await this.#do(operations.sleep(this.#steps.bench, { ms }));
  }

  async sleepUntil(at: Date): Promise<void> {
    if (!(at.getTime() <= SLEEP_MAX_MS * 3)) throw new AppError("invalid_input", `wanted a date to sleep until, got ${String(at)}`);
    await this.#do(operations.sleep(this.#steps.bench, { until: at }));
  }

  async waitFor(signalName: string, options: SignalWait = {}): Promise<Json | undefined> {
    const output = await this.#do<SignalOutput>(operations.waitFor(this.#steps.bench, signalName, options));
    return output.received ? output.value : undefined;
  }

  approve(request: ApprovalRequest): Promise<Approval> {
    return this.#do(operations.approve(this.#steps.bench, request));
  }

  all<T>(branches: readonly Branch<T>[]): Promise<readonly T[]> {
    return this.map(branches, (ctx, branch) => branch(ctx), { concurrency: CONCURRENCY_MAX });
  }

  async race<T>(branches: readonly Branch<T>[]): Promise<T> {
    if (branches.length === 0) throw new AppError("invalid_input", "wanted at least one branch to race, got none");
    return this.#branched("race", branches.length, (fork) => Promise.race(branches.map((branch, index) => fork(index, branch))));
  }

  map<I, T>(
    items: readonly I[],
    branch: (ctx: RunContext, item: I, index: number) => Promise<T>,
    options: { readonly concurrency: number },
  ): Promise<readonly T[]> {
    const lanes = Math.max(1, Math.min(options.concurrency, items.length, CONCURRENCY_MAX));
    return this.#branched("branches", items.length, async (fork) => {
      const results: T[] = [];
      let next = 0;
      const lane = async (): Promise<void> => {
        for (let index = next++; index < items.length; index = next++) {
          results[index] = await fork(index, (ctx) => branch(ctx, items[index] as I, index));
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return results;
    });
  }

  async now(): Promise<Date> {
    const { bench } = this.#steps;
    return new Date(
      await this.#do<string>(operations.record(bench, { kind: "now", name: "now" }, () => new Date(bench.clock.nowMs()).toISOString())),
    );
  }

  uuid(): string {
    this.#uuids += 1;
    return derivedId(`${this.runId}/${this.#scope.prefix}uuid/${this.#uuids}`);
  }

  async emit(event: { readonly name: string; readonly data: Json; readonly key?: string }): Promise<void> {
    await this.#do(operations.emit(this.#steps.bench, event));
  }

  patched(id: string): Promise<boolean> {
    return this.#steps.patched(this.#scope, id);
  }

  onQuery(name: string, read: () => Json): void {
    this.#steps.setQuery(name, read);
  }

  compensate(): Promise<void> {
    return this.#steps.compensate(this.#scope);
  }

  continueAsNew(input: Json): Promise<never> {
    return this.#steps.continueAsNew(input);
  }

  // What a step gave is JSON by the time it is journaled; its type is the workflow author's word, as in any database.
  #do<T>(operation: Operation): Promise<T> {
    return this.#steps.request(this.#scope, operation) as Promise<T>;
  }

  #undoable<T>(operation: Operation, undo: ((output: T, step: StepContext) => Promise<void> | void) | undefined): Promise<T> {
    return this.#do(undo === undefined ? operation : { ...operation, undo: undo as Operation["undo"] });
  }

  /** Runs branches with contexts of their own; when `body` ends, whatever still runs in them is cancelled. */
  async #branched<R>(
    name: string,
    count: number,
    body: (fork: <T>(index: number, branch: Branch<T>) => Promise<T>) => Promise<R>,
  ): Promise<R> {
    const key = this.#steps.branch(this.#scope, name);
    const scopes: Scope[] = Array.from({ length: count }, (_, index) => this.#scope.fork(key, index));
    const fork = <T>(index: number, branch: Branch<T>): Promise<T> => branch(new WorkflowContext(this.#steps, scopes[index] as Scope));
    try {
      return await body(fork);
    } finally {
      for (const scope of scopes) this.#steps.endBranch(this.#scope, scope, BRANCH_ENDED);
      this.#scope.leave();
    }
  }
}

/** Dates end at 8.64e15 ms (ECMA-262 §21.4.1.1); a thousand years from now lie well before. */
const SLEEP_MAX_MS = 1000 * 366 * 86_400_000;
