import {
  AppError,
  enforce,
  type Engine,
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
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { numbered } from "../embedded/operation.ts";
import { Payloads } from "../embedded/payloads.ts";
import { parseInput, type EngineParts } from "../effects.ts";
import { newRunId } from "../run-id.ts";
import { isEnd, type Call, type Mail } from "./batch.ts";
import { RestateClient, type RestateAddress } from "./client.ts";
import { toRestate, type Submission } from "./driver.ts";
import { openEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import { JournaledStore } from "./journaled-store.ts";
import { Owner } from "./owner.ts";
import { loadSdk, type Sdk } from "./sdk.ts";

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
}

type Signal = Parameters<Engine["signal"]>[1];

/** How often the log is looked at for the end of a run that another process drives. */
const LOOK_MS = 250;
/** How long a start waits for a worker to take the run up. It is durable before that. */
const STARTED_MS = 10_000;
const PAGE = 1000;
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
  readonly #owners = new Map<string, Owner>();
  readonly #inner: EmbeddedEngine;
  readonly #endings = new Map<string, Set<() => void>>();
  #endpoint: Endpoint | undefined;
  #isStopping = false;

  /** Opens the endpoint, tells Restate of it, and takes over the runs of workers that are gone. */
  static async open(options: RestateEngineOptions): Promise<RestateEngine> {
    const sdk = await loadSdk();
    const engine = new RestateEngine(options);
    await engine.#serve(sdk, options);
    return engine;
  }

  private constructor({ store, parts, runsActiveMax, queues, restate }: RestateEngineOptions) {
    this.#store = store;
    this.#parts = parts;
    this.#client = new RestateClient(restate);
    this.#payloads = new Payloads(store);
    const journaled = new JournaledStore({ store, owners: this.#owners, submit: (runId, events) => this.#submitLog(runId, events) });
    const peers = {
      start: this.start.bind(this),
      signal: this.signal.bind(this),
      cancel: this.cancel.bind(this),
      // Who waits in a workflow waits through pauses.
      result: async (runId: string, signal: AbortSignal): Promise<Json> => {
        await this.#end(runId, signal, ({ endedAt }) => endedAt !== null);
        return this.#inner.result(runId, signal);
      },
    };
    this.#inner = new EmbeddedEngine({ store: journaled, parts, runsActiveMax, queues, peers });
    this.#inner.subscribe((event) => this.#tell(event));
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
    if (onPart !== undefined) this.#watchUntilEnd(runId, onPart);
    await this.#client.submit(runId, { type: "start", workflow: name, input: await this.#payloads.toJournal(input), options: rest });
    const started = AbortSignal.timeout(STARTED_MS);
    await this.#until(runId, async () => (await this.#store.run(runId)) !== undefined, started).catch(() => undefined);
    await this.#refuseDenied(runId);
    // Somebody else may have started another run under this id at the same time.
    return options.runId === undefined ? { runId } : this.#inner.start(name, input, { ...rest, runId });
  }

  async result(runId: string, signal: AbortSignal): Promise<Json> {
    await this.#end(runId, signal, ({ status, endedAt }) => endedAt !== null || status === "paused");
    return this.#inner.result(runId, signal);
  }

  async signal(runId: string, signal: Signal, principal: Principal): Promise<void> {
    const value = await this.#payloads.toJournal(signal.value);
    await this.#call(runId, {
      method: "signal",
      args: [{ name: signal.name, value, ...(signal.id !== undefined && { id: signal.id }) }, { ...principal }],
    });
  }

  async cancel(runId: string, reason: string, principal: Principal): Promise<void> {
    await this.#call(runId, { method: "cancel", args: [reason, { ...principal }] });
  }

  async answer(
    runId: string,
    answer: { readonly key: string; readonly approved: boolean; readonly reason: string },
    principal: Principal,
  ): Promise<void> {
    await this.#call(runId, { method: "answer", args: [{ ...answer }, { ...principal }] });
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
    if (runId !== undefined) return this.#recoverOne(await this.#newest(runId));
    await this.#client.retryNow();
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
        const counts = await Promise.all(page.slice(at, at + RECOVERED_AT_ONCE).map((record) => this.#recoverOne(record)));
        count += counts.reduce((sum, one) => sum + one, 0);
      }
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE) return count;
    }
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

  /** The port at which Restate reaches this process. */
  get port(): number {
    return this.#endpoint?.port ?? 0;
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#inner.stop(graceMs);
    for (const owner of this.#owners.values()) owner.close(new AppError("cancelled", "Tutti stops"));
    await this.#endpoint?.close();
  }

  async #serve(sdk: Sdk, { endpoint, publicUrl }: RestateEngineOptions): Promise<void> {
    const host = {
      sdk,
      store: this.#store,
      owner: (runId: string, submission: Submission) => this.#owner(runId, submission),
      tellWaiting: (runId: string) => this.#tellWaiting(runId),
    };
    this.#endpoint = await openEndpoint(host, endpoint);
    await this.#client.register(publicUrl ?? `http://${endpoint.host}:${this.#endpoint.port}/`);
  }

  #owner(runId: string, submission: Submission): Owner {
    const existing = this.#owners.get(runId);
    if (existing !== undefined) return existing;
    const host = {
      load: (isCut: boolean) => this.#load(runId, submission, isCut),
      wake: () => void this.#client.wake(runId).catch(() => undefined),
      release: () => this.#inner.release(runId),
      handle: (mail: Mail) => this.#handle(runId, mail),
    };
    const owner = new Owner(host, () => {
      if (this.#owners.get(runId) === owner) this.#owners.delete(runId);
    });
    if (this.#isStopping) owner.close(new AppError("cancelled", "Tutti stops"));
    else this.#owners.set(runId, owner);
    return owner;
  }

  /** Puts a run into this process's memory: one that has no log yet is started. */
  async #load(runId: string, submission: Submission, isCut: boolean): Promise<void> {
    const record = await this.#store.run(runId);
    if (record !== undefined || submission.type === "log") {
      if (isCut && (record?.status === "running" || record?.status === "waiting")) await this.#resumeCut(record);
      await this.#inner.recover(runId);
      return;
    }
    const { workflow, input, options } = submission;
    try {
      await this.#inner.start(workflow, await this.#payloads.fromJournal(input), { ...options, runId });
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code === "denied") return;
      if (error.isRetryable) throw error;
      await this.#append(runId, 0, [
        { type: "run.started", workflow, version: "", input, ...options },
        { type: "run.failed", code: error.code, message: error.message },
      ]);
    }
  }

  /** The process that drove the run is gone, or lost its connection. */
  #resumeCut({ id, events }: RunRecord): Promise<void> {
    return this.#append(id, events, [{ type: "run.resumed", reason: "another process went on with it" }]);
  }

  async #append(runId: string, afterSeq: number, bodies: readonly EventBody[]): Promise<void> {
    await this.#owners.get(runId)?.append(numbered({ runId, afterSeq, nowMs: Date.now() }, bodies));
  }

  /** Does what a mail asks for on the engine that has the run. */
  async #handle(runId: string, mail: Mail): Promise<Json> {
    if (mail.type === "wake") return null;
    const { method, args } = mail.call;
    const [first, second] = args as readonly unknown[];
    switch (method) {
      case "recover":
        return this.#inner.recover(runId);
      case "query":
        return this.#payloads.toJournal(await this.#inner.query(runId, first as string));
      case "signal": {
        const signal = first as Signal;
        await this.#inner.signal(runId, { ...signal, value: await this.#payloads.fromJournal(signal.value) }, second as Principal);
        return null;
      }
      case "cancel":
        await this.#inner.cancel(runId, first as string, second as Principal);
        return null;
      case "answer":
        await this.#inner.answer(runId, first as Parameters<Engine["answer"]>[1], second as Principal);
        return null;
      case "resume":
        await this.#inner.resume(runId, first as Parameters<Engine["resume"]>[1], second as Principal);
        return null;
    }
  }

  async #call(runId: string, call: Call): Promise<Json> {
    const record = await this.#newest(runId);
    if (record.endedAt !== null) throw new AppError("conflict", `wanted an unfinished run, got ${record.id}, which is ${record.status}`);
    const outcome = await this.#client.post(record.id, { type: "call", call });
    if (!outcome.ok) throw AppError.revive(outcome.code, outcome.message);
    return outcome.value;
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
  async #end(runId: string, signal: AbortSignal, isWanted: (record: RunRecord) => boolean): Promise<void> {
    for (let record = await this.#newest(runId); !isWanted(record); record = await this.#newest(runId)) {
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
    await this.#client.submit(runId, { type: "log", events: await toRestate(this.#store, events) });
    await this.#store.append(events);
  }

  /** Wakes the runs that wait for one's end and are not in memory. */
  async #tellWaiting(runId: string): Promise<void> {
    const waits = await this.#store.waits({ kind: "workflow", name: runId, limit: PAGE });
    for (const wait of waits) await this.#client.wake(wait.runId);
  }
}
