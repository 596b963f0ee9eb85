import {
  AppError,
  enforce,
  type Engine,
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
  type Signal,
  type StartOptions,
  type Store,
} from "@tutti/core";
import type { Answer } from "@tutti/core/policy";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { Payloads } from "../embedded/payloads.ts";
import { Results } from "../embedded/results.ts";
import { parseInput, type EngineParts } from "../effects.ts";
import { newRunId } from "../run-id.ts";
import { isEnd, type Call } from "./batch.ts";
import { RestateClient, type RestateAddress } from "./client.ts";
import { toRestate } from "./driver.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { JournaledStore } from "./journaled-store.ts";
import type { Owner } from "./owner.ts";
import { loadSdk, type Sdk } from "./sdk.ts";
import { Worker } from "./worker.ts";

/** What the engine on Restate is made of. */
export interface RestateEngineOptions {
  readonly store: Store;
  readonly parts: EngineParts;
  /** Runs in this process's memory at once. */
  readonly runsActiveMax: number;
  readonly queues?: readonly QueueConfig[] | undefined;
  readonly restate: RestateAddress;
  readonly endpoint: EndpointOptions;
  /** Where Restate reaches the endpoint, when that is not where it listens: a load balancer before several workers, for example. */
  readonly publicUrl?: string;
  /** Called when the engine has stopped, to end what was started for it. */
  readonly onStopped?: () => Promise<void>;
}

/** How often the log is looked at for the end of a run that another process drives. */
const LOOK_MS = 250;
/** How long a start waits for a worker to take the run up. It is durable before that. */
const STARTED_MS = 10_000;
const PAGE = 1000;
/** Whether Restate was given the runs that began elsewhere. */
const MOVED_SETTING = "restate.moved";
const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;
/** Runs that are asked at once whether they can go on. */
const RECOVERED_AT_ONCE = 32;

/**
 * The engine on a Restate cluster. A run is one invocation there, driven by whichever worker the cluster sends it to; in that worker it runs
 * on the embedded engine, whose journal is Restate instead of the store.
 */
export class RestateEngine implements Engine {
  readonly #store: Store;
  readonly #parts: EngineParts;
  readonly #client: RestateClient;
  readonly #payloads: Payloads;
  readonly #inner: EmbeddedEngine;
  readonly #worker: Worker;
  readonly #onStopped: RestateEngineOptions["onStopped"];
  readonly #endings = new Map<string, Set<() => void>>();
  #isStopping = false;

  /** Makes one. It joins the cluster when it is first asked for something that needs it: to go on with runs, to start or to steer one. */
  static async open(options: RestateEngineOptions): Promise<RestateEngine> {
    return new RestateEngine(await loadSdk(), options);
  }

