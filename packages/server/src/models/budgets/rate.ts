const MINUTE_MS = 60_000;
/** Refilling is counted in fractions; so much may be missing of a whole. */
const ROUNDING = 1e-6;

/**
 * A token bucket for a limit a minute: so many at once, and refilled evenly. It keeps what was used instead of what is left, so that the
 * limit may change at any time, and what a request used beyond its reservation is a debt.
 */
export class Rate {
  #used = 0;
  #atMs = 0;

  /** What is used up now. */
  used(nowMs: number, perMinute: number): number {
    return Math.max(0, this.#used - (Math.max(0, nowMs - this.#atMs) * perMinute) / MINUTE_MS);
  }

  /** How long until so many fit, in ms; 0 when they do. More than the whole limit fits when nothing is used. */
  waitMs(count: number, nowMs: number, perMinute: number): number {
    const excess = this.used(nowMs, perMinute) + Math.min(count, perMinute) - perMinute;
    return excess <= ROUNDING ? 0 : (excess * MINUTE_MS) / perMinute;
  }

  /** Takes so many, or gives them back when negative. */
  take(count: number, nowMs: number, perMinute: number): void {
    this.#used = Math.max(0, this.used(nowMs, perMinute) + count);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
