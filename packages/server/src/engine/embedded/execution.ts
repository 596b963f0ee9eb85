import { AppError, canonicalJson, type EventBody, type Json, type Outcome, type Replay } from "@tutti/core";
import type { EngineParts } from "../effects.ts";
import { WorkflowContext, type Steps } from "./context.ts";
import type { History, StepRecord } from "./history.ts";
import { toJson, type ExecutionHost, type Operation, type OperationCall, type Performed, type RunParts } from "./operation.ts";
import { Operations, type Children } from "./operations.ts";
import { Scope } from "./scope.ts";

/** How long a replay waits for the workflow to ask for a recorded step before it says that the workflow has changed. */
const STALL_MS = 1000;
/** How long a cancelled workflow may take to unwind before its run is closed over its head. */
const CANCEL_GRACE_MS = 30_000;

interface Pending {
  readonly key: string;
  readonly operation: Operation;
  readonly scope: Scope;
  readonly settled: PromiseWithResolvers<Json>;
}

/** One object for all: an error made for each run would cost more than the rest of its end. */
const RUN_ENDED = new AppError("cancelled", "the run has ended");

/** "live" does what was not recorded; "dry" only looks whether the workflow still does the same. */
type Mode = "live" | "dry";

/** What an execution works with. */
export interface ExecutionOptions {
  readonly host: ExecutionHost;
  readonly mode: Mode;
  readonly engine: EngineParts;
  readonly children: Children;
}

/**
 * One run of one workflow over its history. Results reach the workflow one at a time, a turn of the event loop for each, in the order in
 * which they are journaled; a replay delivers the recorded ones in that same order. So everything a workflow can see, shared variables
 * between branches included, is the same again. Steps that were not recorded start once the recorded ones are delivered.
 */
export class Execution implements Steps {
  readonly parts: RunParts;
  readonly history: History;
  readonly host: ExecutionHost;
  readonly #operations: Operations;
  readonly #mode: Mode;
  readonly #root = new Scope();
  readonly #pending = new Map<string, Pending>();
  readonly #deferred: Pending[] = [];
  readonly #deliveries: { readonly pending: Pending; readonly outcome: Outcome }[] = [];
  readonly #performing = new Set<Promise<void>>();
  readonly #verdict = Promise.withResolvers<Replay>();
  readonly #dropped = new Set<string>();
  #durable: Promise<boolean> = Promise.resolve(true);
  #replayed = 0;
  #isReplaying: boolean;
  #turnTaken = false;
  #stall: NodeJS.Timeout | undefined;
  #isOver = false;
  #cancelReason: string | undefined;

  constructor(parts: RunParts, history: History, options: ExecutionOptions) {
    this.parts = parts;
    this.history = history;
    this.host = options.host;
    this.#operations = new Operations({ run: parts, history, host: options.host, engine: options.engine, children: options.children });
    this.#mode = options.mode;
    this.#isReplaying = history.records.length > 0;
  }

