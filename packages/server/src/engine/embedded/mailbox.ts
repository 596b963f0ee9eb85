import { AppError, type Json } from "@tutti/core";
import type { History, SignalOutput } from "./history.ts";
import type { Scope } from "./scope.ts";
import { waitUntil } from "./timers.ts";

const WAIT_OVER = new AppError("cancelled", "the wait is over");

/** Signals of one run: buffered by name, consumed in order of arrival by waits in order of asking. */
export class Mailbox {
  readonly #buffered = new Map<string, Json[]>();
  readonly #waiting = new Map<string, ((value: Json) => void)[]>();

  constructor(history: History) {
    const consumed = new Map(history.consumed);
    for (const { name, value } of history.signals) {
      const left = consumed.get(name) ?? 0;
      if (left > 0) consumed.set(name, left - 1);
      else this.deliver(name, value);
    }
  }

  deliver(name: string, value: Json): void {
    const waiter = this.#waiting.get(name)?.shift();
    if (waiter !== undefined) return waiter(value);
    this.#bufferOf(name).push(value);
  }

  #bufferOf(name: string): Json[] {
    const buffered = this.#buffered.get(name) ?? [];
    this.#buffered.set(name, buffered);
    return buffered;
  }

  async next(name: string, untilMs: number, scope: Scope): Promise<SignalOutput> {
    const buffered = this.#buffered.get(name)?.shift();
    if (buffered !== undefined) return { received: true, value: buffered };
    const { promise, resolve } = Promise.withResolvers<Json>();
    const waiters = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, waiters);
    waiters.push(resolve);
    const patience = scope.fork("", 0);
    try {
      const value = await Promise.race([promise, waitUntil(untilMs, patience)]);
      if (value === undefined) return { received: false };
      if (scope.closed === undefined) return { received: true, value };
      // The branch lost while the signal was on its way to it: another wait may have it.
      this.#bufferOf(name).unshift(value);
      throw scope.closed;
    } finally {
      scope.end(patience, WAIT_OVER);
      const at = waiters.indexOf(resolve);
      if (at !== -1) waiters.splice(at, 1);
    }
  }
}
