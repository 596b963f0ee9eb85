import { AppError, type Json, type StepContext, type StepOptions } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import type { Clock } from "../clock.ts";
import type { StepProgress } from "./history.ts";
import type { Scope } from "./scope.ts";
import type { Taint } from "./taint.ts";
import { waitUntil } from "./timers.ts";

const ATTEMPTS_MAX = 3;
const TIMEOUT_MS = 300_000;
const BACKOFF = { delayMs: 200, delayMaxMs: 30_000 };
/** A step that takes longer than this says so in the log, for those who watch. Shorter ones cost one event instead of two. */
const ANNOUNCED_AFTER_MS = 100;
/** Heartbeats of a step are journaled at most so often; the one before an attempt ends always is. */
const PROGRESS_EVERY_MS = 1000;

/** What to try, and whom to tell about it. */
export interface Trial {
  readonly idempotencyKey: string;
  readonly scope: Scope;
  readonly clock: Clock;
  readonly options: Omit<StepOptions, "undo">;
  readonly progress: StepProgress | undefined;
  readonly taint: Pick<Taint, "sources"> & { readonly add: (sources: readonly string[]) => void };
  readonly action: (step: StepContext) => unknown;
  /** Whether a failed attempt may be repeated, beside what its error says. */
  readonly mayRepeat: () => boolean;
  readonly onLong: (attempt: number) => void;
  readonly onProgress: (attempt: number, detail: Json) => void;
  readonly onRetry: (attempt: Attempt & { readonly error: AppError; readonly retryAtMs: number }) => void;
}

/** One try: which, and how long it took. */
interface Attempt {
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** How the last attempt ended. */
export type TrialResult = Attempt & ({ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: AppError });

/** Tries until it works, the attempts are used up, or the error says that trying again cannot help. Rejects only when the scope closes. */
export async function tryRepeatedly(trial: Trial): Promise<TrialResult> {
  const { scope, clock, options } = trial;
  const attemptsMax = options.attemptsMax ?? ATTEMPTS_MAX;
  let detail = trial.progress?.detail;
  if (trial.progress?.retryAt !== undefined) await waitUntil(Date.parse(trial.progress.retryAt), scope, clock);
  for (let attempt = (trial.progress?.attempts ?? 0) + 1; ; attempt += 1) {
    const context = new AttemptContext(trial, attempt, detail);
    const result = await tryOnce(trial, context);
    if (scope.closed !== undefined) throw scope.closed;
    if (result.ok || attempt >= attemptsMax || !isRetryable(result.error, options) || !trial.mayRepeat()) return result;
    detail = context.lastDetail;
    const { startedAtMs, durationMs, error } = result;
    const retryAtMs = clock.nowMs() + backoffMs(attempt, options.backoff ?? BACKOFF, clock.random());
    trial.onRetry({ attempt, startedAtMs, durationMs, error, retryAtMs });
    await waitUntil(retryAtMs, scope, clock);
  }
}

/** What an error's own `code` says counts too: libraries throw plain errors with one. */
function isRetryable(error: AppError, { nonRetryable = [] }: Trial["options"]): boolean {
  if (!error.isRetryable || nonRetryable.includes(error.code)) return false;
  const { cause } = error;
  return !(typeof cause === "object" && cause !== null && "code" in cause && nonRetryable.includes(String(cause.code)));
}

async function tryOnce(trial: Trial, context: AttemptContext): Promise<TrialResult> {
  const startedAtMs = trial.clock.nowMs();
  const startMs = performance.now();
  const took = (): Attempt => ({
    attempt: context.attempt,
    startedAtMs,
    durationMs: Math.round((performance.now() - startMs) * 1000) / 1000,
  });
  try {
    const value = await bounded(trial, context);
    return { ...took(), ok: true, value };
  } catch (thrown) {
    return { ...took(), ok: false, error: AppError.from(thrown) };
  }
}

/** The action, ended by its timeout, its silence, or its branch's end, whichever comes first. An action that ignores its signal is left behind. */
function bounded(trial: Trial, step: AttemptContext): Promise<unknown> {
  const { clock, scope } = trial;
  const { timeoutMs = TIMEOUT_MS, heartbeatMs } = trial.options;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const give = (error: AppError): void => {
    step.abort(error);
    reject(error);
  };
  const expire = (): void =>
    give(new AppError("timeout", `wanted an end within ${timeoutMs} ms, got none; give the step a longer timeoutMs or do less in it`));
  const announce = (): void => {
    trial.onLong(step.attempt);
    stopTimer = clock.after(timeoutMs - ANNOUNCED_AFTER_MS, expire);
  };
  let stopTimer = timeoutMs > ANNOUNCED_AFTER_MS ? clock.after(ANNOUNCED_AFTER_MS, announce) : clock.after(timeoutMs, expire);
  const stopListening = scope.onClose(give);
  if (heartbeatMs !== undefined)
    step.watch(heartbeatMs, () =>
      give(
        new AppError(
          "stuck",
          `wanted a heartbeat every ${heartbeatMs} ms, got none; call step.heartbeat() more often or raise heartbeatMs`,
        ),
      ),
    );
  invoke(trial.action, step).then(resolve, reject);
  return promise.finally(() => {
    stopTimer();
    stopListening();
    step.end();
  });
}

async function invoke(action: Trial["action"], step: StepContext): Promise<unknown> {
  return action(step);
}

/** What an action knows of its attempt; the signal is made when first asked for. */
class AttemptContext implements StepContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly progress: Json | undefined;
  readonly #trial: Trial;
  #controller: AbortController | undefined;
  #aborted: AppError | undefined;
  #beat: (() => void) | undefined;
  #stopWatch: (() => void) | undefined;
  #hasEnded = false;
  #detail: { readonly value: Json; readonly isWritten: boolean } | undefined;
  #writtenAtMs = -Infinity;

