import { AppError } from "@tutti/core";
import { CircuitBreaker } from "@tutti/core/resilience";
import type { Usage } from "@tutti/core/model";
import { costUsdOf, type Target, type TokenPrice } from "./target.ts";

/** After so many failures in a row a target is left alone for so long; then one call tries it. */
const BREAKER = { failuresMax: 3, openMs: 10_000 } as const;
/** A target that asks to be left alone for longer is tried again after this. */
const REST_MS_MAX = 300_000;
/** How much the newest call counts for. */
const WEIGHT = 0.2;
/** A measured time counts half after so long without a call, so that a target that was slow once is tried again. */
const HALF_LIFE_MS = 60_000;
/** The last first-byte times, for percentiles, and how many there have to be for one. */
const SAMPLES_MAX = 128;
const SAMPLES_MIN = 20;
/** Shorter streams say nothing about speed. */
const STREAM_MS_MIN = 20;

/** How a call went. "unknown": the client left, or asked for nonsense; that says nothing about the target. */
interface CallResult {
  readonly outcome: "answered" | "failed" | "unknown";
  readonly retryAfterMs?: number;
  readonly usage?: Usage;
}

/** One call to a target under way; `end` is called once. */
export interface CallWatch {
  firstByte(): void;
  end(result: CallResult): void;
}

/** How a target has been since this process began. Times and rates are moving averages; what was never measured is left out. */
export interface TargetStats {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  /** "open": it failed too often and is left alone; "trial": one call tries it; "resting": it asked to be left alone. */
  readonly status: "ok" | "open" | "trial" | "resting";
  /** How long it is still left alone. */
  readonly openForMs?: number;
  readonly underWay: number;
  readonly calls: number;
  readonly failures: number;
  readonly errorRate: number;
  readonly latencyMs?: number;
  readonly firstByteMs?: number;
  readonly firstByteP95Ms?: number;
  readonly tokensPerSecond?: number;
  readonly outputTokens?: number;
  /** Which part of the prompts its provider's cache held. */
  readonly cacheShare?: number;
  /** By its list, as far as that is known. */
  readonly costUsd?: number;
}

/** What is known of one target from the calls to it. */
export class TargetHealth {
  target: Target;
  underWay = 0;
  #calls = 0;
  #failures = 0;
  #errorRate = 0;
  #latencyMs: number | undefined;
  #firstByteMs: number | undefined;
  #tokensPerSecond: number | undefined;
  #outputTokens: number | undefined;
  #cacheShare: number | undefined;
  #costUsd: number | undefined;
  #measuredAtMs = 0;
  #openUntilMs = 0;
  #isTried = false;
  #restUntilMs = 0;
  readonly #samples = new Float64Array(SAMPLES_MAX);
  #sampleCount = 0;
  #percentile = { count: 0, of: 0, value: 0 };
  readonly #breaker = new CircuitBreaker(BREAKER);
  readonly #now: () => number;
  readonly #priceOf: (target: Target) => TokenPrice | undefined;

  constructor(target: Target, options: { readonly now: () => number; readonly priceOf: (target: Target) => TokenPrice | undefined }) {
    this.target = target;
    this.#now = options.now;
    this.#priceOf = options.priceOf;
  }

  /** Whether it may be asked at `nowMs`; looking takes no trial away from anybody. */
  isUp(nowMs: number): boolean {
    return !this.isOpen(nowMs) && nowMs >= this.#restUntilMs;
  }

  /** Whether it failed so often that nobody is let in. */
  isOpen(nowMs: number): boolean {
    return nowMs < this.#openUntilMs;
  }

  get outputTokens(): number | undefined {
    return this.#outputTokens;
  }

  get cacheShare(): number {
    return this.#cacheShare ?? 0;
  }

  /** What to expect until the first byte: the average, forgotten with time; `undefined` when it was never measured. */
  expectedFirstByteMs(nowMs: number): number | undefined {
    return this.#firstByteMs === undefined ? undefined : this.#firstByteMs * 2 ** ((this.#measuredAtMs - nowMs) / HALF_LIFE_MS);
  }

