import {
  AppError,
  enforce,
  type Action,
  type Engine,
  type Event,
  type EventBody,
  type EventDraft,
  type Fork,
  type Json,
  type ModelPart,
  type Principal,
  type QueueConfig,
  type RecordedRun,
  type RecordedStep,
  type Replay,
  type RunRecord,
  type StartOptions,
  type Store,
} from "@tutti/core";
import type { Answer } from "@tutti/core/policy";
import { iso, systemClock, type Clock } from "../clock.ts";
import { timed, type EngineParts } from "../effects.ts";
import { newRunId } from "../run-id.ts";
import type { ActiveRun } from "./active-run.ts";
import { checkAnswer, refuseDenied } from "./answering.ts";
import { Execution } from "./execution.ts";
import type { ReceivedSignal } from "./history.ts";
import { NOWHERE, numbered } from "./operation.ts";
import type { OtherRuns, RunOutcome } from "./operations/index.ts";
import { otherRunsOf } from "./other-runs.ts";
import { Payloads } from "./payloads.ts";
import { recordRun } from "./recorded-run.ts";
import { Results } from "./results.ts";
import { RunsInMemory } from "./runs-in-memory.ts";
import { checkedValue } from "./signal-value.ts";
import { Starter } from "./starter.ts";
import { fieldOf } from "./taint.ts";
import { Watchers } from "./watchers.ts";

/** Signals that may wait in a run until its workflow takes them. */
const SIGNALS_UNTAKEN_MAX = 10_000;

/**
 * What an embedded engine is made of. `runsActiveMax` bounds the runs in memory; child runs may exceed it, or parents could wait for ever.
 * `peers` is the engine through which runs reach other runs; this one when left out.
 */
export interface EmbeddedEngineOptions {
  readonly store: Store;
  readonly parts: EngineParts;
  readonly runsActiveMax: number;
  readonly queues?: readonly QueueConfig[] | undefined;
  readonly clock?: Clock | undefined;
  readonly peers?: Pick<Engine, "start" | "result" | "signal" | "cancel"> | undefined;
}

const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;
/** Runs looked at in one go. */
const PAGE = 1000;
const RUN_IS_OVER = new AppError("cancelled", "the run is over");

/** The engine in this process: runs are executions in memory over a journal in the store. */
export class EmbeddedEngine implements Engine {
  readonly #store: Store;
  readonly #parts: EngineParts;
  readonly #clock: Clock;
  readonly #payloads: Payloads;
  readonly #results: Results;
  readonly #watchers = new Watchers();
  readonly #runs: RunsInMemory;
  readonly #starter: Starter;
  readonly #peers: EmbeddedEngineOptions["peers"];

