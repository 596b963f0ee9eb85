import { AppError, type Json, type Outcome, type Replay } from "@tutti/core";
import { systemClock, type Clock } from "../clock.ts";
import type { EngineParts } from "../effects.ts";
import { Approvals } from "./approvals.ts";
import { Budget } from "./budget.ts";
import { CallCounts } from "./call-counts.ts";
import { WorkflowContext, type Steps } from "./context.ts";
import { Deliveries, type Receiver } from "./deliveries.ts";
import { differenceAt, endDifference, type Ending } from "./difference.ts";
import type { ApprovalAnswer, Closing, History, ReceivedSignal } from "./history.ts";
import { Mailbox } from "./mailbox.ts";
import {
  toJson,
  type ExecutionHost,
  type IdleWait,
  type Operation,
  type OperationCall,
  type Performed,
  type RunParts,
} from "./operation.ts";
import { record, undo, type OtherRuns, type Workbench } from "./operations/index.ts";
import { completionOf } from "./completion.ts";
import { recordingOf } from "./recording.ts";
import { Scope } from "./scope.ts";
import { Taint } from "./taint.ts";
import { waitUntil } from "./timers.ts";
import { Undos } from "./undos.ts";

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

/** What an execution works with. `resumed` says why the run goes on, when that is news. */
export interface ExecutionOptions {
  readonly host: ExecutionHost;
  readonly mode: Mode;
  readonly engine: EngineParts;
  readonly runs: OtherRuns;
  readonly clock?: Clock | undefined;
  readonly resumed?: string | undefined;
}

/**
 * One run of one workflow over its history. Results reach the workflow in the order in which they are journaled; a replay delivers the
 * recorded ones in that same order (deliveries.ts). So everything a workflow can see, shared variables between branches included, is the
 * same again. Steps that were not recorded start once the recorded ones are delivered.
 */
export class Execution implements Steps, Receiver<Pending> {
  readonly parts: RunParts;
  readonly history: History;
  readonly bench: Workbench;
  readonly #host: ExecutionHost;
  readonly #clock: Clock;
  readonly #mode: Mode;
  readonly #resumed: string | undefined;
  readonly #root = new Scope();
  /** Where undo handlers run, when the root is closed. */
  #tail: Scope | undefined;
  readonly #pending = new Map<string, Pending>();
  readonly #deferred: Pending[] = [];
  readonly #deliveries: Deliveries<Pending>;
  readonly #performing = new Set<Promise<void>>();
  readonly #waits = new Map<string, IdleWait>();
  /** Steps that said in this process that they had begun. */
  readonly #begun = new Set<string>();
  readonly #undos: Undos;
  readonly #queries = new Map<string, () => Json>();
  readonly #verdict = Promise.withResolvers<Replay>();
  readonly #live = Promise.withResolvers<void>();
  /** Steps of branches that have ended: nobody waits for them. */
  readonly #dropped = new Map<string, Pending>();
  #durable: Promise<boolean> = Promise.resolve(true);
  #stopGrace: (() => void) | undefined;
  #isFinishing = false;
  #isOver = false;
  #closing: Closing | undefined;