  /** Starts the workflow. Its result goes to the journal, not to the caller. */
  run(): void {
    void this.#runWorkflow();
    if (this.#isReplaying) this.#scheduleTurn();
    else if (this.history.lastSeq > 0) this.#goLive();
  }

  /** The verdict of a dry run. */
  get verdict(): Promise<Replay> {
    return this.#verdict.promise;
  }

  /** Closes all branches; the workflow unwinds and the run ends as cancelled. */
  cancel(reason: string): void {
    if (this.#cancelReason !== undefined || this.#isOver) return;
    this.#cancelReason = reason;
    this.#root.close(new AppError("cancelled", `the run was cancelled: ${reason}`));
    this.#dropClosed();
    if (this.#mode === "live") setTimeout(() => void this.#end({ type: "run.cancelled", reason }), CANCEL_GRACE_MS).unref();
  }

  deliverSignal(name: string, value: Json): void {
    this.#operations.deliverSignal(name, value);
  }

  /** Starts nothing more and delivers nothing more; resolves when the steps under way are journaled. The run stays unfinished. */
  async halt(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#stall);
    this.#root.halt(new AppError("cancelled", "Tutti stops"));
    await Promise.all(this.#performing);
  }

  /** Aborts what is under way after a halt; nothing of it is journaled. */
  abandon(): void {
    this.#root.close(new AppError("cancelled", "Tutti stopped before the step ended; it is tried again at the next start"));
  }

  /** A workflow asks for a step. */
  request(scope: Scope, operation: Operation): Promise<Json> {
    let key: string;
    try {
      key = scope.enter(operation.name);
    } catch (error) {
      return Promise.reject(error);
    }
    const pending: Pending = { key, operation, scope, settled: Promise.withResolvers<Json>() };
    // A workflow may leave a losing branch's step unawaited; its rejection must not end the process.
    pending.settled.promise.catch(() => undefined);
    if (this.#isOver) return pending.settled.promise;
    const record = this.history.record(key);
    const difference = record === undefined ? this.#strayBranches(key, operation) : describeDifference(record, operation);
    if (difference !== undefined) void this.#changed(difference);
    else this.#begin(pending, record !== undefined);
    return pending.settled.promise;
  }

  #begin(pending: Pending, isRecorded: boolean): void {
    this.#pending.set(pending.key, pending);
    if (isRecorded) this.#scheduleTurn();
    else if (this.#isReplaying) this.#deferred.push(pending);
    else this.#perform(pending);
  }

  /** A workflow asks for branches; returns their common key. */
  branch(scope: Scope, name: string): string {
    const key = scope.enter(name);
    const record = this.history.record(key);
    if (record !== undefined)
      void this.#changed(`at ${key} the log has the ${record.kind} "${record.name}", the workflow now asks for ${name}`);
    return key;
  }

  /** Ends a branch; steps of it that are under way are cancelled, and their results are not journaled. */
  endBranch(parent: Scope, child: Scope, reason: AppError): void {
    parent.end(child, reason);
    this.#dropClosed();
  }

  #dropClosed(): void {
    for (const [key, { scope, settled }] of this.#pending) {
      if (scope.closed === undefined) continue;
      this.#pending.delete(key);
      this.#dropped.add(key);
      settled.reject(scope.closed);
    }
  }

  async #runWorkflow(): Promise<void> {
    const { workflow, input } = this.parts;
    try {
      const output = await workflow.run(new WorkflowContext(this, this.#operations, this.#root), input);
      await this.#finish({ type: "run.completed", output: toJson(output) });
    } catch (thrown) {
      const error = AppError.from(thrown);
      await this.#finish({ type: "run.failed", code: error.code, message: error.message });
    }
  }

  async #finish(end: EventBody): Promise<void> {
    if (this.#isOver) return;
    const missing = this.#isReplaying ? this.history.records.slice(this.#replayed).find(({ key }) => !this.#dropped.has(key)) : undefined;
    if (missing !== undefined && this.#cancelReason === undefined) {
      return this.#changed(`the log has the ${missing.kind} "${missing.name}" at ${missing.key}, the workflow now ends without it`);
    }
    const actual: EventBody = this.#cancelReason === undefined ? end : { type: "run.cancelled", reason: this.#cancelReason };
    if (this.#mode === "dry") this.#judge(actual);
    else await this.#end(actual);
  }

  async #end(end: EventBody): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#root.close(RUN_ENDED);
    await this.host.append([end.type === "run.completed" ? { ...end, output: await this.host.toJournal(end.output) } : end]);
    this.host.onSettled();
  }

  #judge(end: EventBody): void {
    this.#isOver = true;
    const recorded = this.history.end;
    const steps = this.#replayed;
    if (recorded === undefined || canonicalJson(recorded) === canonicalJson(end))
      this.#verdict.resolve({ matches: true, steps, output: end.type === "run.completed" ? end.output : null });
    else
      this.#verdict.resolve({
        matches: false,
        steps,
        reason: `the log ends with ${canonicalJson(recorded)}, the workflow now ends with ${canonicalJson(end)}`,
      });
  }

  #perform(pending: Pending): void {
    if (this.#mode === "dry") {
      this.#stopDry(pending);
      return;
    }
    const performing = this.#performAndJournal(pending).finally(() => this.#performing.delete(performing));
    this.#performing.add(performing);
  }

  async #performAndJournal(pending: Pending): Promise<void> {
    const { key, operation, scope } = pending;
    // What came before must be on disk before anything new touches the world.
    if (!(await this.#durable)) return;
    const performed = await this.#performed(operation, { key, scope, progress: this.history.progress(key) });
    if (performed === undefined || scope.closed !== undefined) return;
    const event = this.#toEvent(pending, performed);
    this.#durable = this.host.append([event instanceof Promise ? await event : event]);
    // The workflow may look at the result already: until it is durable, all that it can do is think.
    this.#deliveries.push({ pending, outcome: performed.outcome });
    this.#takeTurn();
    await this.#durable;
  }

  /** `undefined` when the step was stopped: its branch was closed and it was rejected then, or Tutti stops and does it again later. */
  async #performed(operation: Operation, call: OperationCall): Promise<Performed | undefined> {
    try {
      return await operation.perform(call);
    } catch (error) {
      if (call.scope.isStopped) return undefined;
      throw error;
    }
  }

  #toEvent(
    { key, operation: { kind, name } }: Pending,
    { outcome, attempt, startedAtMs, durationMs }: Performed,
  ): EventBody | Promise<EventBody> {
    const step = { key, kind, name, attempt, startedAt: new Date(startedAtMs).toISOString(), durationMs };
    if (!outcome.ok) return { type: "step.failed", ...step, code: outcome.code, message: outcome.message, retryAt: null };
    const output = this.host.toJournal(outcome.output);
    if (output instanceof Promise) return output.then((reference) => ({ type: "step.completed", ...step, output: reference }));
    return { type: "step.completed", ...step, output };
  }

