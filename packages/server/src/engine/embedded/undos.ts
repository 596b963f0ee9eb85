import { AppError, type Json, type StepContext } from "@tutti/core";
import type { Scope } from "./scope.ts";

/** Takes back what a step did. */
export type Undo = (step: StepContext) => Promise<void> | void;

/** What a run has to take back if it does not succeed (sagas: Garcia-Molina and Salem, 1987). */
export class Undos {
  readonly #request: (scope: Scope, name: string, undo: Undo) => Promise<Json>;
  readonly #undos: { readonly name: string; readonly undo: Undo }[] = [];

  constructor(request: (scope: Scope, name: string, undo: Undo) => Promise<Json>) {
    this.#request = request;
  }

  get size(): number {
    return this.#undos.length;
  }

  add(name: string, undo: Undo): void {
    this.#undos.push({ name, undo });
  }

  /** Runs them last first, each as a step; one that fails for good does not keep the others from running. */
  async run(scope: Scope): Promise<void> {
    const failed: string[] = [];
    for (let next = this.#undos.pop(); next !== undefined; next = this.#undos.pop()) {
      try {
        await this.#request(scope, next.name, next.undo);
      } catch (thrown) {
        if (scope.closed !== undefined) throw thrown;
        failed.push(`"${next.name}" (${AppError.from(thrown).message})`);
      }
    }
    if (failed.length > 0)
      throw new AppError("compensation_failed", `wanted every step undone, got failures for ${failed.join(", ")}; undo these by hand`);
  }
}
