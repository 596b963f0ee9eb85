import { AsyncLocalStorage } from "node:async_hooks";
import { AppError, canonicalJson, type EventDraft, type Json } from "@tutti/core";
import { tellsOfMail, type Batch, type Mail, type Outcome } from "./batch.ts";

/** An empty turn after so long without news keeps Restate from taking a long step for a stalled one. */
const HEARTBEAT_MS = 60_000;
/** How long a run stays in memory when its connection to Restate is lost: the next attempt usually lands here again. */
const LINGER_MS = 3000;
/** How long a paused run is given to go on before it is idle again. It must be longer than a replay waits for a changed workflow. */
const PAUSED_MS = 3000;
/** Events of one turn. */
const EVENTS_MAX = 200;

const PARKED: Batch = { events: [], idleUntilMs: null };

/** What an attempt of the handler knows from Restate's journal when it comes to where the journal ends. */
export interface Claim {
  readonly turn: number;
  readonly last: Batch | undefined;
  /** The last mail that was done, in case it was not answered. */
  readonly applied: { readonly mail: number; readonly outcome: Outcome } | undefined;
}

/** One attempt of a run's handler, and the mail it has for the run. */
export interface Attempt {
  mail: { readonly index: number; readonly mail: Mail } | undefined;
}

/** What an owner needs of the engine. */
export interface OwnerHost {
  /**
   * Puts the run into memory: starts it, or goes on with it after its `last` turn. It may wait for events of the run to be durable. False
   * when the run is paused, and so is not in memory.
   */
  load(last: Batch | undefined): Promise<boolean>;
  /** Sends the run a mail that it can go on, though it said that it waits. */
  wake(): void;
  /** Forgets the run; another attempt goes on with it. */
  release(): void;
  /** Does what a mail asks for. */
  handle(mail: Mail): Promise<Json>;
}

interface Appended {
  readonly events: readonly EventDraft[];
  readonly mail: number | undefined;
  readonly durable: PromiseWithResolvers<void>;
}

const mailInHand = new AsyncLocalStorage<{ readonly owner: Owner; readonly index: number }>();

/**
 * A run that this process drives: what it appends waits here for the next turn of its handler, which journals it in Restate. It outlives
 * an attempt whose connection broke, so that steps under way then are not done twice.
 */
export class Owner {
  readonly #host: OwnerHost;
  readonly #onGone: () => void;
  readonly #queue: Appended[] = [];
  #proposed: { readonly batch: Batch; readonly appended: readonly Appended[] } | undefined;
  #turnsDone = 0;
  #attempt: Attempt | undefined;
  #isLoaded = false;
  #loading: Promise<void> = Promise.resolve();
  /** Until when the engine has no need of the run. */
  #parkedUntilMs: number | null | undefined;
  #isPaused = false;
  #isAsleep = false;
  #inHand: number | undefined;
  #isHandling = false;
  #reply: Batch["reply"];
  #failure: Error | undefined;
  #bell = Promise.withResolvers<void>();
  #linger: NodeJS.Timeout | undefined;

  constructor(host: OwnerHost, onGone: () => void) {
    this.#host = host;
    this.#onGone = onGone;
  }

