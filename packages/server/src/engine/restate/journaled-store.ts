import { AppError, type BlobRef, type EventDraft, type Json, type RunFilter, type Store, type Wait, type WaitFilter } from "@tutti/core";
import type { Owner } from "./owner.ts";

/** What a journaled store works with. */
export interface JournaledStoreParts {
  readonly store: Store;
  readonly owners: ReadonlyMap<string, Owner>;
  /** Gives a new run, whose log begins with these events, to Restate. */
  readonly submit: (runId: string, events: readonly EventDraft[]) => Promise<void>;
}

/**
 * The store that the engine of runs sees when Restate keeps the journal: what a run appends goes to the next turn of the handler that drives
 * it, and reaches the store below once Restate has it. Restate wakes parked runs, so none are told of. All else is the store below.
 */
export class JournaledStore implements Store {
  readonly #parts: JournaledStoreParts;
  readonly #store: Store;

  constructor(parts: JournaledStoreParts) {
    this.#parts = parts;
    this.#store = parts.store;
  }

  append(events: readonly EventDraft[], when?: "now" | "soon"): Promise<void> {
    const [first] = events;
    // A recorded run has no handler: its one step was done by whoever recorded it.
    if (first === undefined || first.type === "run.recorded") return this.#store.append(events, when);
    const owner = this.#parts.owners.get(first.runId);
    if (owner !== undefined) return owner.append(events);
    if (first.seq === 1) return this.#parts.submit(first.runId, events);
    return Promise.reject(new AppError("conflict", `wanted to write to run ${first.runId}, which this process does not drive`));
  }

  async park(runId: string, waits: readonly Wait[]): Promise<void> {
    await this.#store.park(runId, waits);
    const [soonest] = await this.#store.waits({ runId, limit: 1 });
    const times = [...waits, ...(soonest === undefined ? [] : [soonest])].map(({ until }) =>
      until === null ? Infinity : Date.parse(until),
    );
    // Whoever ended before the store knew that this run waits for it could not wake it.
    const awaited = waits.flatMap(({ kind, name }) => (kind === "workflow" ? [name] : []));
    const ended = await Promise.all(awaited.map(async (name) => (await this.#store.run(name))?.endedAt ?? null));
    const untilMs = ended.some((endedAt) => endedAt !== null) ? 0 : Math.min(...times);
    this.#parts.owners.get(runId)?.park(Number.isFinite(untilMs) ? untilMs : null);
  }

  async waits(filter: WaitFilter): Promise<readonly Wait[]> {
    const isWaking = filter.parked === true || filter.kind === "workflow";
    return isWaking ? [] : this.#store.waits(filter);
  }

  read(runId: string, options: { readonly afterSeq: number; readonly limit: number }) {
    return this.#store.read(runId, options);
  }

  log(options: { readonly afterPosition: number; readonly limit: number; readonly only?: "emits" }) {
    return this.#store.log(options);
  }

  run(runId: string) {
    return this.#store.run(runId);
  }

  runs(filter: RunFilter) {
    return this.#store.runs(filter);
  }

  changes(listener: (change: { readonly runId: string; readonly seq: number }) => void): Disposable {
    return this.#store.changes(listener);
  }

  putBlob(text: string): Promise<BlobRef> {
    return this.#store.putBlob(text);
  }

  getBlob(ref: BlobRef): Promise<string> {
    return this.#store.getBlob(ref);
  }

  getSetting(name: string): Promise<Json | undefined> {
    return this.#store.getSetting(name);
  }

  setSetting(name: string, value: Json): Promise<void> {
    return this.#store.setSetting(name, value);
  }

  deleteSetting(name: string): Promise<void> {
    return this.#store.deleteSetting(name);
  }

  backup(target: string): Promise<void> {
    return this.#store.backup(target);
  }

  health() {
    return this.#store.health();
  }

  /** The store below is its opener's to close. */
  async close(): Promise<void> {}
}
