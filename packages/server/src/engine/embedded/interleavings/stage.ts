import { AppError, type RunContext, type StepContext, type StepOptions } from "@tutti/core";

interface OpenAction {
  readonly resolve: (value: string) => void;
  readonly reject: (error: AppError) => void;
}

/** An action that begins. `key` is the step's place in the run; `known` are the steps that its workflow had seen the ends of when it asked. */
export interface BegunAction {
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
  readonly known: readonly string[];
}

/** What workflows under test act on: their actions end when a test says so, and what they get to see is written down. */
export class Stage {
  readonly #onAction: (action: BegunAction) => void;
  readonly #open = new Map<string, OpenAction>();
  readonly #seen = new Map<string, string[]>();

  constructor(onAction: (action: BegunAction) => void) {
    this.#onAction = onAction;
  }

  /** Actions that have begun and not ended: `run/key#attempt name`. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** The steps whose ends a run's workflow has seen since it began, in order. */
  seenBy(runId: string): readonly string[] {
    return this.#seen.get(runId) ?? [];
  }

  /** A run's workflow begins, or begins again because the run came back into memory. */
  begin(runId: string): void {
    this.#seen.set(runId, []);
  }

  /** A step whose action ends when the test says so. Its result is its name. */
  step(ctx: RunContext, name: string, options: StepOptions<string> = {}): Promise<string> {
    const known = [...this.seenBy(ctx.runId)];
    const result = ctx.step<string>(name, (step) => this.act(step, name, known), options);
    return this.saw(ctx, name, result);
  }

  /** An action that ends when the test says so. */
  act({ idempotencyKey, attempt }: StepContext, name: string, known: readonly string[]): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const slash = idempotencyKey.lastIndexOf("/");
    this.#open.set(`${idempotencyKey}#${attempt} ${name}`, { resolve, reject });
    this.#onAction({ runId: idempotencyKey.slice(0, slash), key: idempotencyKey.slice(slash + 1), attempt, known });
    return promise;
  }

  /** Notes when a workflow gets to see how a step ended. */
  async saw<T>(ctx: RunContext, name: string, result: Promise<T>): Promise<T> {
    const seen = this.#seen.get(ctx.runId) ?? [];
    this.#seen.set(ctx.runId, seen);
    try {
      const value = await result;
      seen.push(name);
      return value;
    } catch (error) {
      seen.push(`${name}!`);
      throw error;
    }
  }

  /** Ends an action, well or not. */
  end(action: string, isOk: boolean): void {
    const name = action.slice(action.indexOf(" ") + 1);
    const open = this.#open.get(action);
    this.#open.delete(action);
    if (isOk) open?.resolve(name);
    // Of this code it is known that trying again cannot help; "upstream" is tried again.
    else open?.reject(new AppError(name.startsWith("flaky") ? "upstream" : "not_found", `${name} failed`));
  }
}
