import { randomBytes } from "node:crypto";
import type { Usage } from "@tutti/core";
import type { Ask, Payer, Reservation } from "./limits.ts";
import { LocalCounters, type GroupLimits } from "./local-counters.ts";
import type { Spend } from "./spend.ts";

/** What budgets are made of. */
export interface BudgetsOptions {
  readonly groups: GroupLimits;
  readonly nowMs?: () => number;
}

/** What the ledger is told of one exchange, beside who pays. */
export interface Exchange {
  readonly model: string;
  readonly provider: string;
  readonly surface: string;
  readonly usage: Usage;
  readonly costUsd: number | undefined;
  readonly isEstimated: boolean;
}

/** Nobody's limits: the owner's own requests. */
const UNLIMITED: Reservation = { settle: () => undefined, release: () => undefined, headers: () => ({}) };

/** Limits of keys, users and teams: a place is reserved before a request, and what it used is settled after it. */
export class Budgets {
  readonly #local: LocalCounters;
  readonly #node = randomBytes(6).toString("hex");

  constructor({ groups, nowMs = Date.now }: BudgetsOptions) {
    this.#local = new LocalCounters(groups, nowMs);
  }

  /** A place within all limits that apply, or `rate_limited` (`cause.retryAfterMs`) or `budget_exceeded`. At once, unless Redis is asked. */
  reserve(payer: Payer | undefined, ask: Ask): Reservation | Promise<Reservation> {
    return payer === undefined ? UNLIMITED : this.#local.reserve(payer, ask);
  }

  /** What to put in the `spend` of the event that records an exchange. */
  note(payer: Payer | undefined, { costUsd, ...exchange }: Exchange): Spend {
    const { keyId, user, team } = payer ?? {};
    return {
      ...exchange,
      ...(costUsd !== undefined && { costUsd }),
      ...(keyId !== undefined && { keyId }),
      ...(user !== undefined && { user }),
      ...(team !== undefined && { team }),
      node: this.#node,
    };
  }
}
