import { AppError } from "@tutti/core";

/** The time that a server has for one call; progress starts it anew, and it stands still while a person is asked. */
export class CallClock {
  readonly #over = new AbortController();
  readonly #timeoutMs: number;
  readonly #error: AppError;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, message: string) {
    this.#timeoutMs = timeoutMs;
    this.#error = new AppError("timeout", message);
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.#timer ??= setTimeout(() => this.#over.abort(this.#error), this.#timeoutMs);
  }

  restart(): void {
    if (this.#timer === undefined) return;
    this.pause();
    this.resume();
  }
}
