import { AppError, backoffMs, type StepContext, type StepOptions } from "@tutti/core";
import type { StepProgress } from "./history.ts";
import type { Scope } from "./scope.ts";
import { waitUntil } from "./timers.ts";

const ATTEMPTS_MAX = 3;
const TIMEOUT_MS = 300_000;
const BACKOFF = { delayMs: 200, delayMaxMs: 30_000 };
/** A step that takes longer than this says so in the log, for those who watch. Shorter ones cost one event instead of two. */
const ANNOUNCED_AFTER_MS = 100;

/** What to try, and whom to tell about it. */
export interface Trial {
  readonly idempotencyKey: string;
  readonly scope: Scope;
  readonly options: StepOptions;
  readonly progress: StepProgress | undefined;
  readonly action: (step: StepContext) => unknown;
  /** Whether a failed attempt may be repeated, beside what its error says. */
  readonly mayRepeat: () => boolean;
  readonly onLong: (attempt: number) => void;
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
  const attemptsMax = trial.options.attemptsMax ?? ATTEMPTS_MAX;
  if (trial.progress?.retryAt !== undefined) await waitUntil(Date.parse(trial.progress.retryAt), trial.scope);
  for (let attempt = (trial.progress?.attempts ?? 0) + 1; ; attempt += 1) {
    const result = await tryOnce(trial, attempt);
    if (trial.scope.closed !== undefined) throw trial.scope.closed;
    if (result.ok || attempt >= attemptsMax || !result.error.isRetryable || !trial.mayRepeat()) return result;
    const retryAtMs = Date.now() + backoffMs(attempt, BACKOFF, Math.random());
    trial.onRetry({ attempt, startedAtMs: result.startedAtMs, durationMs: result.durationMs, error: result.error, retryAtMs });
    await waitUntil(retryAtMs, trial.scope);
  }
}

async function tryOnce(trial: Trial, attempt: number): Promise<TrialResult> {
  const startedAtMs = Date.now();
  const startMs = performance.now();
  const took = (): Attempt => ({ attempt, startedAtMs, durationMs: Math.round((performance.now() - startMs) * 1000) / 1000 });
  try {
    const value = await bounded(trial, attempt);
    return { ...took(), ok: true, value };
  } catch (thrown) {
    return { ...took(), ok: false, error: AppError.from(thrown) };
  }
}

/** The action, ended by its timeout or by its branch's end, whichever comes first. An action that ignores its signal is left behind. */
function bounded(trial: Trial, attempt: number): Promise<unknown> {
  const timeoutMs = trial.options.timeoutMs ?? TIMEOUT_MS;
  const step = new AttemptContext(trial.idempotencyKey, attempt, trial.scope);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const give = (error: AppError): void => {
    step.abort(error);
    reject(error);
  };
  const expire = (): void =>
    give(new AppError("timeout", `wanted an end within ${timeoutMs} ms, got none; give the step a longer timeoutMs or do less in it`));
  const announce = (): void => {
    trial.onLong(attempt);
    timer = setTimeout(expire, timeoutMs - ANNOUNCED_AFTER_MS);
  };
  let timer = timeoutMs > ANNOUNCED_AFTER_MS ? setTimeout(announce, ANNOUNCED_AFTER_MS) : setTimeout(expire, timeoutMs);
  const stopListening = trial.scope.onClose(give);
  invoke(trial.action, step).then(resolve, reject);
  return promise.finally(() => {
    clearTimeout(timer);
    stopListening();
  });
}

async function invoke(action: Trial["action"], step: StepContext): Promise<unknown> {
  return action(step);
}

/** What an action knows of its attempt; the signal is made when first asked for. */
class AttemptContext implements StepContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly #scope: Scope;
  #controller: AbortController | undefined;
  #aborted: AppError | undefined;

  constructor(idempotencyKey: string, attempt: number, scope: Scope) {
    this.idempotencyKey = idempotencyKey;
    this.attempt = attempt;
    this.#scope = scope;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    const reason = this.#aborted ?? this.#scope.closed;
    if (reason !== undefined) this.#controller.abort(reason);
    return this.#controller.signal;
  }

  abort(reason: AppError): void {
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }
}
