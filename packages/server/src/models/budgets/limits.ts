import type { Usage } from "@tutti/core";

/** How much somebody may use. What is left out is not limited. `parallel`: so many requests at the same time. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly budgets?: readonly Budget[] | undefined;
  readonly parallel?: number | undefined;
}

/** What may be spent in a window of the UTC calendar: US dollars, tokens, or both. Weeks begin on Monday; "total" never ends. */
export interface Budget {
  readonly amountUsd?: number | undefined;
  readonly tokens?: number | undefined;
  readonly per: Period;
}

/** How long a budget is for. */
export type Period = "day" | "week" | "month" | "total";

/** Who pays for a request: a key, and the user and the team it belongs to. All their limits apply. The same object for the same key. */
export interface Payer {
  readonly keyId: string;
  readonly user?: string | undefined;
  readonly team?: string | undefined;
  readonly limits: Limits;
}

/** What a request can use at most. `costUsdMax` is `undefined` where no price is known. */
export interface Ask {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokensMax: number;
  readonly costUsdMax: number | undefined;
}

/** What a request used. `isEstimated`: counted here, because the provider did not say. */
export interface Spent {
  readonly usage: Usage;
  readonly costUsd: number | undefined;
  readonly isEstimated: boolean;
}

/** A request's place within its limits. End it once, by either way; what comes later does nothing. Neither throws. */
export interface Reservation {
  /** Charges what was used, in place of what was reserved. */
  settle(spent: Spent): void;
  /** Gives everything back but the request itself, which counts against the requests per minute. */
  release(): void;
  /** The `x-ratelimit-…` headers that OpenAI's clients know, for the limits that apply; none where none do. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Dollars are counted in billionths, so that sums are exact in any order. */
export const NANOS = 1e9;

/** US dollars in billionths; 0 where no price is known. */
export function nanosOf(amountUsd: number | undefined): number {
  return amountUsd === undefined ? 0 : Math.round(amountUsd * NANOS);
}

/** All tokens of an answer, read and written. */
export function tokensOf({ inputTokens, outputTokens }: Usage): number {
  return inputTokens + outputTokens;
}
