import {
  AppError,
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
import type { Operations } from "./operations.ts";
import type { Scope } from "./scope.ts";

const BRANCH_ENDED = new AppError("cancelled", "another branch ended first");
/** Branches one `map` may run at once. */
const CONCURRENCY_MAX = 1000;

/** Who does or finds the steps a workflow asks for. */
export interface Steps {
  readonly parts: RunParts;
  request(scope: Scope, operation: Operation): Promise<Json>;
  /** Begins branches; returns their common key. */
  branch(scope: Scope, name: string): string;
  endBranch(parent: Scope, child: Scope, reason: AppError): void;
}

/** What a workflow holds: one branch of an execution. */
export class WorkflowContext implements RunContext {
  readonly #steps: Steps;
  readonly #operations: Operations;
  readonly #scope: Scope;
  #uuids = 0;

  constructor(steps: Steps, operations: Operations, scope: Scope) {
    this.#steps = steps;
    this.#operations = operations;
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

  step<T extends Json | void>(name: string, action: (step: StepContext) => Promise<T> | T, options: StepOptions = {}): Promise<T> {
    return this.#do(this.#operations.step(name, action, options));
  }

  generate(model: string, request: ModelRequest): Promise<Reply> {
    return this.#do(this.#operations.generate(model, request));
  }

  call(tool: string, input: Json): Promise<Json> {
    return this.#do(this.#operations.call(tool, input));
  }

  start(workflow: string, input: Json): Promise<Json> {
    return this.#do(this.#operations.start(workflow, input));
  }

  async sleep(ms: number): Promise<void> {
    if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) throw new AppError("invalid_input", `wanted a sleep of 0 or more ms, got ${ms}`);
    await this.#do(this.#operations.sleep(ms));
  }

  async waitFor(signalName: string, options: { readonly timeoutMs?: number } = {}): Promise<Json | undefined> {
    const output = await this.#do<SignalOutput>(this.#operations.waitFor(signalName, options.timeoutMs));
    return output.received ? output.value : undefined;
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
    return new Date(await this.#do<string>(this.#operations.record("now", "now", () => new Date().toISOString())));
  }

  uuid(): string {
    this.#uuids += 1;
    return derivedId(`${this.runId}/${this.#scope.prefix}uuid/${this.#uuids}`);
  }

  async emit(event: { readonly name: string; readonly data: Json }): Promise<void> {
    await this.#do(this.#operations.record("emit", event.name, () => event.data));
  }

  // What a step gave is JSON by the time it is journaled; its type is the workflow author's word, as in any database.
  #do<T>(operation: Operation): Promise<T> {
    return this.#steps.request(this.#scope, operation) as Promise<T>;
  }

  /** Runs branches with contexts of their own; when `body` ends, whatever still runs in them is cancelled. */
  async #branched<R>(
    name: string,
    count: number,
    body: (fork: <T>(index: number, branch: Branch<T>) => Promise<T>) => Promise<R>,
  ): Promise<R> {
    const key = this.#steps.branch(this.#scope, name);
    const scopes: Scope[] = Array.from({ length: count }, (_, index) => this.#scope.fork(key, index));
    const fork = <T>(index: number, branch: Branch<T>): Promise<T> =>
      branch(new WorkflowContext(this.#steps, this.#operations, scopes[index] as Scope));
    try {
      return await body(fork);
    } finally {
      for (const scope of scopes) this.#steps.endBranch(this.#scope, scope, BRANCH_ENDED);
      this.#scope.leave();
    }
  }
}
