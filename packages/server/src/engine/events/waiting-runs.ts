import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Engine, type Json, type Principal, type Store } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import type { CloudEvent } from "@tutti/core/wire";
import { onPublished, readPublications, taintOf } from "./publications.ts";

const CURSOR_SETTING = "events.waiting-runs";
/** Publications read at once. */
const PAGE = 200;
/** Runs that are looked up at once. */
const RUNS_MAX = 1000;
/** How long to wait for runs that were told to go on, and how often, before the rest is left. */
const IDLE_MS = 20;
const IDLE_MAX = 500;
const ATTEMPTS_MAX = 5;
const BACKOFF = { delayMs: 100, delayMaxMs: 2000 };
/** What a crash loses of the cursor is read again; the signals' ids keep them from being taken twice. */
const CURSOR_INTERVAL_MS = 1000;

/** A run that took an event may wait for the next in a moment: it is told of what comes in between, too. */
const FOLLOWS_MS = 5000;
const FOLLOWERS_MAX = 10_000;

/** Who signals; its decisions are in the runs' logs. */
const PRINCIPAL: Principal = { id: "tutti.events", tenant: "default", roles: ["owner"] };

/** The signal that a run waits for when it waits for an event of a type. */
function eventSignal(type: string): string {
  return `event:${type}`;
}

/** Gives every published event to the runs that wait for its type: as the signal `event:<type>`, once each. */
export class WaitingRuns {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #onError: (error: unknown) => void;
  #listening: Disposable | undefined;
  #reading: Promise<void> = Promise.resolve();
  #isRung = false;
  #position = 0;
  #savedAtMs = 0;
  /** Runs that waited lately, by signal, and until when they count as waiting. */
  readonly #followers = new Map<string, Map<string, number>>();

  constructor(engine: Engine, store: Store, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#store = store;
    this.#onError = onError;
  }

  async start(): Promise<void> {
    this.#position = Number((await this.#store.getSetting(CURSOR_SETTING)) ?? 0);
    this.#listening = onPublished({ engine: this.#engine, store: this.#store }, () => this.#ring());
    this.#ring();
  }

  async stop(): Promise<void> {
    this.#listening?.[Symbol.dispose]();
    this.#listening = undefined;
    await this.#reading;
  }

  /** Reads on at the end of what is being read now; many rings are one. */
  #ring(): void {
    if (this.#isRung) return;
    this.#isRung = true;
    this.#reading = this.#reading.then(() => this.#readOn()).catch(this.#onError);
  }

  async #readOn(): Promise<void> {
    this.#isRung = false;
    while (this.#listening !== undefined) {
      const page = await readPublications(this.#store, { after: this.#position, limit: PAGE });
      for (const { position, event } of page) {
        if (event !== undefined) await this.#signalRuns(event);
        this.#position = position;
      }
      await this.#saveCursor();
      if (page.length < PAGE) return;
    }
  }

  async #signalRuns(event: CloudEvent): Promise<void> {
    const name = eventSignal(event.type);
    const signal = { name, value: event as unknown as Json, id: `${event.source}#${event.id}`, ...taintOf(event) };
    const told = new Set<string>();
    for (let idle = 0; idle < IDLE_MAX && this.#listening !== undefined;) {
      const waits = await this.#store.waits({ kind: "signal", name, limit: RUNS_MAX });
      const runs = this.#follow(
        name,
        waits.map((wait) => wait.runId),
      ).filter((runId) => !told.has(runId));
      for (const runId of runs) {
        await this.#signal(runId, signal);
        told.add(runId);
      }
      if (waits.length < RUNS_MAX) return;
      // There are more than one page: those that were told leave it as they go on.
      idle = runs.length > 0 ? 0 : idle + 1;
      await delay(IDLE_MS);
    }
  }

  async #signal(runId: string, signal: { readonly name: string; readonly value: Json; readonly id: string }): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#engine.signal(runId, signal, PRINCIPAL);
      } catch (thrown) {
        const error = AppError.from(thrown);
        // The run may have ended, or refuse what it no longer waits for; the event is there for the others.
        if (!error.isRetryable) return;
        if (attempt === ATTEMPTS_MAX) return this.#onError(error);
        await delay(backoffMs(attempt, BACKOFF, Math.random()));
      }
    }
  }

  /** The runs that wait for a signal now, and those that did so a moment ago. */
  #follow(name: string, waiting: readonly string[]): readonly string[] {
    const nowMs = Date.now();
    const followers = this.#followers.get(name) ?? new Map<string, number>();
    for (const [runId, untilMs] of followers) if (untilMs < nowMs) followers.delete(runId);
    for (const runId of waiting) if (followers.size < FOLLOWERS_MAX) followers.set(runId, nowMs + FOLLOWS_MS);
    if (followers.size > 0) this.#followers.set(name, followers);
    else this.#followers.delete(name);
    return [...new Set([...followers.keys(), ...waiting])];
  }

  async #saveCursor(): Promise<void> {
    if (Date.now() - this.#savedAtMs < CURSOR_INTERVAL_MS) return;
    this.#savedAtMs = Date.now();
    await this.#store.setSetting(CURSOR_SETTING, this.#position);
  }
}
