import type { Outcome } from "@tutti/core";
import type { Clock } from "../clock.ts";
import type { Closing, History, StepRecord } from "./history.ts";

/** How long a replay waits for the workflow to ask for a recorded step before it says that the workflow has changed. */
const STALL_MS = 1000;

/** The result of a step on its way to the workflow. */
export interface Result<P> {
  readonly type: "result";
  readonly pending: P;
  readonly outcome: Outcome;
}

/** Whom results are delivered to. `P` is a step that the workflow waits for. */
export interface Receiver<P> {
  /** The step asked for at `key`, also one of a branch that has ended. */
  pendingAt(key: string): P | undefined;
  /** Whether the step belonged to a branch that has ended: nobody waits for it. */
  isDropped(key: string): boolean;
  settle(pending: P, outcome: Outcome): void;
  applyClosing(closing: Closing): void;
  /** Called once, when all that was recorded has been delivered. */
  goLive(): void;
  changed(difference: string): void;
}

/**
 * Delivers results one at a time, a turn of the event loop for each: first the recorded ones in the order of the log, then those that come.
 * A turn lets the workflow go as far as it can before the next.
 */
export class Deliveries<P> {
  readonly #receiver: Receiver<P>;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #queue: (Result<P> | Closing)[] = [];
  #replayed = 0;
  #isReplaying: boolean;
  #turnTaken = false;
  #isStopped = false;
  #stopStall: (() => void) | undefined;

  constructor(receiver: Receiver<P>, history: History, clock: Clock) {
    this.#receiver = receiver;
    this.#history = history;
    this.#clock = clock;
    this.#isReplaying = history.records.length > 0;
  }

  get isReplaying(): boolean {
    return this.#isReplaying;
  }

  /** Whether nothing is on its way. */
  get isEmpty(): boolean {
    return !this.#isReplaying && this.#queue.length === 0;
  }

  /** How many recorded steps were delivered. */
  get steps(): number {
    return this.#history.records.slice(0, this.#replayed).filter(({ type }) => type === "step").length;
  }

  /** The first recorded step that the workflow has not asked for. */
  get missing(): StepRecord | undefined {
    for (const next of this.#isReplaying ? this.#history.records.slice(this.#replayed) : [])
      if (next.type === "step" && !this.#receiver.isDropped(next.key)) return next;
    return undefined;
  }

  start(): void {
    if (this.#isReplaying) this.schedule();
    else this.#receiver.goLive();
  }

  add(delivery: Result<P> | Closing): void {
    this.#queue.push(delivery);
    this.#take();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopStall?.();
  }

  schedule(): void {
    if (this.#turnTaken) return;
    this.#turnTaken = true;
    this.#clock.turn(() => {
      this.#turnTaken = false;
      this.#take();
    });
  }

  #take(): void {
    if (this.#turnTaken || this.#isStopped) return;
    if (this.#isReplaying && this.#replayed === this.#history.records.length) {
      this.#isReplaying = false;
      this.#receiver.goLive();
    }
    if (this.#isReplaying ? this.#deliverRecorded() : this.#deliverNext()) this.schedule();
  }

  #deliverNext(): boolean {
    const next = this.#queue.shift();
    if (next?.type === "result") this.#receiver.settle(next.pending, next.outcome);
    else if (next !== undefined) this.#close(next);
    return next !== undefined;
  }

  /** Results that were recorded before the closing took effect reach nobody; that they happened still counts. */
  #close(closing: Closing): void {
    this.#receiver.applyClosing(closing);
    for (const late of this.#queue.splice(0)) if (late.type === "result") this.#receiver.settle(late.pending, late.outcome);
    for (let late = this.#lateRecord(); late !== undefined; late = this.#lateRecord()) {
      this.#replayed += 1;
      this.#receiver.settle(late.pending, late.outcome);
    }
  }

  #lateRecord(): Result<P> | undefined {
    const next = this.#isReplaying ? this.#history.records[this.#replayed] : undefined;
    if (next?.type !== "step" || !this.#receiver.isDropped(next.key)) return undefined;
    const pending = this.#receiver.pendingAt(next.key);
    return pending && { type: "result", pending, outcome: next.outcome };
  }

  /** The next recorded result. When the workflow has not asked for it, it gets a while to do so. */
  #deliverRecorded(): boolean {
    const next = this.#history.records[this.#replayed];
    if (next === undefined) return false;
    const pending = next.type === "step" ? this.#receiver.pendingAt(next.key) : undefined;
    if (next.type === "step" && pending === undefined) {
      this.#stopStall ??= this.#clock.after(STALL_MS, () =>
        this.#receiver.changed(`the log has the ${next.kind} "${next.name}" at ${next.key}, the workflow no longer asks for it`),
      );
      return false;
    }
    this.#stopStall?.();
    this.#stopStall = undefined;
    this.#replayed += 1;
    if (next.type === "closing") this.#close(next);
    else if (pending !== undefined) this.#receiver.settle(pending, next.outcome);
    return true;
  }
}
