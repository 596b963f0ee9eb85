import {
  AppError,
  type EventBody,
  type EventDraft,
  type Principal,
  type QueueConfig,
  type RunRecord,
  type Store,
  type Workflow,
} from "@tutti/core";
import type { Clock } from "../clock.ts";
import type { EngineParts } from "../effects.ts";
import type { ActiveRun } from "./active-run.ts";
import { Execution } from "./execution.ts";
import type { History } from "./history.ts";
import { LogReader, type LoadedRun } from "./log-reader.ts";
import { numbered, type Continuation, type ExecutionHost, type RunParts } from "./operation.ts";
import type { OtherRuns } from "./operations/index.ts";
import { Parking } from "./parking.ts";
import type { Payloads } from "./payloads.ts";
import { Queues } from "./queues.ts";
import type { Results } from "./results.ts";
import type { Watchers } from "./watchers.ts";

/** Runs listed at once when all are recovered. */
const PAGE = 1000;
const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;
const GOES_ON = "Tutti started again";

/** What the runs in memory work with. */
export interface RunsParts {
  readonly store: Store;
  readonly engine: EngineParts;
  readonly clock: Clock;
  readonly payloads: Payloads;
  readonly results: Results;
  readonly watchers: Watchers;
  readonly runsActiveMax: number;
  readonly queues: readonly QueueConfig[];
  readonly otherRuns: (principal: Principal) => OtherRuns;
  readonly goOn: (run: RunParts, continuation: Continuation) => Promise<void>;
}

/** The runs that are in memory: how they get there, how they write, and how they leave. */
export class RunsInMemory {
  readonly queues: Queues;
  readonly #parts: RunsParts;
  readonly #active = new Map<string, ActiveRun>();
  readonly #loading = new Map<string, Promise<ActiveRun | undefined>>();
  readonly #exclusive = new Map<string, Promise<unknown>>();
  readonly #parking: Parking;
  readonly #reader: LogReader;
  #stopAdmission: (() => void) | undefined;
  #isStopping = false;