  constructor(parts: RunParts, history: History, options: ExecutionOptions) {
    const { host, engine, runs, clock = systemClock } = options;
    this.parts = parts;
    this.history = history;
    this.#host = host;
    this.#clock = clock;
    this.#mode = options.mode;
    this.#resumed = options.resumed;
    const budget = new Budget(parts.limits);
    for (const usage of history.usages) budget.add(usage);
    const mailbox = new Mailbox(history, clock);
    this.bench = {
      run: parts,
      host: this.#listening(host),
      engine,
      runs,
      mailbox,
      approvals: new Approvals(history, this.#listening(host), clock),
      budget,
      taint: new Taint(parts.tainted, history.tainted),
      calls: new CallCounts(history, parts.callsBefore),
      clock,
    };
    this.#undos = new Undos((scope, name, action) => this.request(scope, undo(this.bench, name, action)));
    this.#deliveries = new Deliveries(this, history, clock);
  }

  /** Starts the workflow. Its result goes to the journal, not to the caller. */
  run(): void {
    void this.#runWorkflow();
    this.#deliveries.start();
  }

  /** The verdict of a dry run. */
  get verdict(): Promise<Replay> {
    return this.#verdict.promise;
  }

  /** What the run waits for, when that is all it does; `undefined` when it does more. */
  get idleWaits(): ReadonlyMap<string, IdleWait> | undefined {
    const isIdle = !this.#isOver && this.#deliveries.isEmpty && this.#pending.size > 0 && this.#waits.size === this.#pending.size;
    return isIdle ? this.#waits : undefined;
  }

  /** Closes all branches, once what was recorded before is delivered; the workflow unwinds, its steps are undone, and the run ends. */
  close(closing: Closing): void {
    if (!this.#isOver) this.#deliveries.add(closing);
  }

  deliverSignal(signal: ReceivedSignal): void {
    this.bench.taint.add(signal.tainted ?? []);
    this.bench.mailbox.deliver(signal);
  }

  /** Whether it delivers nothing any more: it has ended, or leaves the memory. */
  get isOver(): boolean {
    return this.#isOver;
  }

  hasSignal(id: string): boolean {
    return this.bench.mailbox.has(id);
  }

  get untakenSignals(): number {
    return this.bench.mailbox.untaken.length;
  }

  answersTo(key: string): readonly ApprovalAnswer[] {
    return this.bench.approvals.answersTo(key);
  }

  deliverAnswer(key: string, answer: ApprovalAnswer): void {
    this.bench.approvals.answer(key, answer);
  }

  /** Resolves when the workflow stands where its log ends, or no longer fits it. */
  get whenLive(): Promise<unknown> {
    return Promise.race([this.#live.promise, this.#verdict.promise]);
  }

  /** What a query says, once the workflow stands where its log ends. */
  async query(name: string): Promise<Json> {
    await this.whenLive;
    const read = this.#queries.get(name);
    if (read !== undefined) return answerOf(this.parts.workflow.name, name, read);
    const known = [...this.#queries.keys()].join(", ") || "none";
    throw new AppError("not_found", `wanted a query of "${this.parts.workflow.name}", got "${name}"; it answers: ${known}`);
  }

  /** Starts nothing more and delivers nothing more; resolves when the steps under way are journaled. The run stays unfinished. */
  async halt(): Promise<void> {
    this.#stop();
    const reason = new AppError("cancelled", "Tutti stops");
    this.#root.halt(reason);
    this.#tail?.halt(reason);
    await Promise.all(this.#performing);
  }

  /** Aborts what is under way after a halt; nothing of it is journaled. */
  abandon(): void {
    const reason = new AppError("cancelled", "Tutti stopped before the step ended; it is tried again at the next start");
    this.#root.close(reason);
    this.#tail?.close(reason);
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
    const difference = differenceAt(this.history, key, operation);
    if (difference !== undefined) this.changed(difference);
    else this.#begin(pending);
    return pending.settled.promise;
  }

  #begin(pending: Pending): void {
    this.#pending.set(pending.key, pending);
    if (this.history.record(pending.key) !== undefined) this.#deliveries.schedule();
    else if (this.#deliveries.isReplaying) this.#deferred.push(pending);
    else this.#perform(pending);
  }

  /** A workflow asks for branches; returns their common key. */
  branch(scope: Scope, name: string): string {
    const key = scope.enter(name);
    const found = this.history.record(key);
    if (found !== undefined) this.changed(`at ${key} the log has the ${found.kind} "${found.name}", the workflow now asks for ${name}`);
    return key;
  }

  /** Ends a branch; steps of it that are under way are cancelled, and their results are not journaled. */
  endBranch(parent: Scope, child: Scope, reason: AppError): void {
    parent.end(child, reason);
    this.#dropClosed();
  }

  /** A run whose log passed this place without the patch goes the old way; all others record that they took the new one. */
  async patched(scope: Scope, id: string): Promise<boolean> {
    const key = scope.nextKey;
    const found = this.history.record(key);
    const isPatch = found?.kind === "patch" && found.name === id;
    if (!isPatch && (this.history.knows(key) || this.history.end !== undefined)) return false;
    return (
      (await this.request(
        scope,
        record(this.bench, { kind: "patch", name: id }, () => true),
      )) === true
    );
  }

  compensate(scope: Scope): Promise<void> {
    return this.#undos.run(scope);
  }

  setQuery(name: string, read: () => Json): void {
    this.#queries.set(name, read);
  }

  continueAsNew(input: Json): Promise<never> {
    void this.#finish({ type: "continue", input: toJson(input) });
    return new Promise(() => undefined);
  }

  pendingAt(key: string): Pending | undefined {
    return this.#pending.get(key) ?? this.#dropped.get(key);
  }

  isDropped(key: string): boolean {
    return this.#dropped.has(key);
  }

  settle(pending: Pending, outcome: Outcome): void {
    const { name, undo: takeBack } = pending.operation;
    // What is done is undone if need be, also when nobody waits for it any more.
    if (outcome.ok && takeBack !== undefined) this.#undos.add(name, (step) => takeBack(outcome.output, step));
    if (!this.#pending.delete(pending.key)) return;
    pending.scope.leave();
    if (outcome.ok) pending.settled.resolve(outcome.output);
    else pending.settled.reject(AppError.revive(outcome.code, outcome.message));
  }

  applyClosing(closing: Closing): void {
    if (this.#closing !== undefined) return;
    this.#closing = closing;
    const message = closing.code === "cancelled" ? `the run was cancelled: ${closing.reason}` : closing.reason;
    this.#root.close(new AppError(closing.code, message));
    this.#dropClosed();
    if (this.#mode === "live") this.#stopGrace = this.#clock.after(CANCEL_GRACE_MS, () => void this.#finish(endingOf(closing)));
  }

  /** All that was recorded is delivered: what the workflow asks for from now on is done. */
  goLive(): void {
    if (this.#mode === "live") {
      if (this.#resumed !== undefined) void this.#host.append([{ type: "run.resumed", reason: this.#resumed }]);
      if (this.parts.limits?.timeMs !== undefined) void this.#watchDeadline(this.parts.startedAtMs + this.parts.limits.timeMs);
    }
    this.#abandonDropped();
    for (const pending of this.#deferred.splice(0)) if (this.#pending.has(pending.key)) this.#perform(pending);
    this.#live.resolve();
  }

  /** The workflow no longer fits its log: nothing is delivered any more, and the run waits for someone to look. */
  changed(difference: string): void {
    if (this.#isOver) return;
    this.#stop();
    this.#verdict.resolve({ matches: false, steps: this.#deliveries.steps, reason: difference });
    if (this.#mode === "live") void this.#pause(difference);
  }

  async #pause(difference: string): Promise<void> {
    const { name, version } = this.parts.workflow;
    const message = `the workflow "${name}" changed since this run began (this is version ${version}): ${difference}; resume it on the version it began with, fork it before that step, or cancel it`;
    const last = this.history.lastEvent;
    if (last?.type !== "run.paused" || last.message !== message)
      await this.#host.append([{ type: "run.paused", code: "workflow_changed", message }]).catch(() => undefined);
    this.#host.onSettled();
  }

  async #watchDeadline(deadlineMs: number): Promise<void> {
    await waitUntil(deadlineMs, this.#root, this.#clock).catch(() => undefined);
    if (this.#isOver || this.#isFinishing || this.#root.isStopped) return;
    const reason = `wanted an end within ${this.parts.limits?.timeMs} ms, got none; start the run with a larger timeMs`;
    void this.#host.append([{ type: "cancel.requested", reason, code: "deadline_exceeded" }]);
    this.close({ type: "closing", code: "deadline_exceeded", reason });
  }

  #dropClosed(): void {
    for (const [key, pending] of this.#pending) {
      const { closed } = pending.scope;
      if (closed === undefined) continue;
      this.#pending.delete(key);
      this.#dropped.set(key, pending);
      pending.settled.reject(closed);
      this.#tellCancelled(pending);
    }
  }

  /** Hears which steps say that they have begun. */
  #listening(host: ExecutionHost): ExecutionHost {
    const append: ExecutionHost["append"] = (bodies) => {
      for (const body of bodies) if (body.type === "step.waiting" || body.type === "step.started") this.#begun.add(body.key);
      return host.append(bodies);
    };
    return { ...host, append };
  }

  /** What has begun in the log ends there, too. */
  #tellCancelled({ key, operation: { kind, name } }: Pending): void {
    // A closing has said it of all steps.
    const isOpen = this.#closing === undefined && (this.#begun.has(key) || this.history.isOpen(key));
    if (isOpen && this.#mode === "live" && !this.#deliveries.isReplaying && !this.#isOver)
      void this.#host.append([{ type: "step.cancelled", key, kind, name }]);
  }

  /** What an earlier process began for branches that have ended in the replay is ended now. */
  #abandonDropped(): void {
    if (this.#mode === "dry") return;
    for (const pending of this.#dropped.values()) {
      if (this.history.isOpen(pending.key)) this.#tellCancelled(pending);
      if (this.history.record(pending.key) === undefined) pending.operation.abandon?.(pending.key);
    }
  }

  async #runWorkflow(): Promise<void> {
    const { workflow, input } = this.parts;
    try {
      const output = await workflow.run(new WorkflowContext(this, this.#root), input);
      await this.#finish({ type: "run.completed", output: toJson(output) });
    } catch (thrown) {
      const error = AppError.from(thrown);
      await this.#finish({ type: "run.failed", code: error.code, message: error.message });
    }
  }

  async #finish(asked: Ending): Promise<void> {
    if (this.#isOver || this.#isFinishing) return;
    this.#isFinishing = true;
    let ending = this.#closing === undefined ? asked : endingOf(this.#closing);
    if (this.#undos.size > 0 && (ending.type === "run.failed" || ending.type === "run.cancelled")) ending = await this.#undone(ending);
    if (this.#isOver) return;
    const { missing } = this.#deliveries;
    if (missing !== undefined) {
      this.changed(`the log has the ${missing.kind} "${missing.name}" at ${missing.key}, the workflow now ends without it`);
      return;
    }
    // A workflow may end with the last recorded result, before anything goes live.
    if (this.#deliveries.isReplaying) this.#abandonDropped();
    this.#stop();
    this.#root.close(RUN_ENDED);
    if (this.#mode === "dry") this.#judge(ending);
    else await this.#writeEnd(ending);
  }

  /** The ending after all undo handlers have run; another one when some of them failed for good. */
  async #undone(ending: Ending): Promise<Ending> {
    this.#tail = this.#root.successor();
    try {
      await this.#undos.run(this.#tail);
      return ending;
    } catch (thrown) {
      const { code, message } = AppError.from(thrown);
      const why = ending.type === "run.failed" ? `${ending.code}: ${ending.message}` : ending.type;
      return { type: "run.failed", code, message: `${message} (after ${why})` };
    }
  }

  async #writeEnd(ending: Ending): Promise<void> {
    const usage = this.bench.budget.forEnd;
    const taint = this.bench.taint.field;
    const { calls, mailbox } = this.bench;
    if (ending.type === "continue") await this.#host.goOn({ input: ending.input, signals: mailbox.untaken, usage, taint, calls });
    else {
      const end = ending.type === "run.completed" ? await completionOf(ending.output, this.bench) : ending;
      await this.#host.append([{ ...end, ...usage, ...taint, ...calls.field }]);
    }
    this.#host.onSettled();
  }

  #judge(ending: Ending): void {
    const reason = endDifference(this.history, ending);
    const { steps } = this.#deliveries;
    const output = ending.type === "run.completed" ? ending.output : null;
    this.#verdict.resolve(reason === undefined ? { matches: true, steps, output } : { matches: false, steps, reason });
  }

  #stop(): void {
    this.#isOver = true;
    this.#deliveries.stop();
    this.#stopGrace?.();
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
    if (!(await this.#durable) || scope.isStopped) return;
    const progress = this.history.progress(key);
    const performed = await this.#performed(operation, { key, scope, progress, idle: (wait) => this.#idle(key, wait) });
    if (performed === undefined || scope.closed !== undefined) return;
    const recording = recordingOf({ key, kind: operation.kind, name: operation.name }, performed, this.#host);
    const { body, outcome } = recording instanceof Promise ? await recording : recording;
    if (scope.closed !== undefined) return;
    this.#durable = this.#host.append([body]);
    // The workflow may look at the result already: until it is durable, all that it can do is think.
    this.#deliveries.add({ type: "result", pending, outcome });
    await this.#durable;
  }

  #idle(key: string, wait: IdleWait): () => void {
    this.#waits.set(key, wait);
    if (this.idleWaits !== undefined) this.#host.onIdle();
    return () => void this.#waits.delete(key);
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

  /** A dry run has come to where the log ends. */
  #stopDry({ key, operation }: Pending): void {
    if (this.history.end === undefined) {
      this.#stop();
      this.#verdict.resolve({ matches: true, steps: this.#deliveries.steps, output: null });
    } else this.changed(`the workflow now asks for the ${operation.kind} "${operation.name}" at ${key}, the log has no such step`);
  }
}

/** What a query's handler says; a handler that fails is the workflow's fault, and its author wants to know how. */
function answerOf(workflow: string, name: string, read: () => Json): Json {
  try {
    return toJson(read());
  } catch (error) {
    throw new AppError("conflict", `the query "${name}" of "${workflow}" failed: ${AppError.from(error).message}`, { cause: error });
  }
}

function endingOf({ code, reason }: Closing): Ending {
  return code === "cancelled" ? { type: "run.cancelled", reason } : { type: "run.failed", code, message: reason };
}
