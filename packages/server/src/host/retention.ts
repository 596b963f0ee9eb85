import { createWriteStream } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Event, RunRecord, Store } from "@tutti/core";
import { makeFolder, type Upkeep } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Config } from "./config/index.ts";

const DAY_MS = 86_400_000;
/** How often old runs are looked for, and how long after the start first. */
const EVERY_MS = 3_600_000;
const FIRST_AFTER_MS = 60_000;
/** A disk's or a database's clock may be so far behind this process's. */
const CLOCKS_DIFFER_MS = 60_000;
const RUNS_PAGE = 500;
const EVENTS_PAGE = 1000;
/** How a reference to a large value stands in an event. */
const REFERENCE = /"\$blob":"([0-9a-f]{64})","sizeBytes":(\d+)/g;

/** What was done about old runs. `archive` is the file that holds them now, if one was wanted. */
export interface Pruned {
  readonly runs: number;
  readonly values: number;
  readonly archive: string | null;
}

/** Which runs are old, and where they go. */
export interface PruneOptions {
  readonly days: number;
  readonly archiveDir?: string | undefined;
  /** Only counts. */
  readonly isDry?: boolean | undefined;
}

/** Keeps the store small: runs that ended longer ago than they are kept are archived, if so wanted, and removed. */
export class Retention {
  readonly #store: Store & Upkeep;
  readonly #logger: Logger;
  readonly #config: Config;
  readonly #isNeeded: (run: RunRecord) => Promise<boolean>;
  #timer: NodeJS.Timeout | undefined;
  #pruning: Promise<unknown> = Promise.resolve();

  /** `isNeeded`: whether something stands on a run's log yet, though the run has ended. */
  constructor(
    store: Store & Upkeep,
    config: Config,
    { logger, isNeeded }: { readonly logger: Logger; readonly isNeeded: (run: RunRecord) => Promise<boolean> },
  ) {
    this.#store = store;
    this.#config = config;
    this.#logger = logger;
    this.#isNeeded = isNeeded;
  }

  /** Looks for old runs from now on; does nothing where runs are kept for ever. */
  start(): void {
    if (this.#config.retentionDays > 0) this.#schedule(FIRST_AFTER_MS);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#pruning;
  }

  /** Archives and removes what is old. One pass after the other. */
  prune(options: PruneOptions): Promise<Pruned> {
    const pruning = this.#pruning.then(() => this.#prune(options));
    this.#pruning = pruning.catch(() => undefined);
    return pruning;
  }

  #schedule(afterMs: number): void {
    this.#timer = setTimeout(() => {
      const { retentionDays: days, archiveDir } = this.#config;
      void this.prune({ days, archiveDir })
        .then(({ runs, archive }) => runs > 0 && this.#logger.info({ runs, archive }, "old runs were removed"))
        .catch((error: unknown) => this.#logger.error({ error }, "old runs could not be removed"))
        .finally(() => this.#schedule(EVERY_MS));
    }, afterMs).unref();
  }

  async #prune({ days, archiveDir, isDry = false }: PruneOptions): Promise<Pruned> {
    const before = new Date(Date.now() - days * DAY_MS).toISOString();
    const old: string[] = [];
    for await (const run of this.#oldRuns(before)) old.push(run.id);
    if (isDry || old.length === 0) return { runs: old.length, values: 0, archive: null };
    const archive = archiveDir === undefined ? null : await this.#archive(archiveDir, old);
    await this.#store.removeRuns(old);
    const [oldest] = await this.#store.oldestRuns({ limit: 1 });
    // What nobody has written since the oldest run began stands in no log that is left.
    const kept = oldest === undefined || oldest.startedAt > before ? before : oldest.startedAt;
    const values = await this.#store.removeBlobs(new Date(Date.parse(kept) - CLOCKS_DIFFER_MS).toISOString());
    return { runs: old.length, values, archive };
  }

  /** Runs that ended before a moment. A run cannot have ended before it began, so the search ends with the first that began later. */
  async *#oldRuns(before: string): AsyncGenerator<RunRecord> {
    for (let afterId: string | undefined; ;) {
      const page = await this.#store.oldestRuns({ afterId, limit: RUNS_PAGE });
      for (const run of page) {
        if (run.startedAt >= before) return;
        if (run.endedAt !== null && run.endedAt < before && !(await this.#isNeeded(run))) yield run;
      }
      afterId = page.at(-1)?.id;
      if (page.length < RUNS_PAGE) return;
    }
  }

  /** Writes the logs of runs to a file of JSON lines, gzipped; it has its name once it is whole and on disk. */
  async #archive(folder: string, runIds: readonly string[]): Promise<string> {
    await makeFolder(folder);
    const file = join(folder, `runs-${new Date().toISOString().replaceAll(":", "-")}.jsonl.gz`);
    const aside = `${file}.part`;
    await pipeline(this.#lines(runIds), createGzip(), createWriteStream(aside, { mode: 0o600 }));
    await using handle = await open(aside, "r");
    await handle.sync();
    await rename(aside, file);
    return file;
  }

  /** An event and, once each, the large values it refers to, which come before it. */
  async *#eventLines(event: Event, written: Set<string>): AsyncGenerator<string> {
    const line = JSON.stringify(event);
    for (const [, hash = "", size = "0"] of line.matchAll(REFERENCE)) {
      if (written.has(hash)) continue;
      written.add(hash);
      const ref = { $blob: hash, sizeBytes: Number(size) };
      const text = await this.#store.getBlob(ref).catch(() => undefined);
      if (text !== undefined) yield `${JSON.stringify({ ...ref, text })}\n`;
    }
    yield `${line}\n`;
  }

  async *#lines(runIds: readonly string[]): AsyncGenerator<string> {
    const written = new Set<string>();
    for (const runId of runIds) {
      for (let afterSeq = 0; ;) {
        const page: readonly Event[] = await this.#store.read(runId, { afterSeq, limit: EVENTS_PAGE });
        for (const event of page) yield* this.#eventLines(event, written);
        afterSeq += page.length;
        if (page.length < EVENTS_PAGE) break;
      }
    }
  }
}