  /** Delivers one result, then gives the workflow a turn of the event loop to go as far as it can before the next. */
  #takeTurn(): void {
    if (this.#turnTaken || this.#isOver) return;
    if (this.#isReplaying && this.#replayed === this.history.records.length) this.#goLive();
    if (this.#isReplaying ? this.#deliverRecorded() : this.#deliverLive()) this.#scheduleTurn();
  }

  #scheduleTurn(): void {
    if (this.#turnTaken) return;
    this.#turnTaken = true;
    setImmediate(() => {
      this.#turnTaken = false;
      this.#takeTurn();
    });
  }

  #deliverLive(): boolean {
    const next = this.#deliveries.shift();
    if (next !== undefined) this.#settle(next.pending, next.outcome);
    return next !== undefined;
  }

  /** The next recorded result. When the workflow has not asked for it, it gets a while to do so. */
  #deliverRecorded(): boolean {
    const record = this.history.records[this.#replayed];
    if (record === undefined) return false;
    const pending = this.#pending.get(record.key);
    // A step of a branch that lost a race may have been recorded although nobody waited for it any more.
    if (pending === undefined && !this.#dropped.has(record.key)) {
      this.#stall ??= setTimeout(
        () => void this.#changed(`the log has the ${record.kind} "${record.name}" at ${record.key}, the workflow no longer asks for it`),
        STALL_MS,
      );
      return false;
    }
    clearTimeout(this.#stall);
    this.#stall = undefined;
    this.#replayed += 1;
    if (pending !== undefined) this.#settle(pending, record.outcome);
    return true;
  }

  #settle(pending: Pending, outcome: Outcome): void {
    if (!this.#pending.delete(pending.key)) return;
    pending.scope.leave();
    if (outcome.ok) pending.settled.resolve(outcome.output);
    else pending.settled.reject(AppError.revive(outcome.code, outcome.message));
  }

  #goLive(): void {
    this.#isReplaying = false;
    if (this.#mode === "live") void this.host.append([{ type: "run.resumed", reason: "Tutti started again" }]);
    if (this.history.cancelReason !== undefined) this.cancel(this.history.cancelReason);
    for (const pending of this.#deferred.splice(0)) if (this.#pending.has(pending.key)) this.#perform(pending);
  }

  /** A dry run has come to where the log ends. */
  #stopDry({ key, operation }: Pending): void {
    if (this.history.end === undefined) {
      this.#isOver = true;
      this.#verdict.resolve({ matches: true, steps: this.#replayed, output: null });
    } else void this.#changed(`the workflow now asks for the ${operation.kind} "${operation.name}" at ${key}, the log has no such step`);
  }

  #strayBranches(key: string, operation: Operation): string | undefined {
    return this.history.branchedAt(key)
      ? `at ${key} the log has branches, the workflow now asks for the ${operation.kind} "${operation.name}"`
      : undefined;
  }

  /** The workflow no longer fits its log: nothing is delivered any more, and the run waits for someone to look. */
  async #changed(difference: string): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#stall);
    this.#verdict.resolve({ matches: false, steps: this.#replayed, reason: difference });
    if (this.#mode === "dry") return;
    const message = `the workflow "${this.parts.workflow.name}" changed since this run began: ${difference}; start Tutti with the old version, or cancel the run`;
    const last = this.history.lastEvent;
    if (last?.type !== "run.paused" || last.message !== message)
      await this.host.append([{ type: "run.paused", code: "workflow_changed", message }]).catch(() => undefined);
    this.host.onSettled();
  }
}

function describeDifference(record: StepRecord, operation: Operation): string | undefined {
  if (record.kind === operation.kind && record.name === operation.name) return undefined;
  return `at ${record.key} the log has the ${record.kind} "${record.name}", the workflow now asks for the ${operation.kind} "${operation.name}"`;
}
