import { AppError, type Engine, type EventBody, type Json, type Principal, type RunRecord, type Signal, type Store } from "@tutti/core";
import type { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { numbered } from "../embedded/operation.ts";
import { Payloads } from "../embedded/payloads.ts";
import type { Batch, Mail } from "./batch.ts";
import type { RestateClient } from "./client.ts";
import type { Submission } from "./driver.ts";
import { openEndpoint, type Endpoint, type EndpointOptions } from "./endpoint.ts";
import { Owner } from "./owner.ts";
import { Registration } from "./registration.ts";
import type { Sdk } from "./sdk.ts";

/** Runs that are told when another ends. */
const OTHERS_MAX = 1000;
const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;

/** How long the runs of a queue that another process had are gathered. */
const QUEUED_MS = 300;

/** What a worker works with. */
export interface WorkerParts {
  readonly sdk: Sdk;
  readonly service: string;
  readonly store: Store;
  readonly client: RestateClient;
  /** The engine on which runs are here; its store is the journaled one, over the same owners. */
  readonly inner: EmbeddedEngine;
  readonly owners: Map<string, Owner>;
  readonly endpoint: EndpointOptions;
  readonly publicUrl: string | undefined;
  /** Called when a run has begun here, and when it has left. */
  readonly onMoved: (runId: string) => void;
}

/** Drives the runs that Restate sends to this process. */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #payloads: Payloads;
  readonly #starting = new Set<string>();
  #queued: RunRecord[] = [];
  #joined: Promise<void> | undefined;
  #endpoint: Endpoint | undefined;
  #registration: Registration | undefined;
  #isStopping = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#payloads = new Payloads(parts.store);
  }

  /** Offers this process to Restate, once, and takes over the runs of workers that are gone. Whether Restate has never seen a worker before. */
  async join(): Promise<{ readonly isFirst: boolean }> {
    this.#joined ??= this.#join();
    await this.#joined;
    return { isFirst: this.#registration?.isFirst === true };
  }

  /** Whether a run is being started here. */
  isStarting(runId: string): boolean {
    return this.#starting.has(runId);
  }

  /** Lets steps under way finish for up to `graceMs`; Restate sends the runs elsewhere, or here again when somebody listens. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.#joined?.catch(() => undefined);
    await this.#registration?.[Symbol.asyncDispose]();
    await this.#parts.inner.stop(graceMs);
    for (const owner of this.#parts.owners.values()) owner.close(new AppError("cancelled", "Tutti stops"));
    await this.#endpoint?.close();
  }

  async #join(): Promise<void> {
    const { sdk, service, store, client, endpoint, publicUrl } = this.#parts;
    const host = {
      sdk,
      service,
      store,
      owner: (runId: string, submission: Submission) => this.#owner(runId, submission),
      tellOthers: (runId: string) => this.#tellOthers(runId),
    };
    this.#endpoint = await openEndpoint(host, endpoint);
    this.#registration = await Registration.open(client, publicUrl ?? `http://${endpoint.host}:${this.#endpoint.port}/`);
    // Otherwise they are tried again after their backoff, which is seconds.
    await client.retryNow().catch(() => undefined);
  }

  #owner(runId: string, submission: Submission): Owner {
    const { owners, inner, client } = this.#parts;
    const existing = owners.get(runId);
    if (existing !== undefined) return existing;
    const host = {
      load: (last: Batch | undefined) => this.#load(runId, submission, last),
      release: () => inner.release(runId),
      wake: () => void client.wake(runId).catch(() => undefined),
      handle: (mail: Mail) => this.#handle(runId, mail),
    };
    const owner = new Owner(host, () => {
      if (owners.get(runId) === owner) owners.delete(runId);
      this.#parts.onMoved(runId);
    });
    if (this.#isStopping) owner.close(new AppError("cancelled", "Tutti stops"));
    else owners.set(runId, owner);
    return owner;
  }

  /** Puts a run into this process's memory: one that has no log yet is started. False when it is paused: somebody has to look first. */
  async #load(runId: string, submission: Submission, last: Batch | undefined): Promise<boolean> {
    const record = await this.#parts.store.run(runId);
    // A run that came from another engine, or from a Restate that is lost, was cut off there.
    const isMoved = last === undefined && submission.type === "log" && "length" in submission.events && submission.events.length === 0;
    const isCut = isMoved || (last !== undefined && last.idleUntilMs === undefined);
    if (record !== undefined) return this.#goOn(record, isCut);
    if (submission.type === "start") await this.#start(runId, submission);
    return true;
  }

  async #goOn(record: RunRecord, isCut: boolean): Promise<boolean> {
    if (record.status === "paused") return false;
    if (record.status === "queued") await this.#takeTurns(record);
    else {
      if (isCut) await this.#resumeCut(record);
      await this.#parts.inner.recover(record.id);
    }
    return true;
  }

  /** Runs that waited for their turn in a process that is gone come here in any order. They get their places in the order in which they came. */
  async #takeTurns(record: RunRecord): Promise<void> {
    this.#queued.push(record);
    await new Promise((resolve) => setTimeout(resolve, QUEUED_MS));
    const queued = this.#queued.splice(0).toSorted((a, b) => (a.startedAt + a.id < b.startedAt + b.id ? -1 : 1));
    for (const { id } of queued) await this.#parts.inner.recover(id);
  }

  async #start(runId: string, { workflow, input, options }: Extract<Submission, { readonly type: "start" }>): Promise<void> {
    const { inner } = this.#parts;
    this.#starting.add(runId);
    try {
      await inner.start(workflow, await this.#payloads.fromJournal(input), { ...options, runId });
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code === "denied") return;
      if (error.isRetryable) throw error;
      await this.#append(runId, 0, [
        { type: "run.started", workflow, version: "", input, ...options },
        { type: "run.failed", code: error.code, message: error.message },
      ]);
    } finally {
      this.#starting.delete(runId);
      this.#parts.onMoved(runId);
    }
  }

  /** The process that drove the run is gone, or lost its connection. */
  #resumeCut({ id, events }: RunRecord): Promise<void> {
    return this.#append(id, events, [{ type: "run.resumed", reason: "another process went on with it" }]);
  }

  async #append(runId: string, afterSeq: number, bodies: readonly EventBody[]): Promise<void> {
    await this.#parts.owners.get(runId)?.append(numbered({ runId, afterSeq, nowMs: Date.now() }, bodies));
  }

  /** Does what a mail asks for on the engine that has the run. Mail is written by this same program. */
  async #handle(runId: string, mail: Mail): Promise<Json> {
    if (mail.type === "wake") return null;
    const { inner } = this.#parts;
    const { method, args } = mail.call;
    const [first, second] = args as readonly unknown[];
    switch (method) {
      case "recover":
        return inner.recover(runId);
      case "query":
        return this.#payloads.toJournal(await inner.query(runId, first as string));
      case "signal": {
        const signal = first as Signal;
        await inner.signal(runId, { ...signal, value: await this.#payloads.fromJournal(signal.value) }, second as Principal);
        return null;
      }
      case "cancel":
        await inner.cancel(runId, first as string, second as Principal);
        return null;
      case "answer": {
        const { input, ...answer } = first as Parameters<Engine["answer"]>[1];
        const edited = input === undefined ? {} : { input: await this.#payloads.fromJournal(input) };
        await inner.answer(runId, { ...answer, ...edited }, second as Principal);
        return null;
      }
      case "resume":
        await inner.resume(runId, first as Parameters<Engine["resume"]>[1], second as Principal);
        return null;
    }
  }

  /** Wakes the runs that wait for one's end and are not in memory, and cancels those that nobody waits for any more. */
  async #tellOthers(runId: string): Promise<void> {
    const { store, client } = this.#parts;
    const waits = await store.waits({ kind: "workflow", name: runId, limit: OTHERS_MAX });
    for (const wait of waits) await client.wake(wait.runId);
    // A run cancels its children as it ends; this is for a crash in between.
    for (const { id } of await store.runs({ parentId: runId, statuses: UNFINISHED, limit: OTHERS_MAX })) {
      const [first] = await store.read(id, { afterSeq: 0, limit: 1 });
      if (first?.type !== "run.started" || first.spawned === true) continue;
      const call = { method: "cancel", args: ["its parent has ended", { ...first.principal }] } as const;
      // One that nobody drives any more must not hold up this one's end.
      await client.post(id, { type: "call", call }).catch(() => undefined);
    }
  }
}
