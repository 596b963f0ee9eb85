import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import {
  AppError,
  canonicalJson,
  type BlobRef,
  type EventDraft,
  type Json,
  type RunFilter,
  type Store,
  type Wait,
  type WaitFilter,
} from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import { Blobs } from "../blobs.ts";
import type { ActivitySpan, CountFilter, LogSearch, Survey } from "../survey.ts";
import type { Upkeep } from "../upkeep.ts";
import { makeFolder } from "../make-folder.ts";
import { backupStore } from "./backup.ts";
import { BLOBS_FOLDER, DATABASE_FILE, openDatabase, storageError } from "./database.ts";
import { lockFolder } from "./lock.ts";
import { Reader } from "./reader.ts";
import { pushEvent, pushPark, rowCount } from "./row.ts";
import type { WriterAnswer, WriterRequest } from "./writer.ts";

/** While one batch is written the next are on their way, so that the writer never waits for the event loop. */
const BATCHES_IN_FLIGHT_MAX = 3;
/**
 * A batch of so many events goes before the turn of the event loop ends, so that the disk works while the other runs go on: many runs at
 * once, all waiting for one batch, would otherwise wait for the disk and be waited for by it in turns (17 to 30 % slower at 50 at once).
 */
const EAGER_EVENTS = 25;
/** How long events that nobody waits for may wait for others: an fsync costs more than all they hold. */
const SOON_MS = 20;
/** Events waiting for the disk. Beyond it `append` refuses: a dead disk must not eat the memory. */
const EVENTS_PENDING_MAX = 250_000;
/** Runs removed in one transaction: what is written meanwhile waits for it. */
const REMOVED_AT_ONCE = 50;
/** How the writer tries again while the disk is full. */
const FULL_DISK_BACKOFF = { delayMs: 200, delayMaxMs: 5000 };

interface Batch {
  readonly rows: string[];
  /** Resolves with the runs that were refused. */
  readonly done: PromiseWithResolvers<readonly string[]>;
}

/** The embedded store: one SQLite file, a writer thread with group commit, a read connection, and a folder of blobs. */
export class SqliteStore implements Store, Upkeep, Survey {
  readonly #dataDir: string;
  readonly #lock: Disposable;
  readonly #writer: Worker;
  readonly #reader: Reader;
  readonly #blobs: Blobs;
  readonly #answers: PromiseWithResolvers<WriterAnswer>[] = [];
  #open: Batch = newBatch();
  readonly #sending = new Set<Promise<void>>();
  #scheduled = false;
  #soon: NodeJS.Timeout | undefined;
  #health: ReturnType<Store["health"]> = { ok: true };
  #closing = false;
  #isClosed = false;

  /** Opens or creates the store in a folder, and holds the folder until `close`. */
  static async open(dataDir: string): Promise<SqliteStore> {
    const file = join(dataDir, DATABASE_FILE);
    await makeFolder(join(dataDir, BLOBS_FOLDER)).catch((error: unknown) => {
      throw new AppError(
        "storage_unwritable",
        `cannot make the data folder ${dataDir}: ${error instanceof Error ? error.message : String(error)}; choose another with TUTTI_DATA_DIR`,
        { cause: error },
      );
    });
    using opening = new DisposableStack();
    const lock = opening.use(lockFolder(dataDir));
    const writer = await startWriter(file);
    opening.defer(() => void writer.terminate());
    const reader = new Reader(openDatabase(file, { readOnly: true }), file);
    reader.quickCheck();
    opening.move();
    return new SqliteStore({ dataDir, lock, writer, reader });
  }

  private constructor(parts: { readonly dataDir: string; readonly lock: Disposable; readonly writer: Worker; readonly reader: Reader }) {
    this.#dataDir = parts.dataDir;
    this.#lock = parts.lock;
    this.#writer = parts.writer;
    this.#reader = parts.reader;
    this.#blobs = new Blobs(join(parts.dataDir, BLOBS_FOLDER));
    this.#writer.on("message", (answer: WriterAnswer) => this.#answers.shift()?.resolve(answer));
    this.#writer.on("error", (error) => this.#writerDied(error));
  }

