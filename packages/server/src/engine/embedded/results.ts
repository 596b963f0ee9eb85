import { AppError, type EventDraft } from "@tutti/core";
import type { RunOutcome } from "./operations/index.ts";
import type { Payloads } from "./payloads.ts";

interface Waiter {
  readonly resolve: (outcome: Promise<RunOutcome>) => void;
  readonly reject: (error: unknown) => void;
  readonly isToldOfPauses: boolean;
}

/** Those who wait for runs to end. */
export class Results {
  readonly #payloads: Payloads;
  readonly #waiting = new Map<string, Set<Waiter>>();

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
  }

  /** How the run ended, once that is published; rejects with the signal's reason, or, if so wanted, when the run pauses. */
  async wait(runId: string, options: { readonly signal: AbortSignal; readonly isToldOfPauses: boolean }): Promise<RunOutcome> {
    const { signal, isToldOfPauses } = options;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<RunOutcome>();
    const waiter: Waiter = { resolve, reject, isToldOfPauses };
    const waiters = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, waiters.add(waiter));
    const onAbort = (): void => {
      reject(signal.reason);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiting.get(runId) === waiters) this.#waiting.delete(runId);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Tells those who wait for a run, if the event ends it, pauses it, or has it go on as another. */
  settle(event: EventDraft): void {
    const waiters = this.#waiting.get(event.runId);
    if (waiters === undefined) return;
    if (event.type === "run.continued") return this.#follow(event.runId, event.nextRunId);
    if (event.type === "run.paused") return this.#pause(waiters, AppError.revive(event.code, event.message));
    const outcome = this.#outcomeOf(event);
    if (outcome === undefined) return;
    this.#waiting.delete(event.runId);
    for (const { resolve } of waiters) resolve(outcome);
  }

  /** Tells all who wait that no end will come. */
  fail(error: AppError): void {
    for (const waiters of this.#waiting.values()) for (const { reject } of waiters) reject(error);
    this.#waiting.clear();
  }

  #follow(runId: string, nextRunId: string): void {
    const waiters = this.#waiting.get(runId) ?? new Set();
    this.#waiting.delete(runId);
    const next = this.#waiting.get(nextRunId);
    // The set itself moves on, so that those who stop waiting are found in it.
    if (next === undefined) this.#waiting.set(nextRunId, waiters);
    else for (const waiter of waiters) next.add(waiter);
  }

  #pause(waiters: Set<Waiter>, error: AppError): void {
    for (const waiter of waiters) {
      if (!waiter.isToldOfPauses) continue;
      waiters.delete(waiter);
      waiter.reject(error);
    }
  }

  #outcomeOf(event: EventDraft): Promise<RunOutcome> | undefined {
    if (event.type === "run.recorded") return Promise.resolve({ outcome: event.outcome });
    if (event.type === "run.completed") return this.#completed(event);
    if (event.type === "run.failed")
      return Promise.resolve({
        outcome: { ok: false, code: event.code, message: event.message },
        usage: event.usage,
        tainted: event.tainted,
        calls: event.calls,
      });
    if (event.type !== "run.cancelled") return undefined;
    const message = `the run was cancelled: ${event.reason}`;
    const { usage, tainted, calls } = event;
    return Promise.resolve({ outcome: { ok: false, code: "cancelled", message }, usage, tainted, calls });
  }

  async #completed({ output, usage, tainted, calls }: Extract<EventDraft, { readonly type: "run.completed" }>): Promise<RunOutcome> {
    return { outcome: { ok: true, output: await this.#payloads.fromJournal(output) }, usage, tainted, calls };
  }
}