  constructor(options: EmbeddedEngineOptions) {
    const { store, parts, clock = systemClock, queues = [], runsActiveMax, peers } = options;
    this.#store = store;
    this.#parts = parts;
    this.#clock = clock;
    this.#peers = peers;
    this.#payloads = new Payloads(store, clock);
    this.#results = new Results(this.#payloads);
    const shared = { store, engine: parts, clock, payloads: this.#payloads, watchers: this.#watchers };
    this.#runs = new RunsInMemory({
      ...shared,
      runsActiveMax,
      queues,
      results: this.#results,
      otherRuns: (principal) => this.#otherRuns(principal),
      goOn: (run, continuation) => this.#starter.goOn(run, continuation),
    });
    this.#starter = new Starter({ ...shared, runs: this.#runs, peers });
  }

  start(workflow: string, input: Json, options: StartOptions): Promise<{ readonly runId: string }> {
    return this.#starter.start(workflow, input, options);
  }

  fork(runId: string, fork: Fork, principal: Principal): Promise<{ readonly runId: string }> {
    return this.#starter.fork(runId, fork, principal);
  }

  async result(runId: string, signal: AbortSignal): Promise<Json> {
    const { outcome } = await this.#outcome(runId, { signal, isToldOfPauses: true });
    if (outcome.ok) return outcome.output;
    throw AppError.revive(outcome.code, outcome.message);
  }

  async signal(runId: string, signal: ReceivedSignal, principal: Principal): Promise<void> {
    // Sent again, perhaps because the answer was lost: the run may have taken it and gone on as another, or ended.
    if (signal.id !== undefined && (await this.#wasTaken(runId, signal.id))) return;
    await this.#steer(runId, async (run) => {
      const { execution } = run;
      const value = await checkedValue(execution.parts.workflow, signal);
      if (execution.untakenSignals >= SIGNALS_UNTAKEN_MAX)
        throw new AppError(
          "overloaded",
          `wanted fewer than ${SIGNALS_UNTAKEN_MAX} signals waiting in a run, got as many: its workflow takes none`,
        );
      const received: EventBody = {
        type: "signal.received",
        name: signal.name,
        value: await this.#payloads.toJournal(value),
        ...(signal.id !== undefined && { id: signal.id }),
        ...fieldOf(signal.tainted),
      };
      // The same one may be on its way already: it has come when that one has.
      if (signal.id !== undefined && execution.hasSignal(signal.id)) return void (await run.durable);
      const action = { kind: "run.control", principal, resource: execution.parts.runId } as const;
      await this.#decide(run, action, { bodies: [received], apply: () => execution.deliverSignal({ ...signal, value }) });
    });
  }

  async cancel(runId: string, reason: string, principal: Principal): Promise<void> {
    const record = await this.#runs.newest(runId);
    const isQueued = this.#runs.queues.has(record.id);
    if (isQueued) this.#runs.queues.release(record.id);
    if (isQueued || record.status === "paused" || (await this.#runs.activate(record)) === undefined) {
      try {
        return await this.#cancelIdle(record.id, reason, principal);
      } catch (error) {
        // Somebody who may not cancel it does not take its place in the row, either.
        if (isQueued) await this.#runs.enqueue(record);
        throw error;
      }
    }
    const cancelling = this.#steer(record.id, async (run) => {
      const { execution } = run;
      const action = { kind: "run.control", principal, resource: execution.parts.runId } as const;
      const apply = (): void => execution.close({ type: "closing", code: "cancelled", reason });
      await this.#decide(run, action, { bodies: [{ type: "cancel.requested", reason }], apply });
      return run;
    });
    // The replay may find meanwhile that the workflow changed: then there is nobody left to unwind.
    const run = await cancelling.catch(async (error: unknown) => {
      if ((await this.#runs.find(record.id)).status !== "paused") throw error;
    });
    if (run !== undefined) await Promise.race([run.execution.whenLive, run.left.promise]);
    if ((await this.#runs.find(record.id)).status === "paused") await this.#cancelIdle(record.id, reason, principal);
  }

  async answer(runId: string, answer: Answer, principal: Principal): Promise<void> {
    await this.#steer(runId, async (run) => {
      const parts = { store: this.#store, engine: this.#parts, payloads: this.#payloads };
      const checked = await checkAnswer(run.execution, { answer, principal }, parts);
      const { action, bodies, denied, apply } = checked;
      await this.#decide(run, action, denied === undefined ? { bodies, apply } : { bodies: [denied], apply: () => undefined });
      refuseDenied(checked);
    });
  }

  async query(runId: string, name: string): Promise<Json> {
    const record = await this.#runs.newest(runId);
    // A run that is not in memory stays where it is: a look starts nothing.
    if (!this.#runs.has(record.id)) return (await this.#dryRun(record)).query(name);
    return this.#steer(record.id, ({ execution }) => execution.query(name));
  }

  async resume(runId: string, { version }: { readonly version?: string }, principal: Principal): Promise<void> {
    const record = await this.#runs.newest(runId);
    if (version !== undefined && this.#parts.workflow(record.workflow, version) === undefined)
      throw new AppError(
        "not_found",
        `wanted version ${version} of "${record.workflow}", got none by that name; install it beside the new one, then resume again`,
      );
    await this.#decideAbout(record.id, principal, ({ id, status }) => {
      if (status !== "paused")
        throw new AppError("conflict", `wanted a paused run, got ${id}, which is ${status}; only paused runs are resumed`);
      return [{ type: "run.resumed", reason: `resumed by ${principal.id}`, ...(version !== undefined && { version }) }];
    });
    await this.#runs.activate(await this.#runs.find(record.id));
  }

  async replay(runId: string): Promise<Replay> {
    return (await this.#dryRun(await this.#runs.find(runId))).verdict;
  }

  async recover(runId?: string): Promise<number> {
    if (runId === undefined) {
      const count = await this.#runs.recover();
      await this.#cancelOrphans();
      return count;
    }
    const record = await this.#runs.newest(runId);
    if (record.status === "queued") await this.#runs.enqueue(record);
    return (await this.#runs.activate(record)) === undefined ? 0 : 1;
  }

  record(step: RecordedStep, principal: Principal): RecordedRun {
    this.#runs.admit(false);
    const runId = step.runId ?? newRunId(this.#clock.nowMs());
    const when = step.runId === undefined ? "soon" : "now";
    return recordRun({
      runId,
      step,
      principal,
      engine: this.#parts,
      toJournal: (value) => this.#payloads.toJournal(value),
      append: (id, body) => this.#runs.journal(numbered({ runId: id, afterSeq: 0, nowMs: this.#clock.nowMs() }, [body]), when),
    });
  }

  subscribe(listener: (event: EventDraft) => void): Disposable {
    return this.#watchers.subscribe(listener);
  }

  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable {
    return this.#watchers.watchParts(runId, listener);
  }

  get queues(): Engine["queues"] {
    return this.#runs.queues.status;
  }

  /** Whether a run is in memory; one that only waits is not. */
  isInMemory(runId: string): boolean {
    return this.#runs.has(runId);
  }

  /** Forgets a run at once and aborts what it does: another worker goes on with it. */
  release(runId: string): void {
    this.#runs.release(runId);
  }

  async stop(graceMs: number): Promise<void> {
    await this.#runs.stop(graceMs);
    this.#results.fail(new AppError("cancelled", "Tutti stopped before the run ended; it goes on at the next start"));
  }

  /** Whether a run that is not in memory, or the one it went on from, has the signal in its log. */
  async #wasTaken(runId: string, id: string): Promise<boolean> {
    const record = await this.#runs.newest(runId);
    const first = (await this.#store.read(record.id, { afterSeq: 0, limit: 1 }))[0];
    const before = first?.type === "run.started" && first.origin?.type === "continued" ? [first.origin.runId] : [];
    for (const candidate of record.endedAt === null ? before : [record.id, ...before])
      for await (const event of this.#runs.reader.events(candidate)) if (event.type === "signal.received" && event.id === id) return true;
    return false;
  }

  /** Children whose parent ended just before a crash, which kept it from cancelling them. */
  async #cancelOrphans(): Promise<void> {
    let beforeId: string | undefined;
    for (;;) {
      const page = await this.#store.runs({
        statuses: UNFINISHED,
        orphaned: true,
        limit: PAGE,
        ...(beforeId !== undefined && { beforeId }),
      });
      for (const { id } of page) {
        const [first] = await this.#store.read(id, { afterSeq: 0, limit: 1 });
        if (first?.type !== "run.started" || first.spawned === true || first.parent === undefined) continue;
        // A parent that went on as another may have a child no longer, but its successor cannot have it either.
        await this.cancel(id, "its parent has ended", first.principal).catch(() => undefined);
      }
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE) return;
    }
  }

  async #outcome(runId: string, options: { readonly signal: AbortSignal; readonly isToldOfPauses: boolean }): Promise<RunOutcome> {
    if (this.#runs.isUnderWay(runId)) return this.#results.wait(runId, options);
    // Waiting begins before the log is read: an end that is published meanwhile is heard, and one that was before is found.
    const unknown = new AbortController();
    const waiting = this.#results.wait(runId, { ...options, signal: AbortSignal.any([options.signal, unknown.signal]) });
    // Whoever called may stop waiting while the log is read.
    waiting.catch(() => undefined);
    try {
      for (let id: string | undefined = runId; id !== undefined;) {
        const last: Event | undefined = await this.#runs.reader.last(await this.#runs.find(id));
        if (last !== undefined) this.#results.settle(last);
        id = last?.type === "run.continued" ? last.nextRunId : undefined;
      }
    } catch (error) {
      unknown.abort(error);
    }
    return waiting;
  }

  #otherRuns(principal: Principal): OtherRuns {
    return otherRunsOf(
      {
        own: this,
        peers: this.#peers,
        admit: () => this.#runs.admit(false),
        outcome: (runId, signal) => this.#outcome(runId, { signal, isToldOfPauses: false }),
      },
      principal,
    );
  }

  /** Does something with a run that is unfinished and in memory, and keeps it there meanwhile. */
  async #steer<T>(runId: string, action: (run: ActiveRun) => Promise<T>): Promise<T> {
    for (;;) {
      const record = await this.#runs.newest(runId);
      const run = await this.#runs.activate(record);
      if (run === undefined) {
        const why = record.status === "queued" ? "it has not begun; wait for its turn" : "only runs that are under way take this";
        throw new AppError("conflict", `wanted an unfinished run, got ${record.id}, which is ${record.status}: ${why}`);
      }
      run.pins += 1;
      try {
        return await action(run);
      } catch (error) {
        if (error !== RUN_IS_OVER) throw error;
      } finally {
        run.pins -= 1;
      }
      // It ended just now, or went on as another: then that one is meant. One that paused stays as it is.
      await run.left.promise;
      const { status } = await this.#runs.find(record.id);
      if (status === "paused")
        throw new AppError(
          "conflict",
          `wanted a run that goes on, got ${record.id}, which is paused; \`tutti runs show\` says why, resume, fork or cancel it`,
        );
    }
  }

  /**
   * Decides whether somebody may steer a run, and journals the decision together with what they did if they may. That takes effect at once:
   * what follows from it is journaled after it.
   */
  async #decide(
    run: ActiveRun,
    asked: Action,
    effect: { readonly bodies: readonly EventBody[]; readonly apply: () => void },
  ): Promise<void> {
    if (run.execution.isOver) throw RUN_IS_OVER;
    const action = timed(this.#parts, asked, iso(this.#clock.nowMs()));
    const decision = this.#parts.decide(action);
    const isAllowed = decision.effect === "allow";
    const decided: EventBody = { type: "policy.decided", key: "", action, decision, policyHash: this.#parts.policyHash() };
    const durable = this.#runs.append(run.execution.parts.runId, isAllowed ? [decided, ...effect.bodies] : [decided]);
    if (isAllowed) effect.apply();
    const isWritten = await durable;
    enforce(action, decision);
    if (!isWritten) throw new AppError("storage_unwritable", `it could not be written: ${JSON.stringify(this.#store.health())}`);
  }

  /** As `#decide`, about a run that is not in memory; `make` says what to write of the run as it stands then, or throws. */
  async #decideAbout(runId: string, principal: Principal, make: (record: RunRecord) => readonly EventBody[]): Promise<void> {
    const action = timed(this.#parts, { kind: "run.control", principal, resource: runId }, iso(this.#clock.nowMs()));
    const decision = this.#parts.decide(action);
    const decided: EventBody = { type: "policy.decided", key: "", action, decision, policyHash: this.#parts.policyHash() };
    await this.#runs.appendTo(runId, (record) => {
      const bodies = make(record);
      return decision.effect === "allow" ? [decided, ...bodies] : [decided];
    });
    enforce(action, decision);
  }

  /** A run that has not begun, or cannot go on because its workflow changed or is gone, has nothing to unwind. */
  #cancelIdle(runId: string, reason: string, principal: Principal): Promise<void> {
    return this.#decideAbout(runId, principal, ({ endedAt, status }) => {
      if (endedAt !== null) throw new AppError("conflict", `wanted an unfinished run, got ${runId}, which is ${status}`);
      return [
        { type: "cancel.requested", reason },
        { type: "run.cancelled", reason },
      ];
    });
  }

  /** Runs a workflow again over its log, touching nothing. */
  async #dryRun(record: RunRecord): Promise<Execution> {
    const { parts, history } = await this.#runs.reader.load(record);
    const execution = new Execution(parts, history, {
      host: NOWHERE,
      mode: "dry",
      engine: this.#parts,
      clock: this.#clock,
      runs: this.#otherRuns(parts.principal),
    });
    execution.run();
    return execution;
  }
}