  /** Bound, so that an action may take it out of its context. */
  readonly heartbeat = (detail: Json = null): void => {
    if (this.#hasEnded) return;
    this.#beat?.();
    const nowMs = this.#trial.clock.nowMs();
    const isDue = nowMs - this.#writtenAtMs >= PROGRESS_EVERY_MS;
    this.#detail = { value: detail, isWritten: isDue };
    if (isDue) this.#write(nowMs);
  };

  /** Bound, as `heartbeat` is. */
  readonly taint = (sources: readonly string[]): void => this.#trial.taint.add(sources);

  constructor(trial: Trial, attempt: number, progress: Json | undefined) {
    this.idempotencyKey = trial.idempotencyKey;
    this.attempt = attempt;
    this.progress = progress;
    this.#trial = trial;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    const reason = this.#aborted ?? this.#trial.scope.closed;
    if (reason !== undefined) this.#controller.abort(reason);
    return this.#controller.signal;
  }

  get tainted(): readonly string[] {
    return this.#trial.taint.sources;
  }

  /** What the next attempt is told. */
  get lastDetail(): Json | undefined {
    return this.#detail?.value ?? this.progress;
  }

  /** Calls `onSilence` when no heartbeat comes for `everyMs`. */
  watch(everyMs: number, onSilence: () => void): void {
    this.#beat = () => {
      this.#stopWatch?.();
      this.#stopWatch = this.#trial.clock.after(everyMs, onSilence);
    };
    this.#beat();
  }

  end(): void {
    this.#hasEnded = true;
    this.#stopWatch?.();
    if (this.#detail?.isWritten === false) this.#write(this.#trial.clock.nowMs());
  }

  abort(reason: AppError): void {
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }

  #write(nowMs: number): void {
    this.#writtenAtMs = nowMs;
    this.#trial.onProgress(this.attempt, this.#detail?.value ?? null);
  }
}