  /** So many in a hundred first bytes came within this time; `undefined` while too few were measured. */
  firstByteMsAt(percentile: number): number | undefined {
    const count = Math.min(this.#sampleCount, SAMPLES_MAX);
    if (count < SAMPLES_MIN) return undefined;
    if (this.#percentile.count !== this.#sampleCount || this.#percentile.of !== percentile) {
      const sorted = this.#samples.slice(0, count).sort();
      const value = sorted[Math.min(count - 1, Math.ceil((percentile / 100) * count) - 1)] ?? 0;
      this.#percentile = { count: this.#sampleCount, of: percentile, value };
    }
    return this.#percentile.value;
  }

  /** Counts a call as under way. Throws `upstream` while the target is left alone: an open breaker means that nobody waits for it. */
  begin(): CallWatch {
    const startMs = this.#now();
    if (this.isOpen(startMs)) throw this.#leftAlone(startMs);
    // One call tries a target that was left alone; those that come meanwhile find it left alone for as long as that may take.
    if (this.#openUntilMs > 0 && startMs >= this.#openUntilMs && this.#breaker.allows(startMs)) {
      this.#openUntilMs = startMs + BREAKER.openMs;
      this.#isTried = true;
    }
    this.underWay += 1;
    this.#calls += 1;
    let firstByteAtMs = 0;
    let isOver = false;
    return {
      firstByte: () => {
        if (firstByteAtMs === 0) firstByteAtMs = this.#now();
      },
      end: (result) => {
        if (isOver) return;
        isOver = true;
        this.underWay -= 1;
        if (result.outcome === "failed") this.#failed(result.retryAfterMs);
        else if (result.outcome === "answered") this.#answered(result.usage, { startMs, firstByteAtMs });
      },
    };
  }

  stats(): TargetStats {
    const nowMs = this.#now();
    const openForMs = Math.max(this.#openUntilMs, this.#restUntilMs) - nowMs;
    const p95 = this.firstByteMsAt(95);
    return {
      id: this.target.id,
      provider: this.target.place.provider.name,
      model: this.target.place.name,
      status: this.#status(nowMs),
      ...(openForMs > 0 && { openForMs }),
      underWay: this.underWay,
      calls: this.#calls,
      failures: this.#failures,
      errorRate: this.#errorRate,
      ...(this.#latencyMs !== undefined && { latencyMs: this.#latencyMs }),
      ...(this.#firstByteMs !== undefined && { firstByteMs: this.#firstByteMs }),
      ...(p95 !== undefined && { firstByteP95Ms: p95 }),
      ...(this.#tokensPerSecond !== undefined && { tokensPerSecond: this.#tokensPerSecond }),
      ...(this.#outputTokens !== undefined && { outputTokens: this.#outputTokens }),
      ...(this.#cacheShare !== undefined && { cacheShare: this.#cacheShare }),
      ...(this.#costUsd !== undefined && { costUsd: this.#costUsd }),
    };
  }

  #leftAlone(nowMs: number): AppError {
    const retryAfterMs = Math.ceil(this.#openUntilMs - nowMs);
    return new AppError(
      "upstream",
      `the model "${this.target.id}" failed ${BREAKER.failuresMax} times in a row and is left alone for ${Math.ceil(retryAfterMs / 1000)} s; try again then`,
      { cause: { retryAfterMs } },
    );
  }

  #status(nowMs: number): TargetStats["status"] {
    if (nowMs < this.#openUntilMs) return this.#isTried ? "trial" : "open";
    return nowMs < this.#restUntilMs ? "resting" : "ok";
  }

  #failed(retryAfterMs: number | undefined): void {
    const nowMs = this.#now();
    this.#failures += 1;
    this.#errorRate = moved(this.#errorRate, 1);
    // A target that says when to come back works: it is busy, not broken.
    if (retryAfterMs !== undefined && retryAfterMs > 0) {
      this.#restUntilMs = nowMs + Math.min(retryAfterMs, REST_MS_MAX);
      return;
    }
    this.#breaker.failed(nowMs);
    this.#isTried = false;
    if (!this.#breaker.allows(nowMs)) this.#openUntilMs = nowMs + BREAKER.openMs;
  }

  #answered(usage: Usage | undefined, times: { readonly startMs: number; readonly firstByteAtMs: number }): void {
    const endMs = this.#now();
    const firstByteAtMs = times.firstByteAtMs === 0 ? endMs : times.firstByteAtMs;
    const firstByteMs = firstByteAtMs - times.startMs;
    this.#breaker.succeeded();
    this.#openUntilMs = 0;
    this.#restUntilMs = 0;
    this.#isTried = false;
    this.#errorRate = moved(this.#errorRate, 0);
    this.#latencyMs = moved(this.#latencyMs, endMs - times.startMs);
    this.#firstByteMs = moved(this.#firstByteMs, firstByteMs);
    this.#measuredAtMs = endMs;
    this.#samples[this.#sampleCount % SAMPLES_MAX] = firstByteMs;
    this.#sampleCount += 1;
    if (usage !== undefined) this.#used(usage, endMs - firstByteAtMs);
  }

  #used(usage: Usage, streamMs: number): void {
    if (streamMs >= STREAM_MS_MIN && usage.outputTokens > 1)
      this.#tokensPerSecond = moved(this.#tokensPerSecond, (usage.outputTokens * 1000) / streamMs);
    if (usage.outputTokens > 0) this.#outputTokens = moved(this.#outputTokens, usage.outputTokens);
    if (usage.inputTokens > 0) this.#cacheShare = moved(this.#cacheShare, (usage.cacheReadTokens ?? 0) / usage.inputTokens);
    const price = this.#priceOf(this.target);
    if (price !== undefined) this.#costUsd = (this.#costUsd ?? 0) + costUsdOf(usage, price);
  }
}

function moved(average: number | undefined, value: number): number {
  return average === undefined ? value : average + WEIGHT * (value - average);
}
