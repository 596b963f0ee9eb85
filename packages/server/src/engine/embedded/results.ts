import { AppError, type EventDraft, type Json } from "@tutti/core";
import type { Payloads } from "./payloads.ts";

/** Those who wait for runs to end. */
export class Results {
  readonly #payloads: Payloads;
  readonly #waiting = new Map<string, PromiseWithResolvers<Json>>();

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
  }

  /** The run's output once its end is published; rejects with its error, or with the signal's reason. */
  wait(runId: string, signal: AbortSignal): Promise<Json> {
    const waiting = this.#waiting.get(runId) ?? Promise.withResolvers<Json>();
    this.#waiting.set(runId, waiting);
    waiting.promise.catch(() => undefined);
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    return Promise.race([waiting.promise, aborted.promise]).finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Tells those who wait for a run, if the event ends it. */
  settle(event: EventDraft): void {
    const waiting = this.#waiting.get(event.runId);
    const end = waiting && this.#endOf(event);
    if (end === undefined) return;
    this.#waiting.delete(event.runId);
    void end.then(waiting?.resolve, waiting?.reject);
  }

  /** Tells all who wait that no end will come. */
  fail(error: AppError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #endOf(event: EventDraft): Promise<Json> | undefined {
    if (event.type === "run.completed") return this.#payloads.fromJournal(event.output);
    if (event.type === "run.failed") return Promise.reject(AppError.revive(event.code, event.message));
    if (event.type === "run.cancelled") return Promise.reject(new AppError("cancelled", `the run was cancelled: ${event.reason}`));
    if (event.type !== "run.recorded") return undefined;
    const { outcome } = event;
    return outcome.ok ? Promise.resolve(outcome.output) : Promise.reject(AppError.revive(outcome.code, outcome.message));
  }
}
