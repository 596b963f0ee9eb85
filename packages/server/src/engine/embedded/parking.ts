import type { Store, Wait } from "@tutti/core";
import type { Clock } from "../clock.ts";
import type { ActiveRun } from "./active-run.ts";

/** How long a run may do nothing but wait before it leaves the memory. */
const PARK_AFTER_MS = 1000;
/** Runs whose wait ends sooner than this stay. */
const PARK_AHEAD_MS = 2000;
/** Runs that leave in one sweep; the next follows at once. */
const SWEEP_MAX = 2000;
/** Due waits looked at in one go. */
const DUE_PAGE = 500;
/** Runs that may wait for the end of one; more are brought back at the next start. */
const JOINERS_MAX = 1000;
/** How soon to look again when there was more than a page, or when woken runs have not said anything yet. */
const AGAIN_MS = 20;
const AGAIN_MAX_MS = 5000;
/** How long a run that could not be brought back is left alone. */
const STUCK_MS = 30_000;
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What parking works with. */
export interface ParkingParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly active: ReadonlyMap<string, ActiveRun>;
  readonly runsActiveMax: number;
  /** Takes a run out of memory. */
  readonly evict: (runId: string, run: ActiveRun) => void;
  /** Brings a run back. */
  readonly wake: (runId: string) => Promise<unknown>;
}

/** Takes runs that only wait out of memory, and brings them back when their time has come. A parked run costs disk only. */
export class Parking {
  readonly #parts: ParkingParts;
  #idle: { readonly runId: string; readonly sinceMs: number }[] = [];
  #stopSweep: (() => void) | undefined;
  #stopAlarm: (() => void) | undefined;
  #alarmAtMs = Infinity;
  #againMs = AGAIN_MS;
  #isStopped = false;
  /** Runs that could not be brought back, and when to try again. */
  readonly #stuck = new Map<string, number>();
  /** Whether a parked run may wait for another run's end. */
  hasJoiners = true;

  constructor(parts: ParkingParts) {
    this.#parts = parts;
  }

  /** A run does nothing but wait. */
  idle(runId: string, run: ActiveRun): void {
    if (run.isIdle || this.#isStopped) return;
    run.isIdle = true;
    this.#idle.push({ runId, sinceMs: this.#parts.clock.nowMs() });
    this.#stopSweep ??= this.#parts.clock.after(PARK_AFTER_MS, () => void this.#sweep());
  }

  /** Looks when the next parked run is due. */
  async start(): Promise<void> {
    this.hasJoiners = (await this.#parts.store.waits({ kind: "workflow", limit: 1 })).length > 0;
    await this.#setAlarm();
  }

  /** Brings back the runs that waited for this one's end. */
  async wakeJoiners(runId: string): Promise<void> {
    if (!this.hasJoiners || this.#isStopped) return;
    const waits = await this.#parts.store.waits({ kind: "workflow", name: runId, limit: JOINERS_MAX });
    for (const wait of waits) await this.#wake(wait.runId);
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopSweep?.();
    this.#stopAlarm?.();
  }

  async #sweep(): Promise<void> {
    const { clock, active, runsActiveMax } = this.#parts;
    const patienceMs = active.size > runsActiveMax / 2 ? 0 : PARK_AFTER_MS;
    const ripe = this.#idle.findIndex(({ sinceMs }) => sinceMs > clock.nowMs() - patienceMs);
    const leaving = this.#idle.splice(0, Math.min(SWEEP_MAX, ripe === -1 ? this.#idle.length : ripe));
    await Promise.all(leaving.map(({ runId }) => this.#park(runId)));
    this.#stopSweep = undefined;
    const next = this.#idle[0];
    if (next === undefined || this.#isStopped) return;
    this.#stopSweep = clock.after(Math.max(0, next.sinceMs + patienceMs - clock.nowMs()), () => void this.#sweep());
  }

  async #park(runId: string): Promise<void> {
    const { store, clock, active, evict } = this.#parts;
    const run = active.get(runId);
    if (run === undefined) return;
    run.isIdle = false;
    const waits = openWaits(runId, run);
    const soonestMs = Math.min(...waits.map(({ until }) => (until === null ? Infinity : Date.parse(until))));
    if (waits.length === 0 || run.pins > 0 || soonestMs < clock.nowMs() + PARK_AHEAD_MS) return;
    const { seq } = run;
    this.hasJoiners ||= waits.some(({ kind }) => kind === "workflow");
    await store.park(runId, waits).catch(() => undefined);
    if (await this.#hasEnded(waits)) return;
    const isUnchanged = active.get(runId) === run && run.seq === seq && run.pins === 0 && openWaits(runId, run).length === waits.length;
    if (!isUnchanged || !store.health().ok) return;
    evict(runId, run);
    this.#setAlarmAt(Math.min(soonestMs, run.deadlineMs));
  }

  /** Whether a run that is waited for has ended meanwhile, or gone on as another: then the store has not parked this one. */
  async #hasEnded(waits: readonly Wait[]): Promise<boolean> {
    const awaited = waits.filter(({ kind }) => kind === "workflow");
    const records = await Promise.all(awaited.map(({ name }) => this.#parts.store.run(name)));
    return records.some((record) => record !== undefined && record.endedAt !== null);
  }

  #setAlarmAt(atMs: number): void {
    if (atMs >= this.#alarmAtMs || this.#isStopped) return;
    this.#stopAlarm?.();
    this.#alarmAtMs = atMs;
    const delayMs = Math.min(TIMER_MAX_MS, Math.max(this.#againMs, atMs - this.#parts.clock.nowMs()));
    this.#stopAlarm = this.#parts.clock.after(delayMs, () => {
      // A store that cannot be asked now is asked again.
      void this.#ring().catch(() => this.#setAlarmAt(this.#parts.clock.nowMs() + AGAIN_MAX_MS));
    });
  }

  async #ring(): Promise<void> {
    const { store, clock, active, runsActiveMax } = this.#parts;
    this.#alarmAtMs = Infinity;
    const due = await store.waits({ parked: true, until: new Date(clock.nowMs()).toISOString(), limit: DUE_PAGE });
    let woken = 0;
    for (const runId of new Set(due.map((wait) => wait.runId))) if (active.size < runsActiveMax && (await this.#wake(runId))) woken += 1;
    this.#againMs = woken > 0 ? AGAIN_MS : Math.min(AGAIN_MAX_MS, this.#againMs * 2);
    await this.#setAlarm();
  }

  async #setAlarm(): Promise<void> {
    if (this.#isStopped) return;
    const [next] = await this.#parts.store.waits({ parked: true, limit: 1 });
    if (typeof next?.until === "string") this.#setAlarmAt(Date.parse(next.until));
  }

  /** Whether the run is in memory again. */
  async #wake(runId: string): Promise<boolean> {
    const { active, wake } = this.#parts;
    const nowMs = this.#parts.clock.nowMs();
    if (this.#isStopped || active.has(runId) || (this.#stuck.get(runId) ?? 0) > nowMs) return false;
    this.#stuck.delete(runId);
    await wake(runId).catch(() => this.#stuck.set(runId, nowMs + STUCK_MS));
    return active.has(runId);
  }
}

function openWaits(runId: string, { execution }: ActiveRun): readonly Wait[] {
  return [...(execution.idleWaits ?? [])].map(([key, wait]) => ({ runId, key, ...wait }));
}
