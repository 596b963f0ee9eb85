import { TokenBucket } from "@tutti/core/resilience";

/** What is saved up at most, and what a quiet route may always spend. */
const SAVED_MAX = 100;
const TRICKLE = { perSecond: 1, burst: 10 } as const;

/**
 * How many retries a route may make: so many for each request that comes in, and a trickle beside it. Without one, a target in trouble
 * would get several times its load just when it can take least.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #trickle: TokenBucket;
  #saved = 0;

  constructor(ratio: number, nowMs: number) {
    this.#ratio = ratio;
    this.#trickle = new TokenBucket(TRICKLE, nowMs);
  }

  /** A request came in. */
  earn(): void {
    this.#saved = Math.min(SAVED_MAX, this.#saved + this.#ratio);
  }

  /** Whether one retry may be made; if so, it is paid for. */
  spend(nowMs: number): boolean {
    if (this.#saved < 1) return this.#ratio > 0 && this.#trickle.take(nowMs) === 0;
    this.#saved -= 1;
    return true;
  }
}
