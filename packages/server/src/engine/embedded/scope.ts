import { AppError } from "@tutti/core";

/** One branch of a run: the order of its steps, whether one is under way, and its cancellation, which reaches all branches below. */
export class Scope {
  readonly prefix: string;
  readonly #children = new Set<Scope>();
  readonly #onClose = new Set<(reason: AppError) => void>();
  readonly #onStop = new Set<(reason: AppError) => void>();
  #next = 0;
  #underWay: string | undefined;
  #closed: AppError | undefined;
  #halted = false;
  #controller: AbortController | undefined;

  constructor(prefix = "") {
    this.prefix = prefix;
  }

  /** Takes the next place in the branch. One step at a time: two at once would get their places by chance. */
  enter(name: string): string {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#underWay !== undefined) {
      throw new AppError(
        "concurrent_steps",
        `wanted one step at a time in a branch, got "${name}" while "${this.#underWay}" is under way; await it first, or use ctx.all, ctx.race or ctx.map, whose branches have a context of their own`,
      );
    }
    this.#underWay = name;
    this.#next += 1;
    return `${this.prefix}${this.#next - 1}`;
  }

  /** The key the next step of this branch will have. */
  get nextKey(): string {
    return `${this.prefix}${this.#next}`;
  }

  /** A branch that goes on where this one stands, and is open when this one is closed. */
  successor(): Scope {
    const next = new Scope(this.prefix);
    next.#next = this.#next;
    return next;
  }

  leave(): void {
    this.#underWay = undefined;
  }

  fork(key: string, branch: number): Scope {
    const child = new Scope(`${key}.${branch}.`);
    this.#children.add(child);
    return child;
  }

  /** Forgets a branch that has ended; later steps of it are refused. */
  end(child: Scope, reason: AppError): void {
    child.close(reason);
    this.#children.delete(child);
  }

  get closed(): AppError | undefined {
    return this.#closed;
  }

  /** Made when first asked for: most steps never look, and signals are dear. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#closed !== undefined) this.#controller.abort(this.#closed);
    return this.#controller.signal;
  }

  get isStopped(): boolean {
    return this.#halted || this.#closed !== undefined;
  }

  /** Calls `listener` once when the branch is closed; returns how to stop listening. */
  onClose(listener: (reason: AppError) => void): () => void {
    this.#onClose.add(listener);
    return () => this.#onClose.delete(listener);
  }

  /** As `onClose`, and also when Tutti stops: for waits, which end at once, where work under way may finish. */
  onStop(listener: (reason: AppError) => void): () => void {
    this.#onStop.add(listener);
    return () => this.#onStop.delete(listener);
  }

  /** Ends all waits in this branch and below; work under way goes on. */
  halt(reason: AppError): void {
    this.#halted = true;
    for (const child of this.#children) child.halt(reason);
    this.#stopWaits(reason);
  }

  close(reason: AppError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    for (const child of this.#children) child.close(reason);
    this.#controller?.abort(reason);
    for (const listener of this.#onClose) listener(reason);
    this.#onClose.clear();
    this.#stopWaits(reason);
  }

  #stopWaits(reason: AppError): void {
    for (const listener of this.#onStop) listener(reason);
    this.#onStop.clear();
  }
}
