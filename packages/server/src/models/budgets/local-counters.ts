import assert from "node:assert/strict";
import { Account, type Hold } from "./account.ts";
import { nanosOf, tokensOf, type Ask, type Limits, type Payer, type Reservation, type Spent } from "./limits.ts";
import type { PurseSnapshot } from "./purse.ts";
import { hasRates, rateHeaders, type RateStates } from "./rate-headers.ts";
import type { Subject } from "./refusal.ts";

/** Limits of users and teams by name; "*" is for those that have none of their own. */
export interface GroupLimits {
  readonly users: Readonly<Record<string, Limits>>;
  readonly teams: Readonly<Record<string, Limits>>;
}

/** An account, and the limits that apply to it. */
export interface Party {
  readonly subject: Subject;
  readonly limits: Limits;
}

const NOTHING: Hold = { tokens: 0, nanoUsd: 0 };
const NO_LIMITS: Limits = {};

/** The counters of this process. Nothing here waits, for a disk or otherwise. There are as many accounts as keys, users and teams. */
export class LocalCounters {
  readonly #groups: GroupLimits;
  readonly #nowMs: () => number;
  readonly #accounts = new Map<Subject, Account>();
  readonly #parties = new WeakMap<Payer, readonly Place[]>();

  constructor(groups: GroupLimits, nowMs: () => number) {
    this.#groups = groups;
    this.#nowMs = nowMs;
  }

  /** A place within all limits of the payer, or `rate_limited` or `budget_exceeded`. */
  reserve(payer: Payer, ask: Ask): Reservation {
    const places = this.#placesOf(payer);
    const held = holdOf(ask);
    const nowMs = this.#nowMs();
    for (const { account, limits } of places) {
      const refusal = account.refusal(limits, held, nowMs);
      if (refusal !== undefined) throw refusal;
    }
    return this.#hold(places, held, nowMs);
  }

  /** A place that somebody else has granted. */
  hold(payer: Payer, ask: Ask): Reservation {
    return this.#hold(this.#placesOf(payer), holdOf(ask), this.#nowMs());
  }

  /** Whose limits apply to a payer's requests. */
  parties(payer: Payer): readonly Party[] {
    return this.#placesOf(payer);
  }

  /** Charges what was used elsewhere, or before this process began. */
  charge(subject: Subject, atMs: number, { tokens, nanoUsd }: Hold): void {
    this.account(subject).purse.add(atMs, tokens, nanoUsd);
  }

  /** Sets what was spent before this process began. */
  open(subject: Subject, snapshot: PurseSnapshot): void {
    assert(!this.#accounts.has(subject), "an account is opened before it is used");
    this.#accounts.set(subject, new Account(subject, snapshot));
  }

  account(subject: Subject): Account {
    let account = this.#accounts.get(subject);
    if (account === undefined) this.#accounts.set(subject, (account = new Account(subject)));
    return account;
  }

  /** All accounts there are. */
  accounts(): Iterable<Account> {
    return this.#accounts.values();
  }

  #hold(places: readonly Place[], held: Hold, nowMs: number): Reservation {
    for (const { account, limits } of places) account.hold(limits, held, nowMs);
    return new LocalReservation(places, held, this.#nowMs);
  }

  /** A payer is the same object as long as its key is the same, so it is looked up once. */
  #placesOf(payer: Payer): readonly Place[] {
    let places = this.#parties.get(payer);
    if (places === undefined) {
      places = partiesOf(payer, this.#groups).map(({ subject, limits }) => ({ subject, limits, account: this.account(subject) }));
      this.#parties.set(payer, places);
    }
    return places;
  }
}

interface Place extends Party {
  readonly account: Account;
}

function partiesOf({ keyId, user, team, limits }: Payer, { users, teams }: GroupLimits): readonly Party[] {
  return [
    { subject: `key:${keyId}`, limits },
    ...(user === undefined ? [] : [{ subject: `user:${user}` as const, limits: ownOf(users, user) }]),
    ...(team === undefined ? [] : [{ subject: `team:${team}` as const, limits: ownOf(teams, team) }]),
  ];
}

function ownOf(limits: Readonly<Record<string, Limits>>, name: string): Limits {
  return (Object.hasOwn(limits, name) ? limits[name] : limits["*"]) ?? NO_LIMITS;
}

/** What a request may use at most. */
export function holdOf(ask: Ask): Hold {
  return { tokens: ask.inputTokens + ask.outputTokensMax, nanoUsd: nanosOf(ask.costUsdMax) };
}

/** What a request used. */
export function usedBy({ usage, costUsd }: Spent): Hold {
  return { tokens: tokensOf(usage), nanoUsd: nanosOf(costUsd) };
}

class LocalReservation implements Reservation {
  readonly #places: readonly Place[];
  readonly #held: Hold;
  readonly #nowMs: () => number;
  #isOpen = true;

  constructor(places: readonly Place[], held: Hold, nowMs: () => number) {
    this.#places = places;
    this.#held = held;
    this.#nowMs = nowMs;
  }

  settle(spent: Spent): void {
    this.#end(usedBy(spent));
  }

  release(): void {
    this.#end(NOTHING);
  }

  get headers(): Readonly<Record<string, string>> {
    return rateHeaders(this.#places.filter(({ limits }) => hasRates(limits)).map((place) => statesOf(place, this.#nowMs())));
  }

  #end(used: Hold): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const end = { held: this.#held, used, nowMs: this.#nowMs() };
    for (const { account, limits } of this.#places) account.settle(limits, end);
  }
}

function statesOf({ account, limits: { requestsPerMinute, tokensPerMinute } }: Place, nowMs: number): RateStates {
  return {
    requests:
      requestsPerMinute === undefined ? undefined : { perMinute: requestsPerMinute, used: account.requests.used(nowMs, requestsPerMinute) },
    tokens: tokensPerMinute === undefined ? undefined : { perMinute: tokensPerMinute, used: account.tokens.used(nowMs, tokensPerMinute) },
  };
}