  /** Journals events; resolves when they are in Restate and in the store. */
  append(events: readonly EventDraft[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const hand = mailInHand.getStore();
    const durable = Promise.withResolvers<void>();
    this.#queue.push({ events, mail: hand?.owner === this && events.some(tellsOfMail) ? hand.index : undefined, durable });
    this.#isPaused = events.at(-1)?.type === "run.paused";
    this.#parkedUntilMs = undefined;
    if (this.#isAsleep) this.#host.wake();
    this.#ring();
    return durable.promise;
  }

  /** The engine has no need of the run before that moment; `null`: before mail comes. */
  park(untilMs: number | null): void {
    this.#parkedUntilMs = untilMs;
    this.#ring();
  }

  /** Mail reached the attempt. */
  ring(): void {
    this.#ring();
  }

  /** What the attempt's next turn journals. Rejects when the attempt is not the newest any more or the run cannot be driven here. */
  async next(attempt: Attempt, claim: Claim): Promise<Batch> {
    this.#attach(attempt, claim);
    this.#isAsleep = false;
    this.#load(claim.last);
    for (;;) {
      const bell = this.#bell.promise;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#attempt !== attempt) throw new AppError("cancelled", "a newer attempt drives the run");
      if (this.#proposed !== undefined) return this.#proposed.batch;
      this.#take(attempt, claim);
      // What happens in the same turn of the event loop is journaled together.
      await new Promise(setImmediate);
      if (this.#attempt !== attempt || this.#failure !== undefined) continue;
      if (this.#hasNews || !(await isRung(bell, this.#isPaused ? PAUSED_MS : HEARTBEAT_MS))) return this.#propose();
    }
  }

  /** The turn that was proposed to the attempt is in Restate's journal and in the store. */
  done(attempt: Attempt, turn: number): void {
    if (this.#attempt === attempt) this.#settle(turn);
  }

  /** The attempt has ended. */
  detach(attempt: Attempt): void {
    if (this.#attempt !== attempt || this.#failure !== undefined) return;
    if (this.#isAsleep) this.close(new AppError("cancelled", "the run waits elsewhere"));
    else this.#linger = setTimeout(() => this.close(new AppError("cancelled", "the connection to Restate was lost")), LINGER_MS);
  }

  /** Forgets the run here. */
  close(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#drop(reason);
    this.#failure = reason;
    this.#ring();
    this.#onGone();
  }

  /** Takes up where Restate's journal ends. What this process has in memory stays only if the journal agrees with it. */
  #attach(attempt: Attempt, claim: Claim): void {
    if (this.#attempt === attempt) return;
    clearTimeout(this.#linger);
    this.#attempt = attempt;
    this.#ring();
    const turnsDone = claim.turn - 1;
    if (this.#proposed !== undefined && this.#turnsDone + 1 === turnsDone && isSame(this.#proposed.batch, claim.last))
      this.#settle(turnsDone);
    if (this.#turnsDone === turnsDone) return;
    if (this.#turnsDone > 0) this.#drop(new AppError("cancelled", "another process went on with the run"));
    this.#turnsDone = turnsDone;
  }

  #settle(turn: number): void {
    this.#turnsDone = turn;
    const proposed = this.#proposed;
    this.#proposed = undefined;
    this.#isAsleep = proposed?.batch.idleUntilMs !== undefined;
    if (this.#isAsleep && this.#queue.length > 0) this.#host.wake();
    for (const { durable } of proposed?.appended ?? []) durable.resolve();
  }

  #drop(reason: Error): void {
    clearTimeout(this.#linger);
    this.#host.release();
    this.#isLoaded = false;
    this.#parkedUntilMs = undefined;
    this.#isAsleep = false;
    this.#inHand = undefined;
    this.#isHandling = false;
    this.#reply = undefined;
    for (const { durable } of [...(this.#proposed?.appended ?? []), ...this.#queue.splice(0)]) {
      durable.promise.catch(() => undefined);
      durable.reject(reason);
    }
    this.#proposed = undefined;
  }

  #load(last: Batch | undefined): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    this.#parkedUntilMs = undefined;
    this.#loading = this.#host.load(last).then(
      (isHere) => {
        if (isHere) return;
        this.#isPaused = true;
        this.#ring();
      },
      (error: unknown) => this.close(AppError.from(error)),
    );
  }

  /** Gives the engine the attempt's mail, once. */
  #take(attempt: Attempt, claim: Claim): void {
    const { mail } = attempt;
    if (mail === undefined || mail.index === this.#inHand) return;
    const { index } = mail;
    this.#inHand = index;
    this.#isHandling = true;
    // The engine may have let go of the run already: what the mail tells of might be what it waits for.
    if (this.#parkedUntilMs !== undefined) this.#isLoaded = false;
    this.#load(this.#parkedUntilMs === undefined ? claim.last : PARKED);
    const finish = (outcome: Outcome): void => {
      if (this.#inHand !== index) return;
      this.#reply = { mail: index, outcome };
      this.#ring();
    };
    // It was done before a crash; only the answer was lost.
    if (claim.applied?.mail === index) return finish(claim.applied.outcome);
    void this.#loading
      .then(() => mailInHand.run({ owner: this, index }, () => this.#host.handle(mail.mail)))
      .then(
        (value) => finish({ ok: true, value }),
        (error: unknown) => finish(failed(AppError.from(error))),
      );
  }

  #propose(): Batch {
    // Nothing came of a paused run for so long: it waits for somebody to look.
    if (this.#isPaused && !this.#hasNews) this.#parkedUntilMs = null;
    const appended = takeSome(this.#queue);
    const applied = appended.find(({ mail }) => mail !== undefined)?.mail;
    const reply = this.#reply;
    this.#reply = undefined;
    if (reply !== undefined) this.#isHandling = false;
    const idleUntilMs = this.#isIdle ? this.#parkedUntilMs : undefined;
    const batch: Batch = {
      events: appended.flatMap(({ events }) => events),
      ...(applied !== undefined && { applied }),
      ...(reply !== undefined && { reply }),
      ...(idleUntilMs !== undefined && { idleUntilMs }),
    };
    if (idleUntilMs !== undefined) this.#isLoaded = false;
    this.#proposed = { batch, appended };
    return batch;
  }

  get #hasNews(): boolean {
    return this.#queue.length > 0 || this.#reply !== undefined || this.#isIdle;
  }

  get #isIdle(): boolean {
    return this.#parkedUntilMs !== undefined && !this.#isHandling && this.#queue.length === 0;
  }

  #ring(): void {
    this.#bell.resolve();
    this.#bell = Promise.withResolvers<void>();
  }
}

/** Waits for a bell; false when it does not ring in time. */
async function isRung(bell: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, ms, false);
  const rung = await Promise.race([bell.then(() => true), late]);
  clearTimeout(timer);
  return rung;
}

function takeSome(queue: Appended[]): readonly Appended[] {
  let count = 0;
  let events = 0;
  for (const appended of queue) {
    events += appended.events.length;
    if (count > 0 && events > EVENTS_MAX) break;
    count += 1;
  }
  return queue.splice(0, count);
}

function failed({ code, message }: AppError): Outcome {
  return { ok: false, code, message };
}

function isSame(a: Batch, b: Batch | undefined): boolean {
  return b !== undefined && canonicalJson(a) === canonicalJson(b);
}
