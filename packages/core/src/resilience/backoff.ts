/** How retries are spaced. */
export interface BackoffOptions {
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

/**
 * How long to wait before attempt `attempt + 1`, in ms: full jitter over an exponentially growing, capped delay ("Exponential Backoff And
 * Jitter", AWS Architecture Blog). Equal delays would make every waiting client retry at the same moment. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: number): number {
  return random * Math.min(options.delayMaxMs, options.delayMs * 2 ** Math.min(attempt - 1, 30));
}
