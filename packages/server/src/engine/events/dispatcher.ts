import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { AppError, type Json } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import { DeliveryWindow, type Turn } from "./delivery-window.ts";
import { deliver, isBusy, type Delivery, type DeliveryParts } from "./delivery.ts";
import { readPublications } from "./publications.ts";
import { isWanted, keyOf, type Subscription } from "./subscription.ts";

/** Events read at once. */
const PAGE = 200;
/** Events that are read and not settled; beyond it nothing is read until the oldest is, so memory stays bounded. */
const OPEN_MAX = 2_000;
/** The low water is written this often at most. What a crash loses of it is read again, and every run found under its id. */
const CURSOR_INTERVAL_MS = 1_000;

/** Attempts at a delivery that fails in a way nobody foresaw; then the subscription is paused. */
const FAULTS_MAX = 8;
const FAULT_BACKOFF = { delayMs: 500, delayMaxMs: 30_000 };

/** Where a subscription stands, as it is kept. Of another epoch than the subscription's it does not count. */
export interface Cursor {
  readonly epoch: string;
  readonly position: number;
}

/** What a dispatcher is made of. */
export interface DispatcherParts extends DeliveryParts {
  readonly saveCursor: (name: string, cursor: Cursor) => Promise<void>;
  /** Pauses the subscription, because its target is not there. */
  readonly onTargetGone: (subscription: Subscription, reason: string) => Promise<void>;
  readonly onError: (error: unknown, fields: Json) => void;
}

/**
 * Delivers the events of one subscription. It is no durable run itself: it does nothing but start runs whose ids follow from the log, so all
 * it would record is in the log already, and doing it again, also at two nodes at once, starts nothing twice.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #subscription: Subscription;
  readonly #window: DeliveryWindow;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  /** Positions by the runs that deliver them. */
  readonly #runs = new Map<string, number>();
  readonly #ended: Promise<void>;
  #rung = Promise.withResolvers<void>();
  #saved: number;
  #savedAtMs = 0;

  constructor(parts: DispatcherParts, subscription: Subscription, position: number) {
    this.#parts = parts;
    this.#subscription = subscription;
    this.#window = new DeliveryWindow({ concurrency: subscription.concurrency, capacity: OPEN_MAX }, position);
    this.#saved = position;
    this.#ended = this.#run().catch((error: unknown) => parts.onError(error, { subscription: subscription.name }));
  }

  get epoch(): string {
    return this.#subscription.epoch;
  }

  /** Whether it has ended, or will: because it was told to, or because its target is not there. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Up to where every event is settled. */
  get position(): number {
    return this.#window.lowWater;
  }

  /** Events read and not settled. */
  get open(): number {
    return this.#window.size;
  }

  /** There may be more to read. */
  wake(): void {
    this.#rung.resolve();
  }

  /** A run waits for long. If it is a delivery of this subscription, it leaves its place to others, though its key waits on. */
  runWaits(runId: string): void {
    const position = this.#runs.get(runId);
    if (position === undefined) return;
    this.#window.hold(position);
    this.wake();
  }

  /** Starts nothing more; runs that were started go on. */
  async stop(): Promise<void> {
    this.#stopping.abort(new AppError("cancelled", "the subscription stops"));
    this.wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#rung = Promise.withResolvers();
      const hasMore = await this.#goOn().catch((error: unknown) => {
        // The store may be away for a while. Whoever made this wakes it every few seconds, and then it is tried again.
        this.#parts.onError(error, { subscription: this.#subscription.name });
        return false;
      });
      if (hasMore) await turn();
      else await this.#rung.promise;
    }
    await Promise.all(this.#underWay);
    await this.#save(0);
  }

  /** Reads a page, begins what may begin, and keeps how far it has come. Whether there may be more to read now. */
  async #goOn(): Promise<boolean> {
    const hasMore = await this.#fill();
    for (let next = this.#window.take(); next !== undefined; next = this.#window.take()) this.#begin(next);
    await this.#save(CURSOR_INTERVAL_MS);
    return hasMore;
  }

  /** Reads a page of the log; whether there may be more to read now. */
  async #fill(): Promise<boolean> {
    if (this.#window.isFull) return false;
    const page = await readPublications(this.#parts.store, { after: this.#window.read, limit: PAGE });
    for (const { position, event } of page) {
      if (this.#window.isFull) return false;
      if (event !== undefined && isWanted(this.#subscription, event))
        this.#window.admit(position, keyOf(this.#subscription.orderBy, event));
      else this.#window.pass(position);
    }
    return page.length === PAGE;
  }

  #begin(next: Turn): void {
    const delivering = this.#deliverAtLast(next).finally(() => {
      this.#underWay.delete(delivering);
      this.wake();
    });
    this.#underWay.add(delivering);
  }

  /**
   * Tries until the delivery has come to an end. A store that is away comes back; what nobody foresaw must not be passed over: after some
   * attempts the subscription waits for somebody to look, with the event still to be delivered.
   */
  async #deliverAtLast(next: Turn): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#deliver(next);
        return;
      } catch (thrown) {
        const error = AppError.from(thrown);
        if (signal.aborted) return;
        this.#parts.onError(thrown, { subscription: this.#subscription.name, position: next.position });
        if (!isBusy(error) && attempt >= FAULTS_MAX) return this.#giveUp(error.message);
      }
      await pause(backoffMs(attempt, FAULT_BACKOFF, Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  async #deliver({ position }: Turn): Promise<void> {
    // Read again: thousands of events may have waited for their turn, and positions take less memory.
    const [publication] = await readPublications(this.#parts.store, { after: position - 1, limit: 1 });
    if (publication?.event === undefined) return this.#window.settle(position);
    let runId = "";
    const delivery: Delivery = {
      subscription: this.#subscription,
      event: publication.event,
      onRun: (id) => this.#runs.set((runId = id), position),
      onHeld: () => this.runWaits(runId),
    };
    const end = await deliver(this.#parts, delivery, this.#stopping.signal).finally(() => this.#runs.delete(runId));
    if (end.type === "done" || (end.type === "targetGone" && end.isDone)) this.#window.settle(position);
    if (end.type === "targetGone") await this.#giveUp(end.reason);
  }

  async #giveUp(reason: string): Promise<void> {
    this.#stopping.abort(new AppError("cancelled", "the subscription is paused"));
    await this.#parts.onTargetGone(this.#subscription, reason);
  }

  async #save(intervalMs: number): Promise<void> {
    const position = this.#window.lowWater;
    if (position === this.#saved || performance.now() - this.#savedAtMs < intervalMs) return;
    await this.#parts.saveCursor(this.#subscription.name, { epoch: this.#subscription.epoch, position });
    this.#saved = position;
    this.#savedAtMs = performance.now();
  }
}
