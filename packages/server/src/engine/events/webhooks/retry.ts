import type { SendOutcome } from "./send.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * How long to wait before the second attempt, the third and so on: at once, then after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, 6 h
 * and 8 h: eleven attempts within a day. Each wait is up to a tenth longer, so that receivers that come back are not met by all at once.
 */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  6 * HOUR_MS,
  8 * HOUR_MS,
];
const JITTER = 0.1;
/** Whatever a receiver says in `Retry-After`, nothing is sent later than this after the first attempt. */
const GIVE_UP_AFTER_MS = 24 * HOUR_MS;

/** What an attempt gave, as the log keeps it. `random` is in [0, 1), drawn with the attempt so that a replay waits just as long. */
export type Attempt = SendOutcome & { readonly atMs: number; readonly random: number };

/** What to do after an attempt. */
export type NextMove =
  | { readonly type: "delivered" }
  | { readonly type: "retry"; readonly afterMs: number }
  | { readonly type: "gone" }
  | { readonly type: "failed" };

/** Decides from all attempts so far. Pure. Only 2xx is delivered; 410 says that nobody wants it any more; a private address stays one. */
export function nextMove(attempts: readonly Attempt[], delaysMs: readonly number[]): NextMove {
  const last = attempts.at(-1);
  const first = attempts[0];
  if (last === undefined || first === undefined) return { type: "retry", afterMs: 0 };
  if (last.type === "answered" && last.status >= 200 && last.status < 300) return { type: "delivered" };
  if (last.type === "answered" && last.status === 410) return { type: "gone" };
  const delayMs = delaysMs[attempts.length - 1];
  if (delayMs === undefined || (last.type === "unreachable" && last.code === "denied")) return { type: "failed" };
  const wantedMs = last.type === "answered" ? (last.retryAfterMs ?? 0) : 0;
  const afterMs = Math.round(Math.max(delayMs * (1 + last.random * JITTER), wantedMs));
  return last.atMs + afterMs > first.atMs + GIVE_UP_AFTER_MS ? { type: "failed" } : { type: "retry", afterMs };
}