  constructor(parts: RunsParts) {
    const { store, clock, runsActiveMax } = parts;
    this.#parts = parts;
    this.queues = new Queues(parts.queues);
    this.#reader = new LogReader(store, parts.payloads, (name, version) => this.findWorkflow(name, version));
    this.#parking = new Parking({
      store,
      clock,
      runsActiveMax,
      active: this.#active,
      evict: (runId, run) => this.#evict(runId, run),
      wake: async (runId) => this.activate(await this.find(runId)),
    });
  }

  get reader(): LogReader {
    return this.#reader;
  }

  has(runId: string): boolean {
    return this.#active.has(runId);
  }

  /** Whether a run is in memory and has not come to its end. */
  isUnderWay(runId: string): boolean {
    return this.#active.get(runId)?.hasEnded === false;
  }

  /** Throws when no run can be started now. Children may exceed the bound, or their parents could wait for ever. */
  admit(isChild: boolean): void {
    if (this.#isStopping) throw new AppError("overloaded", "Tutti is stopping and takes no new runs; try again when it is back");
    if (isChild) return;
    const health = this.#parts.store.health();
    if (!health.ok) throw new AppError(health.code, health.message);
    const { runsActiveMax } = this.#parts;
    if (this.#active.size >= runsActiveMax)
      throw new AppError(
        "overloaded",
        `wanted fewer than ${runsActiveMax} runs at once, got ${this.#active.size}; try again later, use a queue, or raise runsActiveMax`,
      );
  }

  /** The workflow on the version a run is pinned to; on the newest when that is not installed, or none is named. */
  findWorkflow(name: string, version?: string): Workflow {
    const { workflow } = this.#parts.engine;
    const found = (version === undefined ? undefined : workflow(name, version)) ?? workflow(name);
    if (found !== undefined) return found;
    throw new AppError("not_found", `wanted a workflow or agent called "${name}", got none by that name; \`GET /v1/workflows\` lists them`);
  }

  async find(runId: string): Promise<RunRecord> {
    const record = await this.#parts.store.run(runId);
    if (record !== undefined) return record;
    throw new AppError("not_found", `wanted a run, got "${runId}", which is none; \`tutti runs list\` shows them`);
  }

  /** The run, or the one it went on as in the end. */
  async newest(runId: string): Promise<RunRecord> {
    for (let record = await this.find(runId); ;) {
      const last = record.status === "continued" ? await this.#reader.last(record) : undefined;
      if (last?.type !== "run.continued") return record;
      record = await this.find(last.nextRunId);
    }
  }

  /** Puts a run in memory without starting it. */
  create({ parts, history }: LoadedRun, resumed?: string): ActiveRun {
    const { engine, clock, otherRuns } = this.#parts;
    const { runId } = parts;
    const host = this.#hostOf(parts);
    const execution = new Execution(parts, history, { host, mode: "live", engine, clock, resumed, runs: otherRuns(parts.principal) });
    const deadlineMs = parts.startedAtMs + (parts.limits?.timeMs ?? Infinity);
    const run: ActiveRun = {
      execution,
      deadlineMs,
      left: Promise.withResolvers(),
      durable: Promise.resolve(true),
      seq: history.lastSeq,
      hasEnded: false,
      pins: 0,
      isIdle: false,
    };
    this.#active.set(runId, run);
    return run;
  }

  /** Brings an unfinished run into memory, once, and has it go on; `undefined` when it cannot. */
  activate(record: RunRecord, resumed?: string): Promise<ActiveRun | undefined> {
    const active = this.#active.get(record.id);
    if (active !== undefined || record.endedAt !== null || this.#isStopping) return Promise.resolve(active);
    const loading =
      this.#loading.get(record.id) ??
      this.#exclusively(record.id, () => this.#resume(record, resumed)).finally(() => this.#loading.delete(record.id));
    this.#loading.set(record.id, loading);
    return loading;
  }

  /** Loads a run for a look, without its side effects. */
  load(record: RunRecord): Promise<LoadedRun> {
    return this.#reader.load(record);
  }

  /** Goes on with all unfinished runs that need to be in memory. */
  async recover(): Promise<number> {
    let count = 0;
    let beforeId: string | undefined;
    const queued: RunRecord[] = [];
    for (;;) {
      const page = await this.#parts.store.runs({
        statuses: UNFINISHED,
        parked: false,
        limit: PAGE,
        ...(beforeId === undefined ? {} : { beforeId }),
      });
      for (const record of page) {
        if (record.status === "queued") queued.push(record);
        else if ((await this.activate(record, GOES_ON)) !== undefined) count += 1;
      }
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    for (const record of queued.toReversed()) await this.enqueue(record);
    await this.#parking.start();
    return count + queued.length;
  }

  /** Gives a run that is journaled as queued its place in the row. */
  async enqueue(record: RunRecord): Promise<void> {
    const { history } = await this.load(record);
    if (history.queue === undefined || history.isAdmitted || this.queues.has(record.id)) return;
    // A queue that is configured no longer holds its runs until it is again, or until they are cancelled.
    if (!this.queues.knows(history.queue.queue)) return;
    const { queue, queueKey: key, priority } = history.queue;
    this.queues.enqueue({ runId: record.id, queue, key, priority, queuedAtMs: history.startedAtMs ?? 0 });
    this.admitQueued();
  }

  /** Starts the runs whose turn it is. */
  admitQueued(): void {
    const { clock } = this.#parts;
    if (this.#isStopping) return;
    for (const { runId, queuedAtMs } of this.queues.admit(clock.nowMs()))
      void this.#begin(runId, queuedAtMs).catch(() => this.queues.release(runId));
    const { nextAtMs } = this.queues;
    this.#stopAdmission?.();
    this.#stopAdmission = Number.isFinite(nextAtMs) ? clock.after(nextAtMs - clock.nowMs(), () => this.admitQueued()) : undefined;
  }

  /** Journals events of a run in memory, in one piece with those of another; false when the store is gone for good. */
  append(runId: string, bodies: readonly EventBody[], more: readonly EventDraft[] = []): Promise<boolean> {
    const run = this.#active.get(runId);
    if (run === undefined || run.hasEnded) return Promise.resolve(false);
    run.hasEnded = bodies.some(isEnd);
    const afterSeq = run.seq;
    run.seq += bodies.length;
    run.durable = this.journal([...numbered({ runId, afterSeq, nowMs: this.#parts.clock.nowMs() }, bodies), ...more], "now");
    return run.durable;
  }

  /**
   * Journals events of a run that is not in memory: one write after the other, each on what is in the log then. `make` says what to write,
   * or throws. Throws `conflict` when the run has come into memory meanwhile.
   */
  async appendTo(runId: string, make: (record: RunRecord) => readonly EventBody[]): Promise<void> {
    await this.#exclusively(runId, async () => {
      const active = this.#active.get(runId);
      // One that has just paused is about to leave.
      if (active?.execution.isOver === true) await active.left.promise;
      const record = await this.find(runId);
      if (this.#active.has(runId)) throw new AppError("conflict", `wanted a run that stands still, got ${runId}, which goes on; try again`);
      if (await this.#appendAfter(record, make(record))) return;
      throw new AppError("storage_unwritable", `it could not be written: ${JSON.stringify(this.#parts.store.health())}`);
    });
  }

  #appendAfter(record: RunRecord, bodies: readonly EventBody[]): Promise<boolean> {
    return this.journal(numbered({ runId: record.id, afterSeq: record.events, nowMs: this.#parts.clock.nowMs() }, bodies), "now");
  }

  /** Does one thing with a run after the other. */
  async #exclusively<T>(runId: string, action: () => Promise<T>): Promise<T> {
    const before = this.#exclusive.get(runId);
    const mine = before === undefined ? action() : before.then(action, action);
    this.#exclusive.set(runId, mine);
    try {
      return await mine;
    } finally {
      if (this.#exclusive.get(runId) === mine) this.#exclusive.delete(runId);
    }
  }

  async journal(events: readonly EventDraft[], when: "now" | "soon"): Promise<boolean> {
    const { store, watchers, results } = this.#parts;
    try {
      await store.append(events, when);
    } catch {
      // The store's health says why; the run stays unfinished and goes on at the next start.
      return false;
    }
    for (const event of events) {
      watchers.publish(event);
      results.settle(event);
      if (isEnd(event) && event.type !== "run.continued") void this.#parking.wakeJoiners(event.runId).catch(() => undefined);
    }
    return true;
  }

  /** Forgets a run at once and aborts what it does; nothing of it is journaled any more. */
  release(runId: string): void {
    const run = this.#active.get(runId);
    if (run === undefined) return;
    this.#evict(runId, run);
    run.execution.abandon();
  }

  /** Lets steps under way finish for up to `graceMs`; the runs stay unfinished. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#parking.stop();
    this.#stopAdmission?.();
    const executions = [...this.#active.values()].map(({ execution }) => execution);
    const halted = Promise.all(executions.map((execution) => execution.halt()));
    const timedOut = Promise.withResolvers<void>();
    const stopTimer = this.#parts.clock.after(graceMs, timedOut.resolve);
    await Promise.race([halted, timedOut.promise]);
    stopTimer();
    for (const execution of executions) execution.abandon();
    for (const { left } of this.#active.values()) left.resolve();
    this.#active.clear();
  }

  #hostOf(run: RunParts): ExecutionHost {
    const { runId } = run;
    const { payloads, watchers, goOn } = this.#parts;
    return {
      append: (bodies) => this.append(runId, bodies),
      goOn: (continuation) => goOn(run, continuation),
      toJournal: (value) => payloads.toJournal(value),
      onPart: (part) => watchers.publishPart(runId, part),
      onIdle: () => {
        const active = this.#active.get(runId);
        if (active !== undefined) this.#parking.idle(runId, active);
      },
      onSettled: () => {
        watchers.forget(runId);
        this.#leave(runId);
      },
    };
  }

  async #resume(record: RunRecord, resumed: string | undefined): Promise<ActiveRun | undefined> {
    if (this.#parts.engine.workflow(record.workflow) === undefined) return this.#pauseMissing(record);
    const loaded = await this.load(record);
    const { history } = loaded;
    const active = this.#active.get(record.id);
    // A log that has ended has ended, whatever the list of runs says. One that is queued waits for its turn.
    if (active !== undefined || history.end !== undefined || !history.isAdmitted) return active;
    this.#holdPlace(record.id, history);
    const run = this.create(loaded, resumed);
    run.execution.run();
    return run;
  }

  #holdPlace(runId: string, { queue, startedAtMs = 0 }: History): void {
    if (queue !== undefined)
      this.queues.hold({ runId, queue: queue.queue, key: queue.queueKey, priority: queue.priority, queuedAtMs: startedAtMs });
  }

  /** A run whose turn it is. */
  async #begin(runId: string, queuedAtMs: number): Promise<void> {
    const waitedMs = Math.max(0, this.#parts.clock.nowMs() - queuedAtMs);
    try {
      await this.appendTo(runId, ({ status }) => {
        if (status !== "queued") throw new AppError("conflict", `wanted a queued run, got ${runId}, which is ${status}`);
        return [{ type: "run.admitted", waitedMs }];
      });
      if ((await this.activate(await this.find(runId))) !== undefined) return;
    } catch (error) {
      // It was cancelled meanwhile, or the store is in trouble: whoever is next has the place, and the next start looks again.
      if (AppError.from(error).code === "internal") throw error;
    }
    this.queues.release(runId);
    this.admitQueued();
  }

  /** A run whose workflow is not installed any more waits until it is; the next start looks again. */
  async #pauseMissing(record: RunRecord): Promise<undefined> {
    if (record.status === "paused") return;
    const message = `the workflow "${record.workflow}" is not installed; add its plugin again, or cancel the run`;
    await this.#appendAfter(record, [{ type: "run.paused", code: "not_found", message }]);
  }

  #evict(runId: string, { execution }: ActiveRun): void {
    void execution.halt();
    this.#leave(runId);
  }

  #leave(runId: string): void {
    this.#active.get(runId)?.left.resolve();
    this.#active.delete(runId);
    if (this.queues.status.length === 0) return;
    this.queues.release(runId);
    this.admitQueued();
  }
}

function isEnd({ type }: EventBody): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled" || type === "run.continued";
}
