import { AppError } from "@tutti/core";

/** Places for work at one time, and a line of bounded length for those who wait. First come, first served. */
export class Places {
  readonly #max: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(max: number, waitingMax: number) {
    this.#max = max;
    this.#waitingMax = waitingMax;
  }

  get taken(): number {
    return this.#taken;
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < this.#max) {
      this.#taken += 1;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax)
      throw new AppError(
        "overloaded",
        `wanted at most ${this.#waitingMax} calls in line, got more; call less at once, or raise parallelMax`,
      );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", leave, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", leave));
  }

  /** Whoever is first in line takes the place over. */
  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
