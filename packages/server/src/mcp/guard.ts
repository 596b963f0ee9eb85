import { AppError } from "@tutti/core";
import { CircuitBreaker, TokenBucket } from "@tutti/core/resilience";
import { Places } from "./places.ts";
import type { ServerSpec } from "./server-spec.ts";

const BREAKER = { failuresMax: 3, openMs: 10_000 };
const WAITING_PER_PLACE_MAX = 8;
const HOUR_SECONDS = 3_600;
/** What says that the server is in trouble, and not whoever asks. */
const TROUBLE: ReadonlySet<string> = new Set(["upstream", "timeout", "too_large", "unauthorized", "unsupported"]);

/** What holds one server within its bounds: how often and how much at once it is asked, how often its program starts, and a rest while it fails. */
export class Guard {
  readonly #spec: ServerSpec;
  readonly #breaker = new CircuitBreaker(BREAKER);
  readonly #rate: TokenBucket;
  readonly #starts: TokenBucket;
  readonly #places: Places;
  #calls = 0;
  #failures = 0;
  #reason: string | undefined;

  constructor(spec: ServerSpec) {
    const { requestsPerSecond, startsPerHourMax, parallelMax } = spec;
    const nowMs = performance.now();
    this.#spec = spec;
    this.#rate = new TokenBucket({ perSecond: requestsPerSecond, burst: Math.max(1, requestsPerSecond) }, nowMs);
    this.#starts = new TokenBucket({ perSecond: startsPerHourMax / HOUR_SECONDS, burst: startsPerHourMax }, nowMs);
    this.#places = new Places(parallelMax, parallelMax * WAITING_PER_PLACE_MAX);
  }

  /** How much was asked, how much failed, and why it is left alone, if it is. */
  get counts(): { readonly calls: number; readonly failures: number; readonly reason?: string } {
    return { calls: this.#calls, failures: this.#failures, ...(this.#reason !== undefined && { reason: this.#reason }) };
  }

  get isBusy(): boolean {
    return this.#places.taken > 0;
  }

  /** It answered as it should. */
  isWell(): void {
    this.#reason = undefined;
  }

  /** Called before a program is started: one that ends again and again is not started for ever. */
  starting(): void {
    const waitMs = this.#starts.take(performance.now());
    if (waitMs === 0) return;
    const { name, startsPerHourMax } = this.#spec;
    throw new AppError(
      "overloaded",
      `wanted at most ${startsPerHourMax} starts of the MCP server "${name}" in an hour, got more: it may start again in ${Math.ceil(waitMs / 1_000)} s. See why it ends with \`tutti mcp show ${name}\`, or raise startsPerHourMax`,
    );
  }

  /** Does one thing with the server: within its rate, its places and its breaker. */
  async within<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { name, requestsPerSecond } = this.#spec;
    if (!this.#breaker.allows(performance.now()))
      throw new AppError(
        "overloaded",
        `the MCP server "${name}" is left alone for up to ${BREAKER.openMs} ms because it failed: ${this.#reason ?? "it did not answer"}`,
      );
    const waitMs = this.#rate.take(performance.now());
    if (waitMs > 0)
      throw new AppError(
        "rate_limited",
        `wanted at most ${requestsPerSecond} calls a second of the MCP server "${name}", got more; raise requestsPerSecond if it can take them`,
      );
    await this.#places.take(signal);
    this.#calls += 1;
    try {
      const result = await work();
      this.#breaker.succeeded();
      this.isWell();
      return result;
    } catch (thrown) {
      throw this.#failed(thrown, signal);
    } finally {
      this.#places.give();
    }
  }

  /** Only what says that the server is in trouble counts against it. */
  #failed(thrown: unknown, signal: AbortSignal): AppError {
    const error = asAppError(this.#spec.name, thrown);
    const isOurs = signal.aborted && error.code !== "timeout";
    if (isOurs || !TROUBLE.has(error.code)) return error;
    this.#failures += 1;
    this.#reason = error.message;
    this.#breaker.failed(performance.now());
    return error;
  }
}

function asAppError(name: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AppError("upstream", `the MCP server "${name}" failed: ${message}`, { cause: thrown });
}
