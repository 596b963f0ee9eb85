import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { AppError, type Event, type Json, type Store } from "@tutti/core";
import { dayOf } from "./calendar.ts";
import { DaySpend, group, type DaySnapshot, type Dimension, type LedgerRow, type Used } from "./day-spend.ts";
import { nanosOf, tokensOf, type Payer } from "./limits.ts";
import { Purse, type PurseSnapshot } from "./purse.ts";
import type { Subject } from "./refusal.ts";
import { spendsOf, spendsOfStep, type Spend } from "./spend.ts";

const ACCOUNTS_SETTING = "spend.accounts";
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Days that stay in memory; older ones are read when somebody asks for them. */
const DAYS_KEPT = 3;
/** The longest span that one question may be about. */
const DAYS_MAX = 400;
/** Events read at once: reads run on the event loop. */
const PAGE = 250;
const PAGES_A_TURN_MAX = 20;
const INTERVAL_MS = 1_000;
/** Reading and writing takes at most one part in so many of the time. */
const DUTY = 40;
/** Runs whose workflow is remembered. */
const WORKFLOWS_KEPT_MAX = 10_000;
/** Snapshots that say only that nothing was spent are written this seldom. */
const IDLE_SNAPSHOT_MS = 60_000;

/** What the ledger is made of. */
export interface LedgerOptions {
  readonly store: Store;
  readonly nowMs: () => number;
  /** Told of every exchange in the log that is new since `open`. */
  readonly onSpend: (spend: Spend, atMs: number) => void;
  readonly onError: (error: AppError) => void;
}

/** A question to the ledger. Days are UTC, as in "2026-11-21", both included. */
export interface LedgerQuery {
  readonly by: readonly Dimension[];
  readonly from: string;
  readonly to: string;
}

/** From a moment (included) to another, in ms since 1970. */
export interface MinuteQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface MinuteUse {
  readonly startMs: number;
  readonly used: Used;
}

interface AccountsSnapshot {
  readonly position: number;
  /** How far each day was when this was written. */
  readonly days: Readonly<Record<string, number>>;
  readonly purses: Readonly<Record<Subject, PurseSnapshot>>;
}