  private constructor(sdk: Sdk, options: RestateEngineOptions) {
    const { store, parts, runsActiveMax, queues, restate, endpoint, publicUrl } = options;
    this.#store = store;
    this.#parts = parts;
    this.#onStopped = options.onStopped;
    this.#client = new RestateClient(restate);
    this.#payloads = new Payloads(store);
    const owners = new Map<string, Owner>();
    const journaled = new JournaledStore({ store, owners, submit: (runId, events) => this.#submitLog(runId, events) });
    const peers = {
      start: this.start.bind(this),
      signal: this.signal.bind(this),
      cancel: this.cancel.bind(this),
      // Who waits in a workflow waits through pauses.
      result: async (runId: string, signal: AbortSignal): Promise<Json> => {
        await this.#end(runId, signal, ({ id, endedAt }) => endedAt !== null && !owners.has(id));
        return this.result(runId, signal);
      },
    };
    this.#inner = new EmbeddedEngine({ store: journaled, parts, runsActiveMax, queues, peers });
    this.#inner.subscribe((event) => this.#tell(event));
    const onMoved = (runId: string): void => this.#ring(runId);
    this.#worker = new Worker({
      sdk,
      service: restate.service,
      store,
      client: this.#client,
      inner: this.#inner,
      owners,
      endpoint,
      publicUrl,
      onMoved,
    });
    store.changes(({ runId }) => this.#ring(runId));
  }

  async start(name: string, input: Json, options: StartOptions): Promise<{ readonly runId: string }> {
    if (this.#isStopping) throw new AppError("overloaded", "Tutti is stopping and takes no new runs; try again when it is back");
    const health = this.#store.health();
    if (!health.ok) throw new AppError(health.code, health.message);
    const workflow = this.#parts.workflow(name, options.version) ?? this.#parts.workflow(name);
    const { onPart, runId = newRunId(Date.now()), ...rest } = options;
    if (workflow === undefined || (options.runId !== undefined && (await this.#store.run(runId)) !== undefined))
      return this.#inner.start(name, input, { ...options, runId });
    await parseInput(workflow, input);
    const queue = options.queue?.queue ?? (options.parent === undefined ? this.#queueOf(name) : undefined);
    if (queue !== undefined) this.#requirePlace(queue);
    await this.#worker.join();
    if (onPart !== undefined) this.#watchUntilEnd(runId, onPart);
    await this.#client.submit(runId, { type: "start", workflow: name, input: await this.#payloads.toJournal(input), options: rest });
    const isStarted = async (): Promise<boolean> => !this.#worker.isStarting(runId) && (await this.#store.run(runId)) !== undefined;
    await this.#until(runId, isStarted, AbortSignal.timeout(STARTED_MS)).catch(() => undefined);
    await this.#refuseDenied(runId);
    // Somebody else may have started another run under this id at the same time.
    return options.runId === undefined ? { runId } : this.#inner.start(name, input, { ...rest, runId });
  }

  async result(runId: string, signal: AbortSignal): Promise<Json> {
    const record = await this.#end(runId, signal, ({ status, endedAt }) => endedAt !== null || status === "paused");
    const [last] = await this.#store.read(record.id, { afterSeq: record.events - 1, limit: 1 });
    // It may have been resumed meanwhile.
    if (last === undefined || !(isEnd(last) || last.type === "run.paused")) return this.result(runId, signal);
    // Not the inner engine's: it may not know yet that another worker went on with the run.
    const results = new Results(this.#payloads);
    const waiting = results.wait(record.id, { signal, isToldOfPauses: true });
    results.settle(last);
    const { outcome } = await waiting;
    if (outcome.ok) return outcome.output;
    throw AppError.revive(outcome.code, outcome.message);
  }

  async signal(runId: string, signal: Signal, principal: Principal): Promise<void> {
    // One that was taken before the run ended is no error when it is sent again.
    if ((await this.#newest(runId)).endedAt !== null) return this.#inner.signal(runId, signal, principal);
    const value = await this.#payloads.toJournal(signal.value);
    await this.#call(runId, {
      method: "signal",
      args: [
        {
          name: signal.name,
          value,
          ...(signal.id !== undefined && { id: signal.id }),
          ...(signal.tainted && { tainted: signal.tainted }),
        },
        { ...principal },
      ],
    });
  }

  async cancel(runId: string, reason: string, principal: Principal): Promise<void> {
    await this.#call(runId, { method: "cancel", args: [reason, { ...principal }] });
  }

  async answer(runId: string, answer: Answer, principal: Principal): Promise<void> {
    const { argsHash, input, ...plain } = answer;
    // A large input is a reference on its way: Restate keeps what it carries.
    const edited = input === undefined ? {} : { input: await this.#payloads.toJournal(input) };
    const args = [{ ...plain, ...(argsHash !== undefined && { argsHash }), ...edited }, { ...principal }];
    await this.#call(runId, { method: "answer", args });
  }

  async query(runId: string, name: string): Promise<Json> {
    const { endedAt, status } = await this.#newest(runId);
    if (endedAt !== null || status === "paused") return this.#inner.query(runId, name);
    return this.#payloads.fromJournal(await this.#call(runId, { method: "query", args: [name] }));
  }

  async resume(runId: string, options: { readonly version?: string }, principal: Principal): Promise<void> {
    await this.#call(runId, { method: "resume", args: [{ ...options }, { ...principal }] });
  }

  fork(runId: string, fork: Fork, principal: Principal): Promise<{ readonly runId: string }> {
    return this.#inner.fork(runId, fork, principal);
  }

  replay(runId: string): Promise<Replay> {
    return this.#inner.replay(runId);
  }

  async recover(runId?: string): Promise<number> {
    const { isFirst } = await this.#worker.join();
    if (runId !== undefined) return this.#recoverOne(await this.#newest(runId));
    if (isFirst || (await this.#store.getSetting(MOVED_SETTING)) !== true) await this.#moveAll();
    const queued: RunRecord[] = [];
    let count = 0;
    let beforeId: string | undefined;
    for (;;) {
      const page = await this.#store.runs({
        statuses: UNFINISHED,
        parked: false,
        limit: PAGE,
        ...(beforeId === undefined ? {} : { beforeId }),
      });
      for (let at = 0; at < page.length; at += RECOVERED_AT_ONCE) {
        const some = page.slice(at, at + RECOVERED_AT_ONCE);
        queued.push(...some.filter(({ status }) => status === "queued"));
        const begun = some.filter(({ status }) => status !== "queued");
        const counts = await Promise.all(begun.map((record) => this.#recoverOne(record)));
        count += counts.reduce((sum, one) => sum + one, 0);
      }
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    // They keep their order.
    for (const record of queued.toReversed()) count += await this.#recoverOne(record);
    return count;
  }

  /** Gives Restate all unfinished runs, the sleeping ones too. Those that it has are left as they are. */
  async #moveAll(): Promise<void> {
    await this.#store.setSetting(MOVED_SETTING, false);
    let beforeId: string | undefined;
    for (;;) {
      const page = await this.#store.runs({ statuses: UNFINISHED, limit: PAGE, ...(beforeId === undefined ? {} : { beforeId }) });
      for (let at = 0; at < page.length; at += RECOVERED_AT_ONCE)
        await Promise.all(page.slice(at, at + RECOVERED_AT_ONCE).map(({ id }) => this.#client.submit(id, { type: "log", events: [] })));
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
    await this.#store.setSetting(MOVED_SETTING, true);
  }

  record(step: RecordedStep, principal: Principal): RecordedRun {
    return this.#inner.record(step, principal);
  }

  subscribe(listener: (event: EventDraft) => void): Disposable {
    return this.#inner.subscribe(listener);
  }

  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable {
    return this.#inner.watchParts(runId, listener);
  }

  /** Of this process: every worker keeps to the bounds of its queues by itself. */
  get queues(): Engine["queues"] {
    return this.#inner.queues;
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#worker.stop(graceMs);
    await this.#onStopped?.();
  }

  /** The queue that runs of a workflow go through by themselves. */
  #queueOf(workflow: string): string | undefined {
    return this.queues.find(({ workflows }) => workflows?.includes(workflow) === true)?.name;
  }

  /** Whether this process has room in a queue, which is asked before Restate has the run. */
  #requirePlace(name: string): void {
    const queue = this.queues.find((candidate) => candidate.name === name);
    if (queue === undefined)
      throw new AppError(
        "invalid_input",
        `wanted the name of a queue, got "${name}"; there are: ${this.queues.map((known) => known.name).join(", ") || "none"}`,
      );
    if (queue.queued >= queue.queuedMax)
      throw new AppError(
        "overloaded",
        `wanted a place in the queue "${name}", got ${queue.queued} runs waiting there, which is its bound; try again later or raise queuedMax`,
      );
  }

  async #call(runId: string, call: Call): Promise<Json> {
    const record = await this.#newest(runId);
    if (record.endedAt !== null) throw new AppError("conflict", `wanted an unfinished run, got ${record.id}, which is ${record.status}`);
    await this.#worker.join();
    const outcome = await this.#client.post(record.id, { type: "call", call });
    if (outcome.ok) return outcome.value;
    // It may have gone on as another run meanwhile.
    if (outcome.isEnded === true && (await this.#newest(runId)).id !== record.id) return this.#call(runId, call);
    throw AppError.revive(outcome.code, outcome.message);
  }

  async #recoverOne(record: RunRecord): Promise<number> {
    if (record.endedAt !== null) return 0;
    const count = await this.#call(record.id, { method: "recover", args: [] }).catch(() => 0);
    return Number(count);
  }

  async #find(runId: string): Promise<RunRecord> {
    const record = await this.#store.run(runId);
    if (record === undefined)
      throw new AppError("not_found", `wanted a run, got "${runId}", which is none; \`tutti runs list\` shows them`);
    return record;
  }

  /** The run, or the one it went on as in the end. */
  async #newest(runId: string): Promise<RunRecord> {
    for (let record = await this.#find(runId); ;) {
      if (record.status !== "continued") return record;
      const [last] = await this.#store.read(record.id, { afterSeq: record.events - 1, limit: 1 });
      if (last?.type !== "run.continued") return record;
      record = await this.#find(last.nextRunId);
    }
  }

  /** Waits until the run, or the one it went on as, is as wanted. */
  async #end(runId: string, signal: AbortSignal, isWanted: (record: RunRecord) => boolean): Promise<RunRecord> {
    for (;;) {
      const record = await this.#newest(runId);
      if (isWanted(record)) return record;
      signal.throwIfAborted();
      await this.#news(record.id, signal);
    }
  }

  /** A start that policy refused has left a receipt, and is thrown as on any engine. */
  async #refuseDenied(runId: string): Promise<void> {
    const decided = (await this.#store.read(runId, { afterSeq: 1, limit: 1 }))[0];
    if (decided?.type === "policy.decided") enforce(decided.action, decided.decision);
  }

  #watchUntilEnd(runId: string, listener: (part: ModelPart) => void): void {
    const watching = this.watchParts(runId, listener);
    this.#until(runId, async () => (await this.#store.run(runId))?.endedAt != null, new AbortController().signal)
      .finally(() => watching[Symbol.dispose]())
      .catch(() => undefined);
  }

  /** Resolves when `holds` does. It is asked when this process journals something of the run, and now and then for what others do. */
  async #until(runId: string, holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    while (!(await holds())) {
      signal.throwIfAborted();
      await this.#news(runId, signal);
    }
  }

  #news(runId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const listeners = this.#endings.get(runId) ?? new Set();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        listeners.delete(done);
        if (listeners.size === 0) this.#endings.delete(runId);
        resolve();
      };
      const timer = setTimeout(done, LOOK_MS);
      signal.addEventListener("abort", done);
      this.#endings.set(runId, listeners.add(done));
    });
  }

  #tell(event: EventDraft): void {
    if (event.type === "run.started" || event.type === "run.paused" || isEnd(event)) this.#ring(event.runId);
  }

  #ring(runId: string): void {
    for (const listener of this.#endings.get(runId) ?? []) listener();
  }

  /** A run whose log begins with a copy of another's. */
  async #submitLog(runId: string, events: readonly EventDraft[]): Promise<void> {
    await this.#worker.join();
    await this.#client.submit(runId, { type: "log", events: await toRestate(this.#store, events) });
    await this.#store.append(events);
  }
}