  append(events: readonly EventDraft[], when: "now" | "soon" = "now"): Promise<void> {
    if (this.#closing) return Promise.reject(new AppError("cancelled", "the store is closed"));
    if (rowCount(this.#open.rows) > EVENTS_PENDING_MAX)
      return Promise.reject(new AppError("overloaded", `more than ${EVENTS_PENDING_MAX} events wait for the disk; try again later`));
    const batch = this.#open;
    for (const event of events) pushEvent(batch.rows, event);
    if (when === "now" && rowCount(batch.rows) >= EAGER_EVENTS && this.#sending.size < BATCHES_IN_FLIGHT_MAX - 1) this.#sendOpen();
    else if (when === "now") this.#schedule();
    else this.#soon ??= setTimeout(() => this.#schedule(), SOON_MS);
    return this.#settled(batch, events);
  }

  async #settled({ done }: Batch, events: readonly EventDraft[]): Promise<void> {
    const conflicts = await done.promise;
    const refused = conflicts.length === 0 ? undefined : events.find(({ runId }) => conflicts.includes(runId));
    if (refused !== undefined)
      throw new AppError(
        "conflict",
        `wanted event ${refused.seq} of run ${refused.runId} in its place, got another one there; somebody else writes this run`,
      );
  }

  async park(runId: string, waits: readonly Wait[]): Promise<void> {
    if (this.#closing) return Promise.reject(new AppError("cancelled", "the store is closed"));
    const batch = this.#open;
    pushPark(batch.rows, runId, waits);
    this.#soon ??= setTimeout(() => this.#schedule(), SOON_MS);
    await batch.done.promise;
  }

  async waits(filter: WaitFilter) {
    return this.#reader.waits(filter);
  }

  async read(runId: string, options: { readonly afterSeq: number; readonly limit: number }) {
    return this.#reader.read(runId, options);
  }

  async log(options: { readonly afterPosition: number; readonly limit: number; readonly only?: "emits" }) {
    return this.#reader.log(options);
  }

  async run(runId: string) {
    return this.#reader.run(runId);
  }

  async runs(filter: RunFilter) {
    return this.#reader.runs(filter);
  }

  /** Only this process writes to the folder. */
  changes(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  putBlob(text: string): Promise<BlobRef> {
    return this.#blobs.put(text);
  }

  getBlob(ref: BlobRef): Promise<string> {
    return this.#blobs.get(ref);
  }

  async getSetting(name: string): Promise<Json | undefined> {
    return this.#reader.setting(name);
  }

  async setSetting(name: string, value: Json): Promise<void> {
    await this.#ask({ type: "setting", name, value: canonicalJson(value) });
  }

  async deleteSetting(name: string): Promise<void> {
    await this.#ask({ type: "setting", name, value: null });
  }

  async settings(prefix: string, limit: number) {
    return this.#reader.settings(prefix, limit);
  }

  async position() {
    return this.#reader.position();
  }

  async countRuns(filter: CountFilter) {
    return this.#reader.countRuns(filter);
  }

  async countActivity(span: ActivitySpan) {
    return this.#reader.countActivity(span);
  }

  async searchLog(search: LogSearch) {
    return this.#reader.searchLog(search);
  }

  async oldestRuns(page: { readonly afterId?: string | undefined; readonly limit: number }) {
    return this.#reader.oldestRuns(page);
  }

  async removeRuns(runIds: readonly string[]): Promise<void> {
    for (let at = 0; at < runIds.length; at += REMOVED_AT_ONCE)
      await this.#ask({ type: "remove", runIds: runIds.slice(at, at + REMOVED_AT_ONCE) });
  }

  removeBlobs(before: string): Promise<number> {
    return this.#blobs.removeBefore(Date.parse(before));
  }

  backup(target: string): Promise<void> {
    return backupStore(this.#dataDir, target);
  }

  health(): ReturnType<Store["health"]> {
    return this.#health;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#schedule();
    while (this.#health.ok && (this.#sending.size > 0 || this.#open.rows.length > 0))
      await Promise.race([this.#open.done.promise, ...this.#sending]);
    this.#closing = true;
    // The writer's connection closes last: it then moves the write-ahead log into the database and removes it.
    this.#reader.close();
    if (this.#health.ok) await this.#ask({ type: "close" });
    this.#isClosed = true;
    await this.#writer.terminate();
    this.#lock[Symbol.dispose]();
  }

  /** Sends the open batch at the end of this turn of the event loop, so that all runs that go on in it share one fsync. */
  #schedule(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    if (this.#scheduled || this.#sending.size >= BATCHES_IN_FLIGHT_MAX) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#open.rows.length > 0 && this.#sending.size < BATCHES_IN_FLIGHT_MAX) this.#sendOpen();
    });
  }

  #sendOpen(): void {
    const sending = this.#send().finally(() => {
      this.#sending.delete(sending);
      if (this.#open.rows.length > 0) this.#schedule();
    });
    this.#sending.add(sending);
  }

  async #send(): Promise<void> {
    const batch = this.#open;
    this.#open = newBatch();
    try {
      batch.done.resolve(await this.#write(batch.rows));
    } catch (error) {
      batch.done.reject(error);
    }
  }

  /** Nothing acknowledged is lost on a full disk: the batch is kept and tried until it fits, or the store is closed. */
  async #write(rows: readonly string[]): Promise<readonly string[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const conflicts = await this.#ask({ type: "append", rows });
        this.#health = { ok: true };
        return conflicts;
      } catch (thrown) {
        const error = AppError.from(thrown);
        // "overloaded" says that an earlier batch has to be written first; it is under way again.
        const isTemporary = error.code === "storage_full" || (error.code === "overloaded" && !this.#isCorrupt());
        if (error.code !== "overloaded")
          this.#health = { ok: false, code: isTemporary ? "storage_full" : "storage_corrupt", message: error.message };
        if (!isTemporary || this.#closing) throw error;
        await delay(backoffMs(attempt, FULL_DISK_BACKOFF, Math.random()), undefined, { ref: false });
      }
    }
  }

  #isCorrupt(): boolean {
    return !this.#health.ok && this.#health.code === "storage_corrupt";
  }

  async #ask(request: WriterRequest): Promise<readonly string[]> {
    // The writer takes nothing any more; whoever waited for its answer would wait for ever.
    if (this.#isClosed) throw new AppError("cancelled", "wanted to write, but the store is closed");
    const answer = Promise.withResolvers<WriterAnswer>();
    this.#answers.push(answer);
    this.#writer.postMessage(request);
    const got = await answer.promise;
    if (got.type === "failed") throw new AppError(got.code, got.message);
    return got.type === "done" ? (got.conflicts ?? []) : [];
  }

  #writerDied(error: Error): void {
    this.#health = { ok: false, code: "storage_unwritable", message: `the writer thread died: ${error.message}; start Tutti again` };
    for (const answer of this.#answers.splice(0)) answer.resolve({ type: "failed", code: "storage_unwritable", message: error.message });
  }
}

function newBatch(): Batch {
  const batch: Batch = { rows: [], done: Promise.withResolvers() };
  // Whoever appended sees the rejection; a batch nobody waits for must not end the process.
  batch.done.promise.catch(() => undefined);
  return batch;
}

async function startWriter(file: string): Promise<Worker> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const writer = new Worker(new URL(`./writer.${extension}`, import.meta.url), {
    workerData: { file },
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [first] = (await once(writer, "message").catch((error: unknown) => [storageFailure(file, error)])) as [WriterAnswer];
  if (first.type !== "failed") return writer;
  await writer.terminate();
  throw new AppError(first.code, first.message);
}

function storageFailure(file: string, error: unknown): WriterAnswer {
  const { code, message } = storageError(file, error);
  return { type: "failed", code, message };
}
