/** A token bucket; `nowMs` is any monotonic clock, passed in. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(options: { readonly perSecond: number; readonly burst: number }, nowMs: number) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#atMs = nowMs;
  }

  /** Takes `count` tokens and returns 0, or takes none and returns the ms until they are there (Infinity if they never will be). */
  take(nowMs: number, count = 1): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, nowMs - this.#atMs) * this.#perSecond) / 1000);
    this.#atMs = Math.max(this.#atMs, nowMs);
    if (this.#tokens >= count) {
      this.#tokens -= count;
      return 0;
    }
    return count > this.#burst ? Infinity : ((count - this.#tokens) * 1000) / this.#perSecond;
  }
}
