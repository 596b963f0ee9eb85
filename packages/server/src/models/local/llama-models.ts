import { AppError } from "@tutti/core";
import type { LlamaSettings } from "./llama-messages.ts";
import { LlamaModel } from "./llama-model.ts";

/** How models are kept. */
export interface LlamaModelsOptions extends Omit<LlamaSettings, "file"> {
  /** Models in memory at a time; the one that was unused longest makes room. */
  readonly loadedMax: number;
  /** How long a model stays in memory without a request. */
  readonly keepAliveMs: number;
  readonly log: (message: string) => void;
}

interface Kept {
  readonly model: LlamaModel;
  keepAliveMs: number;
  timer: NodeJS.Timeout | undefined;
  usedAtMs: number;
}

/** The models that are in memory, each in a process of its own. */
export class LlamaModels {
  readonly #options: LlamaModelsOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: LlamaModelsOptions) {
    this.#options = options;
  }

  isLoaded(name: string): boolean {
    return this.#kept.has(name);
  }

  processId(name: string): number | undefined {
    return this.#kept.get(name)?.model.processId;
  }

  /** The model, being loaded if it was not. */
  use(name: string, file: string): LlamaModel {
    if (this.#isClosed) throw new AppError("cancelled", "the local models were closed");
    const kept = this.#kept.get(name) ?? this.#load(name, file);
    kept.usedAtMs = performance.now();
    return kept.model;
  }

  async load(model: { readonly name: string; readonly file: string; readonly keepAliveMs?: number }, signal: AbortSignal): Promise<void> {
    const { name, file, keepAliveMs } = model;
    const loading = this.use(name, file);
    const kept = this.#kept.get(name);
    if (kept !== undefined && keepAliveMs !== undefined) kept.keepAliveMs = keepAliveMs;
    await loading.loaded(signal);
    if (kept !== undefined && !loading.isBusy) this.#idle(name, kept);
  }

  async unload(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#forget(name, kept);
    const ending = kept.model.end();
    this.#ending.add(ending);
    await ending.finally(() => this.#ending.delete(ending));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#kept.keys()].map((name) => this.unload(name)));
    await Promise.all(this.#ending);
  }

  #load(name: string, file: string): Kept {
    this.#makeRoom();
    const { log, contextTokens, parallel, threads, gpu } = this.#options;
    const model = new LlamaModel(
      { file, contextTokens, parallel, threads, gpu },
      { lost: () => this.#forget(name, kept), idle: () => this.#idle(name, kept), log: (message) => log(`model "${name}": ${message}`) },
    );
    const kept: Kept = { model, keepAliveMs: this.#options.keepAliveMs, timer: undefined, usedAtMs: performance.now() };
    this.#kept.set(name, kept);
    return kept;
  }

  #makeRoom(): void {
    if (this.#kept.size < this.#options.loadedMax) return;
    const [oldest] = [...this.#kept]
      .filter(([, { model }]) => !model.isBusy)
      .toSorted(([, one], [, other]) => one.usedAtMs - other.usedAtMs);
    if (oldest === undefined)
      throw new AppError(
        "overloaded",
        `wanted at most ${this.#options.loadedMax} models in memory, got one more, and all are busy; try later, or raise the provider's loadedMax`,
      );
    // Owned by `close`; ending a process cannot fail.
    void this.unload(oldest[0]);
  }

  #idle(name: string, kept: Kept): void {
    clearTimeout(kept.timer);
    const leave = (): void => {
      // Owned by `close`; ending a process cannot fail. A busy model tells again when it is idle.
      if (!kept.model.isBusy) void this.unload(name);
    };
    kept.timer = setTimeout(leave, kept.keepAliveMs).unref();
  }

  #forget(name: string, kept: Kept): void {
    clearTimeout(kept.timer);
    if (this.#kept.get(name) === kept) this.#kept.delete(name);
  }
}
