import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../../clock.ts";

interface Timer {
  readonly owner: string;
  readonly atMs: number;
  readonly action: () => void;
}

interface Turn {
  readonly owner: string;
  readonly action: () => void;
}

/**
 * Time that stands still until a test moves it. Whoever asks for a turn or a timer is known by the asynchronous context it asks in, so that
 * states can be compared run by run.
 */
export class VirtualClock implements Clock {
  readonly #owners = new AsyncLocalStorage<string>();
  readonly #turns: Turn[] = [];
  readonly #timers: Timer[] = [];
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  turn(action: () => void): void {
    this.#turns.push({ owner: this.#owner, action });
  }

  after(ms: number, action: () => void): () => void {
    const timer: Timer = { owner: this.#owner, atMs: this.#nowMs + Math.max(0, Math.ceil(ms)), action };
    // Stable: of two timers for one moment the older fires first, as Node does.
    const place = this.#timers.findIndex(({ atMs }) => atMs > timer.atMs);
    this.#timers.splice(place === -1 ? this.#timers.length : place, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at !== -1) this.#timers.splice(at, 1);
    };
  }

  random(): number {
    return 0.5;
  }

  /** Does something in the name of a run: what it asks the clock for, then and later, is that run's. */
  as<T>(owner: string, action: () => T): T {
    return this.#owners.run(owner, action);
  }

  /** Who waits for a turn, in the order in which they get it. */
  get turnOwners(): readonly string[] {
    return this.#turns.map(({ owner }) => owner);
  }

  /** What is due, soonest first. */
  get timers(): readonly { readonly owner: string; readonly atMs: number }[] {
    return this.#timers;
  }

  giveTurn(): void {
    const turn = this.#turns.shift();
    if (turn !== undefined) this.as(turn.owner, turn.action);
  }

  /** Moves time to the soonest timer and fires it. */
  fireTimer(): void {
    const timer = this.#timers.shift();
    if (timer === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    this.as(timer.owner, timer.action);
  }

  get #owner(): string {
    return this.#owners.getStore() ?? "";
  }
}
