import type { Engine, Event, Json, RunRecord, Store } from "@tutti/core";
import type { App } from "../../host/index.ts";
import { redactEvent } from "../routes/trust.ts";
import type { Bell } from "../sse.ts";
import { MinuteCounts } from "./minute-counts.ts";

/** What happens within so many ms is told together. */
const TICK_MS = 50;
/** What nobody told of is found after so long at the latest: another program's node, a write past the engine. */
const LOOK_MS = 2_000;
/** The newest events that stay in memory, for all who listen. */
const KEPT_MAX = 2_000;
/** Events read from the store at once: reads run on the event loop. */
const PAGE = 500;

/** An event of the log with its place. Its redacted form is made once, for whoever asks first. */
export interface TailEntry {
  readonly position: number;
  readonly event: Event;
  readonly redacted: () => Json;
}

/**
 * The end of the log, read once for all who listen: how far it is, its newest events, and runs as they stand now. It reads only while
 * somebody listens, and rings their bells at most every 50 ms.
 */
export class LogTail {
  readonly #engine: Engine;
  readonly #store: Store & Pick<App["store"], "position">;
  readonly #bells = new Set<Bell>();
  readonly #runs = new Map<string, Promise<RunRecord | undefined>>();
  readonly counts = new MinuteCounts();
  #entries: TailEntry[] = [];
  /** All events after this position up to `#head` stand in `#entries`. */
  #first = 0;
  #head = 0;
  #listening: Disposable | undefined;
  #opening: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tickedMs = 0;
  #ticking: Promise<void> | undefined;
  #isRung = false;

  constructor({ engine, store }: Pick<App, "engine" | "store">) {
    this.#engine = engine;
    this.#store = store;
  }

  /** The position of the last event that was read. */
  get head(): number {
    return this.#head;
  }

  /** Rings the bell whenever there is more, until the result is disposed of. */
  async listen(bell: Bell): Promise<Disposable> {
    this.#bells.add(bell);
    try {
      await (this.#opening ??= this.#open());
    } catch (error) {
      this.#leave(bell);
      throw error;
    }
    return { [Symbol.dispose]: () => this.#leave(bell) };
  }

  /** Events after a position, oldest first, as far as the tail has come. */
  async read(after: number, limit: number): Promise<readonly TailEntry[]> {
    if (after < this.#first) return (await this.#store.log({ afterPosition: after, limit: Math.min(limit, PAGE) })).map(entryOf);
    const from = this.#entries.findIndex(({ position }) => position > after);
    return from === -1 ? [] : this.#entries.slice(from, from + limit);
  }

  /** A run as it stood when the tail was read last. */
  run(runId: string): Promise<RunRecord | undefined> {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const reading = this.#store.run(runId);
    this.#runs.set(runId, reading);
    return reading;
  }

  async #open(): Promise<void> {
    // What is being read for those who have left would count as read by the tail that begins here.
    await this.#ticking?.catch(() => undefined);
    this.#runs.clear();
    this.counts.clear();
    const position = await this.#store.position();
    this.#first = Math.max(0, position - KEPT_MAX);
    this.#head = this.#first;
    this.#entries = [];
    const listening = new DisposableStack();
    listening.use(this.#engine.subscribe(() => this.#ring()));
    listening.use(this.#store.changes(() => this.#ring()));
    const look = setInterval(() => this.#ring(), LOOK_MS).unref();
    listening.defer(() => clearInterval(look));
    this.#listening = listening;
    await this.#tick();
  }

  #leave(bell: Bell): void {
    this.#bells.delete(bell);
    if (this.#bells.size > 0) return;
    this.#listening?.[Symbol.dispose]();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#listening = undefined;
    this.#opening = undefined;
    this.#entries = [];
    this.#runs.clear();
    this.counts.clear();
  }

  #ring(): void {
    this.#isRung = true;
    if (this.#timer !== undefined || this.#ticking !== undefined) return;
    const waitMs = Math.max(0, this.#tickedMs + TICK_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A store that cannot be read says so itself in health; the next look tries again.
      void this.#tick().catch(() => undefined);
    }, waitMs);
  }

  #tick(): Promise<void> {
    this.#ticking ??= this.#readOn().finally(() => {
      this.#ticking = undefined;
      this.#tickedMs = performance.now();
      if (this.#isRung && this.#listening !== undefined) this.#ring();
    });
    return this.#ticking;
  }

  /** Reads what is new, and tells those who listen. */
  async #readOn(): Promise<void> {
    this.#isRung = false;
    const before = this.#head;
    for (;;) {
      const page = await this.#store.log({ afterPosition: this.#head, limit: PAGE });
      for (const { event } of page) this.counts.add(event);
      this.#entries.push(...page.map(entryOf));
      this.#head = page.at(-1)?.position ?? this.#head;
      this.#forget();
      if (page.length < PAGE) break;
    }
    if (this.#head === before) return;
    this.#runs.clear();
    for (const bell of this.#bells) bell.ring();
  }

  #forget(): void {
    if (this.#entries.length <= KEPT_MAX) return;
    const gone = this.#entries.splice(0, this.#entries.length - KEPT_MAX);
    this.#first = gone.at(-1)?.position ?? this.#first;
  }
}

function entryOf({ position, event }: { readonly position: number; readonly event: Event }): TailEntry {
  let redacted: Json | undefined;
  return { position, event, redacted: () => (redacted ??= redactEvent(event as unknown as Json)) };
}
