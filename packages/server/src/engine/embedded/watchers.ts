import type { EventDraft, ModelPart } from "@tutti/core";

/** Those who watch: all events once they are durable, or one run's model parts as they come. */
export class Watchers {
  readonly #listeners = new Set<(event: EventDraft) => void>();
  readonly #partListeners = new Map<string, Set<(part: ModelPart) => void>>();

  subscribe(listener: (event: EventDraft) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable {
    const listeners = this.#partListeners.get(runId) ?? new Set();
    this.#partListeners.set(runId, listeners.add(listener));
    return {
      [Symbol.dispose]: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#partListeners.delete(runId);
      },
    };
  }

  publish(event: EventDraft): void {
    for (const listener of this.#listeners) listener(event);
  }

  publishPart(runId: string, part: ModelPart): void {
    for (const listener of this.#partListeners.get(runId) ?? []) listener(part);
  }

  /** A run has ended: nobody watches its parts any more. */
  forget(runId: string): void {
    this.#partListeners.delete(runId);
  }
}
