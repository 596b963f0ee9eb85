import type { LiveData } from "@tutti/client";
import { AppError, type RunRecord } from "@tutti/core";
import { Pace } from "../../paced.ts";
import { client } from "../../server.ts";
import { belongs, queryOf, type RunFilters } from "./run-filters.ts";
import { EMPTY_LIST, released, withChanges, withNewest, withPage, type RunList, type Taking } from "./run-list.ts";

/** The first page is there soon; those that somebody scrolls to come in larger pieces. */
const FIRST_PAGE = 100;
const PAGE = 500;
/** A search by text may give pages without a run: so many are read in one go before somebody is asked to look further. */
const EMPTY_PAGES_MAX = 5;

/** The list, and what is being read of it. */
export interface ReadRuns {
  readonly list: RunList;
  readonly reading: "first" | "more" | "nothing";
  readonly error: AppError | undefined;
}

/** A list of runs and where the feed that keeps it new goes on. */
export interface KeptRuns {
  readonly list: RunList;
  readonly position: number;
}

/** Reads the runs that filters find, page after page, and takes what the feed tells. Listeners are told of each change. */
export class RunReading {
  readonly #filters: RunFilters;
  readonly #nowMs = Date.now();
  readonly #listeners = new Set<() => void>();
  #runs: ReadRuns;
  #position: number | undefined;
  #isHeld = false;
  /** What the feed has told and is not in the list yet. */
  #told = { runs: new Map<string, RunRecord>(), left: new Set<string>() };
  readonly #pace = new Pace(() => this.#takeTold());
  #left = new AbortController();

  constructor(filters: RunFilters, kept: KeptRuns | undefined) {
    this.#filters = filters;
    this.#position = kept?.position;
    this.#runs = { list: kept?.list ?? EMPTY_LIST, reading: kept === undefined ? "first" : "nothing", error: undefined };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly runs = (): ReadRuns => this.#runs;

  /** What to keep of it; undefined as long as no feed has begun. */
  get kept(): KeptRuns | undefined {
    this.#pace.finish();
    return this.#position === undefined ? undefined : { list: this.#runs.list, position: this.#position };
  }

  open(): void {
    this.#left = new AbortController();
    if (this.#runs.reading === "first") this.readAnew();
  }

  close(): void {
    this.#left.abort();
  }

  readonly readAnew = (): void => {
    this.#set({ list: EMPTY_LIST });
    void this.#read("first");
  };

  readonly readMore = (): void => {
    const { reading, error, list } = this.#runs;
    if (reading === "nothing" && error === undefined && list.nextBefore !== null) void this.#read("more");
  };

  /** After too much was missed, and for what happened between the first reading and the beginning of the feed. */
  async readNewest(position: number): Promise<void> {
    const page = await client.runs({ ...queryOf(this.#filters, this.#nowMs), limit: FIRST_PAGE }, this.#left.signal);
    this.#position = Math.max(position, this.#position ?? 0);
    this.#set({ list: withNewest(this.#runs.list, page, this.#taking) });
  }

  /** What the feed tells comes in as fast as the page can draw it. */
  take({ runs, left }: LiveData["runs"], position: number): void {
    this.#position = position;
    for (const run of runs) {
      this.#told.runs.set(run.id, run);
      this.#told.left.delete(run.id);
    }
    for (const id of left) {
      this.#told.runs.delete(id);
      this.#told.left.add(id);
    }
    this.#pace.ask();
  }

  #takeTold(): void {
    const changes = { runs: [...this.#told.runs.values()], left: [...this.#told.left] };
    this.#told = { runs: new Map(), left: new Set() };
    this.#set({ list: withChanges(this.#runs.list, changes, this.#taking) });
  }

  /** Shows the new runs that were held back. */
  readonly release = (): void => this.#set({ list: released(this.#runs.list, this.#taking) });

  /** Whether new runs are held back from now on. */
  readonly hold = (isHeld: boolean): void => {
    this.#isHeld = isHeld;
    if (!isHeld) this.release();
  };

  fail(error: AppError): void {
    this.#set({ error });
  }

  get #taking(): Taking {
    const isSearch = this.#filters.text !== "";
    return { isHeld: this.#isHeld, isSearch, mayEnter: (run) => belongs(run, this.#filters, this.#nowMs) };
  }

  async #read(what: "first" | "more"): Promise<void> {
    const { signal } = this.#left;
    this.#set({ reading: what, error: undefined });
    try {
      await this.#readPages(signal);
      if (!signal.aborted) this.#set({ reading: "nothing" });
    } catch (thrown) {
      if (!signal.aborted) this.#set({ reading: "nothing", error: AppError.from(thrown) });
    }
  }

  async #readPages(signal: AbortSignal): Promise<void> {
    for (let pages = 0; pages < EMPTY_PAGES_MAX; pages += 1) {
      const { nextBefore } = this.#runs.list;
      if (nextBefore === null) return;
      const query = {
        ...queryOf(this.#filters, this.#nowMs),
        ...(nextBefore === undefined ? { limit: FIRST_PAGE } : { limit: PAGE, before: nextBefore }),
      };
      const page = await client.runs(query, signal);
      this.#set({ list: withPage(this.#runs.list, page) });
      if (page.runs.length > 0) return;
    }
  }

  #set(change: Partial<ReadRuns>): void {
    this.#runs = { ...this.#runs, ...change };
    for (const listener of this.#listeners) listener();
  }
}