/**
 * A reading of the event log: who spent what. Sums are kept up as the log grows, and written down about once a second together with the
 * position they stand for, so that a start reads only what came after.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #purses = new Map<Subject, Purse>();
  readonly #days = new Map<string, DaySpend>();
  readonly #workflows = new Map<string, string>();
  readonly #stop = new AbortController();
  #position = 0;
  #accountsPosition = 0;
  #isDirty = false;
  #isOpen = false;
  #savedAtMs = 0;
  #working: Promise<unknown> = Promise.resolve();
  #rounds: Promise<void> | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Reads the last snapshot and what the log says since. */
  async open(): Promise<void> {
    const snapshot = (await this.#options.store.getSetting(ACCOUNTS_SETTING)) as AccountsSnapshot | undefined;
    if (snapshot !== undefined) await this.#restore(snapshot);
    await this.catchUp();
    this.#isOpen = true;
    this.#rounds = this.#keepUp();
  }

  /** What everybody spent, for whoever counts on from here. */
  purses(): ReadonlyMap<Subject, Purse> {
    return this.#purses;
  }

  /** Reads the log to its end. */
  async catchUp(): Promise<void> {
    while (await this.#inTurn(() => this.#readTurn())) await nextTurn();
  }

  /** Sums by some dimensions, up to the last journaled event. */
  async query({ by, from, to }: LedgerQuery): Promise<readonly LedgerRow[]> {
    const days = daysBetween(from, to);
    await this.catchUp();
    const found: [string, DaySpend][] = [];
    for (const day of days) found.push([day, this.#days.get(day) ?? (await this.#readDay(day))]);
    return group(found, by);
  }

  /** What was used in each minute of a span in which something was, in order. */
  async minutes({ sinceMs, untilMs }: MinuteQuery): Promise<readonly MinuteUse[]> {
    await this.catchUp();
    const found: MinuteUse[] = [];
    for (const day of daysBetween(dayOf(sinceMs), dayOf(Math.max(sinceMs, untilMs - 1)))) {
      const dayMs = Date.parse(`${day}T00:00:00Z`);
      for (const [minute, used] of (this.#days.get(day) ?? (await this.#readDay(day))).minutes()) {
        const startMs = dayMs + minute * MINUTE_MS;
        if (startMs >= sinceMs && startMs < untilMs) found.push({ startMs, used });
      }
    }
    return found.toSorted((a, b) => a.startMs - b.startMs);
  }

  /** Writes down where it is, and reads no more. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#rounds;
    await this.catchUp();
    await this.#inTurn(() => this.#save());
  }

  async #keepUp(): Promise<void> {
    const { signal } = this.#stop;
    let waitMs = INTERVAL_MS;
    while (!signal.aborted) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const startMs = performance.now();
      let isBehind = false;
      try {
        isBehind = await this.#inTurn(() => this.#readTurn());
        await this.#inTurn(() => this.#save());
      } catch (thrown) {
        // The store says so itself in health; the next round tries again.
        this.#options.onError(AppError.from(thrown));
      }
      waitMs = Math.max(isBehind ? 0 : INTERVAL_MS, (performance.now() - startMs) * DUTY);
    }
  }

  /** One reader or writer at a time, in the order in which they come. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#working.then(work, work);
    this.#working = turn.catch(() => undefined);
    return turn;
  }

  /** Reads some pages; resolves with whether there is more. */
  async #readTurn(): Promise<boolean> {
    for (let pages = 0; pages < PAGES_A_TURN_MAX; pages += 1) {
      const page = await this.#options.store.log({ afterPosition: this.#position, limit: PAGE });
      for (const { position, event } of page) {
        await this.#fold(event, position);
        this.#position = position;
      }
      if (page.length < PAGE) return false;
      await nextTurn();
    }
    return true;
  }

  async #fold(event: Event, position: number): Promise<void> {
    const spends = spendsOf(event);
    const used = spends.length > 0 ? spends : spendsOfStep(event);
    if (used.length === 0) return;
    const workflow = await this.#workflowOf(event);
    const day = event.at.slice(0, 10);
    const atMs = Date.parse(event.at);
    let dayspend = this.#days.get(day);
    if (dayspend === undefined) this.#days.set(day, (dayspend = await this.#readDay(day)));
    dayspend.add({ spends: used, workflow, used: sumOf(used), minute: Math.floor((atMs % DAY_MS) / MINUTE_MS) }, position);
    if (position <= this.#accountsPosition) return;
    this.#isDirty = true;
    for (const spend of spends) {
      for (const subject of subjectsOf(spend)) this.#purse(subject).add(atMs, tokensOf(spend.usage), nanosOf(spend.costUsd));
      if (this.#isOpen) this.#options.onSpend(spend, atMs);
    }
  }

  /** The workflow of the event's run; runs whose start was removed from the log have none. */
  async #workflowOf(event: Event): Promise<string> {
    if (event.type === "run.recorded") return event.workflow;
    let workflow = this.#workflows.get(event.runId);
    if (workflow === undefined) {
      workflow = (await this.#options.store.run(event.runId))?.workflow ?? "";
      if (this.#workflows.size >= WORKFLOWS_KEPT_MAX) this.#workflows.clear();
      this.#workflows.set(event.runId, workflow);
    }
    return workflow;
  }

  #purse(subject: Subject): Purse {
    let purse = this.#purses.get(subject);
    if (purse === undefined) this.#purses.set(subject, (purse = new Purse()));
    return purse;
  }

  async #restore({ position, days, purses }: AccountsSnapshot): Promise<void> {
    for (const [subject, purse] of Object.entries(purses)) this.#purses.set(subject as Subject, new Purse(purse));
    this.#accountsPosition = position;
    this.#position = position;
    for (const [day, wanted] of Object.entries(days)) {
      const found = await this.#readDay(day);
      this.#days.set(day, found);
      // Another node that was not as far has written the day after this was written: what it had not read is read again.
      if (found.position < wanted) this.#position = Math.min(this.#position, found.position);
    }
  }

  async #readDay(day: string): Promise<DaySpend> {
    const found = (await this.#options.store.getSetting(daySetting(day))) as DaySnapshot | undefined;
    return new DaySpend(found);
  }

  async #save(): Promise<void> {
    const { store, nowMs } = this.#options;
    const isDue = this.#isDirty || (this.#position > this.#accountsPosition && nowMs() - this.#savedAtMs >= IDLE_SNAPSHOT_MS);
    if (!isDue) return;
    for (const [day, spend] of this.#days) {
      if (spend.isDirty) await store.setSetting(daySetting(day), spend.snapshot() as unknown as Json);
      spend.isDirty = false;
    }
    const keptFrom = dayOf(nowMs() - (DAYS_KEPT - 1) * DAY_MS);
    for (const day of this.#days.keys()) if (day < keptFrom) this.#days.delete(day);
    const snapshot: AccountsSnapshot = {
      position: this.#position,
      days: Object.fromEntries([...this.#days].map(([day, spend]) => [day, spend.position])),
      purses: Object.fromEntries([...this.#purses].map(([subject, purse]) => [subject, purse.snapshot()])),
    };
    await store.setSetting(ACCOUNTS_SETTING, snapshot as unknown as Json);
    this.#accountsPosition = this.#position;
    this.#savedAtMs = nowMs();
    this.#isDirty = false;
  }
}

function sumOf(spends: readonly Spend[]): Used {
  const of = (value: (spend: Spend) => number): number => spends.reduce((sum, spend) => sum + value(spend), 0);
  return [of(({ usage }) => usage.inputTokens), of(({ usage }) => usage.outputTokens), of(({ costUsd }) => nanosOf(costUsd))];
}

/** Whose accounts an exchange is charged to. */
export function subjectsOf({ keyId, user, team }: Pick<Spend, "keyId" | "user" | "team"> | Payer): readonly Subject[] {
  return [
    ...(keyId === undefined ? [] : [`key:${keyId}` as const]),
    ...(user === undefined ? [] : [`user:${user}` as const]),
    ...(team === undefined ? [] : [`team:${team}` as const]),
  ];
}

function daySetting(day: string): string {
  return `spend.day.${day}`;
}

function daysBetween(from: string, to: string): readonly string[] {
  const fromMs = Date.parse(`${from}T00:00:00Z`);
  const toMs = Date.parse(`${to}T00:00:00Z`);
  const count = (toMs - fromMs) / DAY_MS + 1;
  if (!(count >= 1 && count <= DAYS_MAX))
    throw new AppError(
      "invalid_input",
      `wanted 1 to ${DAYS_MAX} days as in 2026-11-21, the first not after the last, got ${from} to ${to}`,
    );
  return Array.from({ length: count }, (_, index) => dayOf(fromMs + index * DAY_MS));
}
