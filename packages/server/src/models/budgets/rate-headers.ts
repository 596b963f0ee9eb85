import type { Limits } from "./limits.ts";

/** What is left of a limit a minute. */
export interface RateState {
  readonly perMinute: number;
  readonly used: number;
}

/** Somebody's limits a minute and what is left of them. */
export interface RateStates {
  readonly requests: RateState | undefined;
  readonly tokens: RateState | undefined;
}

const NONE: Readonly<Record<string, string>> = {};

/** The headers that OpenAI sends, for the tightest of the limits that apply: how many, how many are left, and how long until all are. */
export function rateHeaders(states: readonly RateStates[]): Readonly<Record<string, string>> {
  const requests = tightest(states.map((state) => state.requests));
  const tokens = tightest(states.map((state) => state.tokens));
  if (requests === undefined && tokens === undefined) return NONE;
  return { ...(requests && headersOf("requests", requests)), ...(tokens && headersOf("tokens", tokens)) };
}

/** Whether any limit a minute is set. */
export function hasRates(limits: Limits): boolean {
  return limits.requestsPerMinute !== undefined || limits.tokensPerMinute !== undefined;
}

function tightest(states: readonly (RateState | undefined)[]): RateState | undefined {
  let found: RateState | undefined;
  for (const state of states) if (state !== undefined && (found === undefined || leftOf(state) < leftOf(found))) found = state;
  return found;
}

function leftOf({ perMinute, used }: RateState): number {
  return Math.max(0, Math.floor(perMinute - used));
}

function headersOf(what: string, state: RateState): Readonly<Record<string, string>> {
  return {
    [`x-ratelimit-limit-${what}`]: String(state.perMinute),
    [`x-ratelimit-remaining-${what}`]: String(leftOf(state)),
    [`x-ratelimit-reset-${what}`]: duration((state.used * 60_000) / state.perMinute),
  };
}

/** A duration as OpenAI writes it, which is how Go does: "59ms", "8.64s", "6m0s". */
function duration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < 1_000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = (whole % 60_000) / 1_000;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
