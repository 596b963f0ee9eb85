import { randomBytes } from "node:crypto";
import type { AppError, Store, Usage } from "@tutti/core";
import { dayOf, windowsAt } from "./calendar.ts";
import { Ledger, subjectsOf, type LedgerQuery, type MinuteQuery } from "./ledger.ts";
import type { LedgerRow } from "./day-spend.ts";
import { NANOS, nanosOf, tokensOf, type Ask, type Budget, type Payer, type Period, type Reservation } from "./limits.ts";
import { LocalCounters, type GroupLimits } from "./local-counters.ts";
import type { RedisCounters } from "./redis-counters.ts";
import type { Purse } from "./purse.ts";
import type { Subject } from "./refusal.ts";
import type { Spend } from "./spend.ts";

/** What budgets are made of. */
export interface BudgetsOptions {
  readonly store: Store;
  readonly groups: GroupLimits;
  /** Where several nodes count together; without it, this process counts alone. */
  readonly redisUrl?: string | undefined;
  /** What holds while Redis is not there: this node's own counters, or no request with limits. */
  readonly onRedisLoss?: "local" | "refuse";
  readonly nowMs?: () => number;
  /** Told when the log cannot be read, the snapshot not be written, or Redis is lost; it is tried again. */
  readonly onError?: (error: AppError) => void;
}

/** What the ledger is told of one exchange, beside who pays. */
interface Charge {
  readonly model: string;
  readonly provider: string;
  readonly surface: string;
  readonly usage: Usage;
  readonly costUsd: number | undefined;
  readonly isEstimated: boolean;
}

/** Nobody's limits: the owner's own requests. */
const UNLIMITED: Reservation = { settle: () => undefined, release: () => undefined, headers: {} };

/** Limits of keys, users and teams: a place is reserved before a request, and what it used is settled after it. */
export class Budgets {
  readonly #local: LocalCounters;
  readonly #ledger: Ledger;
  readonly #nowMs: () => number;
  readonly #node = randomBytes(6).toString("hex");

  #redis: RedisCounters | undefined;

  private constructor({ store, groups, nowMs = Date.now, onError = () => undefined }: BudgetsOptions) {
    this.#nowMs = nowMs;
    this.#local = new LocalCounters(groups, nowMs);
    this.#ledger = new Ledger({ store, nowMs, onError, onSpend: (spend, atMs) => this.#seen(spend, atMs) });
  }

  /** Counts on from what the log says was spent. */
  static async open(options: BudgetsOptions): Promise<Budgets> {
    const budgets = new Budgets(options);
    await budgets.#ledger.open();
    for (const [subject, purse] of budgets.#ledger.purses()) budgets.#local.open(subject, purse.snapshot());
    if (options.redisUrl !== undefined) await budgets.#count(options.redisUrl, options);
    return budgets;
  }

  /** Counts in Redis, whose client is loaded only then. */
  async #count(url: string, { onRedisLoss = "local", onError = () => undefined }: BudgetsOptions): Promise<void> {
    const { RedisCounters } = await import("./redis-counters.ts");
    const catchUp = (): Promise<void> => this.#ledger.catchUp();
    this.#redis = new RedisCounters({ url, node: this.#node, local: this.#local, onLoss: onRedisLoss, onError, catchUp });
    await this.#redis.open();
  }

  /** A place within all limits that apply, or `rate_limited` (`cause.retryAfterMs`) or `budget_exceeded`. At once, unless Redis is asked. */
  reserve(payer: Payer | undefined, ask: Ask): Reservation | Promise<Reservation> {
    if (payer === undefined) return UNLIMITED;
    return this.#redis === undefined ? this.#local.reserve(payer, ask) : this.#redis.reserve(payer, ask);
  }

  /** Where it is counted now; `isReachable: false` is what health and metrics warn of. */
  get counters(): { readonly in: "memory" } | { readonly in: "redis"; readonly isReachable: boolean } {
    return this.#redis === undefined ? { in: "memory" } : { in: "redis", isReachable: this.#redis.isReachable };
  }

  /** What the budgets of a payer, its user and its team have left, as far as the log has it. */
  left(payer: Payer): readonly BudgetLeft[] {
    const nowMs = this.#nowMs();
    return this.#local.parties(payer).flatMap(({ subject, limits }) => {
      const purse = this.#ledger.purses().get(subject);
      return (limits.budgets ?? []).map((budget) => leftOf(subject, budget, { purse, nowMs }));
    });
  }

  /** What to put in the `spend` of the event that records an exchange. */
  note(payer: Payer | undefined, { costUsd, ...exchange }: Charge): Spend {
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

  /** The ledger: sums of what the event log says was spent, by some dimensions. Without days, the last 30. */
  spent({ by, from, to }: Partial<LedgerQuery> = {}): Promise<readonly LedgerRow[]> {
    const nowMs = this.#nowMs();
    return this.#ledger.query({ by: by ?? ["key"], from: from ?? dayOf(nowMs - 29 * 86_400_000), to: to ?? dayOf(nowMs) });
  }

  /** Tokens and dollars in each minute of a span in which there were any: of exchanges through the gateway and of runs. */
  async spentByMinute(span: MinuteQuery) {
    return (await this.#ledger.minutes(span)).map(({ startMs, used: [inputTokens, outputTokens, nanoUsd] }) => ({
      startMs,
      inputTokens,
      outputTokens,
      costUsd: nanoUsd / NANOS,
    }));
  }

  /** Writes down what was counted. Nothing may be reserved any more. */
  async close(): Promise<void> {
    await this.#redis?.close();
    await this.#ledger.close();
  }

  /** What other nodes on the same log spent counts here too, once it is journaled. */
  #seen(spend: Spend, atMs: number): void {
    if (spend.node === undefined || spend.node === this.#node) return;
    const used = { tokens: tokensOf(spend.usage), nanoUsd: nanosOf(spend.costUsd) };
    for (const subject of subjectsOf(spend)) this.#local.charge(subject, atMs, used);
  }
}

/** What a budget has left. Without `endsAt` it is for ever. */
export interface BudgetLeft {
  /** Whose it is: "key:…", "user:…", "team:…". */
  readonly of: string;
  readonly per: Period;
  readonly usd?: { readonly limit: number; readonly spent: number };
  readonly tokens?: { readonly limit: number; readonly spent: number };
  readonly endsAt?: string;
}

function leftOf(
  of: Subject,
  { amountUsd, tokens, per }: Budget,
  { purse, nowMs }: { readonly purse: Purse | undefined; readonly nowMs: number },
): BudgetLeft {
  const endMs = windowsAt(nowMs).endsMs[per];
  return {
    of,
    per,
    ...(amountUsd !== undefined && { usd: { limit: amountUsd, spent: (purse?.nanoUsd(per, nowMs) ?? 0) / NANOS } }),
    ...(tokens !== undefined && { tokens: { limit: tokens, spent: purse?.tokens(per, nowMs) ?? 0 } }),
    ...(Number.isFinite(endMs) && { endsAt: new Date(endMs).toISOString() }),
  };
}
