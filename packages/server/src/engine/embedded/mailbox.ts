import { AppError, type Json } from "@tutti/core";
import type { Clock } from "../clock.ts";
import type { History, ReceivedSignal, SignalOutput } from "./history.ts";
import type { Scope } from "./scope.ts";
import { waitUntil } from "./timers.ts";

const WAIT_OVER = new AppError("cancelled", "the wait is over");

/** Signals of one run: buffered in order of arrival, consumed by name by waits in order of asking. */
export class Mailbox {
  readonly #clock: Clock;
  readonly #buffered: ReceivedSignal[] = [];
  readonly #waiting = new Map<string, ((value: Json) => void)[]>();
  readonly #ids = new Set<string>();

  constructor(history: History, clock: Clock) {
    this.#clock = clock;
    const consumed = new Map(history.consumed);
    for (const signal of history.signals) {
      if (signal.id !== undefined) this.#ids.add(signal.id);
      const left = consumed.get(signal.name) ?? 0;
      if (left > 0) consumed.set(signal.name, left - 1);
      else this.#buffered.push(signal);
    }
  }

  /** Signals nobody has taken yet, in order of arrival. */
  get untaken(): readonly ReceivedSignal[] {
    return this.#buffered;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  deliver(signal: ReceivedSignal): void {
    if (signal.id !== undefined) this.#ids.add(signal.id);
    const waiter = this.#waiting.get(signal.name)?.shift();
    if (waiter !== undefined) return waiter(signal.value);
    this.#buffered.push(signal);
  }

  async next(name: string, untilMs: number, scope: Scope): Promise<SignalOutput> {
    const at = this.#buffered.findIndex((signal) => signal.name === name);
    const [buffered] = at === -1 ? [] : this.#buffered.splice(at, 1);
    if (buffered !== undefined) return { received: true, value: buffered.value };
    const { promise, resolve } = Promise.withResolvers<Json>();
    const waiters = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, waiters);
    waiters.push(resolve);
    const patience = scope.fork("", 0);
    try {
      const value = await Promise.race([promise, waitUntil(untilMs, patience, this.#clock)]);
      if (value === undefined) return { received: false };
      if (scope.closed === undefined) return { received: true, value };
      // The branch lost while the signal was on its way to it: another wait may have it.
      this.#buffered.unshift({ name, value });
      throw scope.closed;
    } finally {
      scope.end(patience, WAIT_OVER);
      const place = waiters.indexOf(resolve);
      if (place !== -1) waiters.splice(place, 1);
    }
  }
}
