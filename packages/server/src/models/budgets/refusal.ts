import { AppError } from "@tutti/core";
import { NANOS, type Budget } from "./limits.ts";
import { rateHeaders, type RateState } from "./rate-headers.ts";

/** When to try again while others' requests hold a place. */
const HELD_RETRY_MS = 1_000;

/** Whose limit it is, for people: `the key "3f9a…"`, `the user "ada"`. */
export type Subject = `${"key" | "user" | "team"}:${string}`;

/** A rate that is used up; its headers are in the cause. */
export function rateRefusal(
  subject: Subject,
  what: "requests" | "tokens",
  { perMinute, used, retryAfterMs }: RateState & { readonly retryAfterMs: number },
): AppError {
  const left = Math.max(0, Math.floor(perMinute - used));
  const headers = rateHeaders([{ requests: undefined, tokens: undefined, [what]: { perMinute, used } }]);
  return new AppError(
    "rate_limited",
    `wanted at most ${perMinute} ${what} a minute of ${nameOf(subject)}, got more: ${left} left; try again in ${Math.ceil(retryAfterMs / 1_000)} s`,
    { cause: { limit: `${subject} ${what}PerMinute`, left, retryAfterMs, headers } },
  );
}

/** Too many requests at the same time. */
export function parallelRefusal(subject: Subject, parallel: number): AppError {
  return new AppError(
    "rate_limited",
    `wanted at most ${parallel} requests of ${nameOf(subject)} at the same time, got one more; try again when one has ended`,
    { cause: { limit: `${subject} parallel`, left: 0, retryAfterMs: HELD_RETRY_MS } },
  );
}

/** A budget that is spent, or (`isHeld`) would be if every request under way cost as much as it can. */
export function budgetRefusal(
  subject: Subject,
  budget: {
    readonly unit: "usd" | "tokens";
    readonly per: Budget["per"];
    readonly limit: number;
    readonly spent: number;
    readonly held: number;
    readonly ask: number;
    readonly endMs: number;
  },
): AppError {
  const { unit, per, limit, spent, held, ask, endMs } = budget;
  const amount = (count: number): string => (unit === "usd" ? `$${usd(count)}` : `${count} tokens`);
  const isSpent = spent >= limit;
  const left = Math.max(0, limit - spent);
  const resetAt = Number.isFinite(endMs) ? new Date(endMs).toISOString() : null;
  const wanted = `wanted a request within the budget of ${amount(limit)} ${per === "total" ? "in total" : `a ${per}`} of ${nameOf(subject)}`;
  const cause = { limit: `${subject} ${unit} per ${per}`, left: unit === "usd" ? left / NANOS : left, resetAt };
  if (!isSpent)
    return new AppError(
      "rate_limited",
      `${wanted}, got one that may cost ${amount(ask)} with ${amount(left)} left, of which requests under way hold ${amount(held)}; try again when they have ended, or ask for fewer output tokens`,
      { cause: { ...cause, retryAfterMs: HELD_RETRY_MS } },
    );
  return new AppError(
    "budget_exceeded",
    `${wanted}, got one when ${amount(spent)} are spent and nothing is left; ${resetAt === null ? "ask the owner for a larger budget" : `the next window begins at ${resetAt}`}`,
    { cause },
  );
}

function nameOf(subject: Subject): string {
  const colon = subject.indexOf(":");
  return `the ${subject.slice(0, colon)} "${subject.slice(colon + 1)}"`;
}

function usd(nanos: number): string {
  return String(Number((nanos / NANOS).toFixed(6)));
}
