/** When a breaker opens and how long it stays open. */
export interface BreakerOptions {
  readonly failuresMax: number;
  readonly openMs: number;
}

/** A circuit breaker: closed → open after `failuresMax` failures in a row → after `openMs` one trial → closed or open again. */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #state:
    | { readonly name: "closed" }
    | { readonly name: "open"; readonly untilMs: number }
    | { readonly name: "trial"; readonly untilMs: number } = { name: "closed" };

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether a call may go out now; `nowMs` is any monotonic clock. A trial that never reports back frees its place after `openMs`. */
  allows(nowMs: number): boolean {
    if (this.#state.name === "closed") return true;
    if (nowMs < this.#state.untilMs) return false;
    this.#state = { name: "trial", untilMs: nowMs + this.#options.openMs };
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#state = { name: "closed" };
  }

  failed(nowMs: number): void {
    this.#failures += 1;
    if (this.#state.name === "closed" && this.#failures < this.#options.failuresMax) return;
    this.#state = { name: "open", untilMs: nowMs + this.#options.openMs };
  }
}
