import { AppError, type RunLimits, type RunUsage } from "@tutti/core";

/** What a run has used, its children included, beside what it may. */
export class Budget {
  readonly #limits: RunLimits;
  #inputTokens = 0;
  #outputTokens = 0;
  #costUsd = 0;

  constructor(limits: RunLimits = {}) {
    this.#limits = limits;
  }

  add(usage: RunUsage): void {
    this.#inputTokens += usage.inputTokens;
    this.#outputTokens += usage.outputTokens;
    this.#costUsd += usage.costUsd;
  }

  /** Throws `budget_exceeded` when there is nothing left. */
  check(): void {
    const { tokensMax = Infinity, costUsdMax = Infinity } = this.#limits;
    const tokens = this.#inputTokens + this.#outputTokens;
    if (tokens >= tokensMax)
      throw new AppError(
        "budget_exceeded",
        `wanted at most ${tokensMax} tokens for this run, got ${tokens} used already; start it with a larger tokensMax`,
      );
    if (this.#costUsd >= costUsdMax)
      throw new AppError(
        "budget_exceeded",
        `wanted at most $${costUsdMax} for this run, got $${this.#costUsd.toFixed(4)} used already; start it with a larger costUsdMax`,
      );
  }

  /** What a child may use: what is left here, or less if it says so. */
  left(limits: RunLimits = {}): RunLimits {
    const tokensMax = Math.min(limits.tokensMax ?? Infinity, (this.#limits.tokensMax ?? Infinity) - this.#inputTokens - this.#outputTokens);
    const costUsdMax = Math.min(limits.costUsdMax ?? Infinity, (this.#limits.costUsdMax ?? Infinity) - this.#costUsd);
    return {
      ...limits,
      ...(Number.isFinite(tokensMax) && { tokensMax: Math.max(0, tokensMax) }),
      ...(Number.isFinite(costUsdMax) && { costUsdMax: Math.max(0, costUsdMax) }),
    };
  }

  /** What was used so far. */
  get used(): { readonly tokens: number; readonly costUsd: number } {
    return { tokens: this.#inputTokens + this.#outputTokens, costUsd: this.#costUsd };
  }

  /** For the event that ends the run; nothing when nothing was used. */
  get forEnd(): { readonly usage?: RunUsage } {
    if (this.#inputTokens === 0 && this.#outputTokens === 0 && this.#costUsd === 0) return {};
    return { usage: { inputTokens: this.#inputTokens, outputTokens: this.#outputTokens, costUsd: this.#costUsd } };
  }
}
