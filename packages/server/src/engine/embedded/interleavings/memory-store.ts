import { createHash } from "node:crypto";
import {
  AppError,
  type BlobRef,
  type Event,
  type EventDraft,
  type Json,
  type RunFilter,
  type Store,
  type Wait,
  type WaitFilter,
} from "@tutti/core";
import type { Disk, Write } from "./disk.ts";

interface Outstanding {
  readonly write: Write;
  readonly done: PromiseWithResolvers<void>;
}

/** What a memory store does with writes. */
export interface MemoryStoreOptions {
  /** Called when something waits to be committed. */
  readonly onWrite?: () => void;
  /** A planted fault: says that a write is durable before it is. */
  readonly acknowledgesEarly?: boolean;
}

/** A store whose commits happen when a test says so. A test part; what it answers comes from the disk, as with SQLite's read connection. */
export class MemoryStore implements Store {
  readonly disk: Disk;
  readonly #options: MemoryStoreOptions;
  readonly #outstanding: Outstanding[] = [];

  constructor(disk: Disk, options: MemoryStoreOptions = {}) {
    this.disk = disk;
    this.#options = options;
  }

  /** What waits to be committed, in order. */
  get outstanding(): readonly Write[] {
    return this.#outstanding.map(({ write }) => write);
  }

  /** Puts the oldest write on disk and says so. */
  commit(): void {
    const next = this.#outstanding.shift();
    if (next === undefined) return;
    try {
      this.disk.write(next.write);
      next.done.resolve();
    } catch (error) {
      next.done.reject(error);
    }
  }

  append(events: readonly EventDraft[]): Promise<void> {
    return this.#enqueue({ type: "append", events });
  }

  park(runId: string, waits: readonly Wait[]): Promise<void> {
    return this.#enqueue({ type: "park", runId, waits });
  }

  async read(runId: string, { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Event[]> {
    return this.disk.eventsOf(runId).slice(afterSeq, afterSeq + limit);
  }

  async log({ afterPosition, limit, only }: { readonly afterPosition: number; readonly limit: number; readonly only?: "emits" }) {
    const entries = this.disk.log(afterPosition);
    const isEmit = ({ event }: (typeof entries)[number]): boolean =>
      "kind" in event && event.kind === "emit" && !(event.type === "step.completed" && event.copied === true);
    return (only === "emits" ? entries.filter(isEmit) : entries).slice(0, limit);
  }

  async waits(filter: WaitFilter) {
    return this.disk.waits(filter);
  }

  async run(runId: string) {
    return this.disk.record(runId);
  }

  async runs(filter: RunFilter) {
    return this.disk.records(filter);
  }

  changes(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async putBlob(text: string): Promise<BlobRef> {
    const $blob = createHash("sha256").update(text).digest("hex");
    this.disk.blobs.set($blob, text);
    return { $blob, sizeBytes: Buffer.byteLength(text) };
  }

  async getBlob({ $blob }: BlobRef): Promise<string> {
    const text = this.disk.blobs.get($blob);
    if (text === undefined) throw new AppError("storage_corrupt", `wanted the blob ${$blob}, got none`);
    return text;
  }

  async getSetting(name: string): Promise<Json | undefined> {
    return this.disk.settings.get(name);
  }

  async setSetting(name: string, value: Json): Promise<void> {
    this.disk.settings.set(name, value);
  }

  async deleteSetting(name: string): Promise<void> {
    this.disk.settings.delete(name);
  }

  backup(): Promise<void> {
    return Promise.reject(new AppError("unsupported", "a store in memory has no backup"));
  }

  health(): ReturnType<Store["health"]> {
    return { ok: true };
  }

  async close(): Promise<void> {
    while (this.#outstanding.length > 0) this.commit();
  }

  #enqueue(write: Write): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#outstanding.push({ write, done });
    this.#options.onWrite?.();
    if (this.#options.acknowledgesEarly === true) done.resolve();
    return done.promise;
  }
}
