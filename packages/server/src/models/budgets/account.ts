import type { AppError } from "@tutti/core";
import { windowsAt } from "./calendar.ts";
import { nanosOf, type Budget, type Limits } from "./limits.ts";
import { Purse, type PurseSnapshot } from "./purse.ts";
import { Rate } from "./rate.ts";
import { budgetRefusal, parallelRefusal, rateRefusal, type Subject } from "./refusal.ts";

/** What a request takes of an account. */
export interface Hold {
  readonly tokens: number;
  readonly nanoUsd: number;
}

/** What a key, a user or a team has used, and what its requests under way may still use. */
export class Account {
  readonly subject: Subject;
  readonly purse: Purse;
  readonly requests = new Rate();
  readonly tokens = new Rate();
  inFlight = 0;
  #heldTokens = 0;
  #heldNanoUsd = 0;

  constructor(subject: Subject, snapshot?: PurseSnapshot) {
    this.subject = subject;
    this.purse = new Purse(snapshot);
  }

  /** What requests under way may still use. */
  get held(): Hold {
    return { tokens: this.#heldTokens, nanoUsd: this.#heldNanoUsd };
  }

  /**
   * Why a request may not begin now, if it may not. A budget lets a request in when it fits whatever those under way cost, or when none is
   * under way and something is left: then it is overspent by that one request at most.
   */
  refusal(limits: Limits, ask: Hold, nowMs: number): AppError | undefined {
    for (const budget of limits.budgets ?? []) {
      const refusal = this.#overBudget(budget, ask, nowMs);
      if (refusal !== undefined) return refusal;
    }
    if (limits.parallel !== undefined && this.inFlight >= limits.parallel) return parallelRefusal(this.subject, limits.parallel);
    return (
      this.#overRate("requests", 1, { perMinute: limits.requestsPerMinute, nowMs }) ??
      this.#overRate("tokens", ask.tokens, { perMinute: limits.tokensPerMinute, nowMs })
    );
  }

  hold(limits: Limits, { tokens, nanoUsd }: Hold, nowMs: number): void {
    this.inFlight += 1;
    this.#heldTokens += tokens;
    this.#heldNanoUsd += nanoUsd;
    if (limits.requestsPerMinute !== undefined) this.requests.take(1, nowMs, limits.requestsPerMinute);
    if (limits.tokensPerMinute !== undefined) this.tokens.take(tokens, nowMs, limits.tokensPerMinute);
  }

  /** Gives back what was held and charges what was used. */
  settle(limits: Limits, { held, used, nowMs }: { readonly held: Hold; readonly used: Hold; readonly nowMs: number }): void {
    this.inFlight -= 1;
    this.#heldTokens -= held.tokens;
    this.#heldNanoUsd -= held.nanoUsd;
    if (limits.tokensPerMinute !== undefined) this.tokens.take(used.tokens - held.tokens, nowMs, limits.tokensPerMinute);
    if (used.tokens !== 0 || used.nanoUsd !== 0) this.purse.add(nowMs, used.tokens, used.nanoUsd);
  }

  #overBudget({ amountUsd, tokens, per }: Budget, ask: Hold, nowMs: number): AppError | undefined {
    const endMs = windowsAt(nowMs).endsMs[per];
    if (tokens !== undefined) {
      const spent = this.purse.tokens(per, nowMs);
      if (!this.#fits(tokens, spent, { held: this.#heldTokens, ask: ask.tokens }))
        return budgetRefusal(this.subject, { unit: "tokens", per, limit: tokens, spent, held: this.#heldTokens, ask: ask.tokens, endMs });
    }
    if (amountUsd === undefined) return undefined;
    const limit = nanosOf(amountUsd);
    const spent = this.purse.nanoUsd(per, nowMs);
    return this.#fits(limit, spent, { held: this.#heldNanoUsd, ask: ask.nanoUsd })
      ? undefined
      : budgetRefusal(this.subject, { unit: "usd", per, limit, spent, held: this.#heldNanoUsd, ask: ask.nanoUsd, endMs });
  }

  #fits(limit: number, spent: number, { held, ask }: { readonly held: number; readonly ask: number }): boolean {
    return spent < limit && (this.inFlight === 0 || spent + held + ask <= limit);
  }

  #overRate(
    what: "requests" | "tokens",
    count: number,
    { perMinute, nowMs }: { readonly perMinute: number | undefined; readonly nowMs: number },
  ): AppError | undefined {
    if (perMinute === undefined) return undefined;
    const rate = what === "requests" ? this.requests : this.tokens;
    const retryAfterMs = rate.waitMs(count, nowMs, perMinute);
    if (retryAfterMs === 0) return undefined;
    return rateRefusal(this.subject, what, { perMinute, used: rate.used(nowMs, perMinute), retryAfterMs });
  }
}
