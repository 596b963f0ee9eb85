import { AppError, type Json } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import type { ToolDescription } from "./protocol.ts";
import {
  startPluginProcess,
  type PluginCall,
  type PluginProcess,
  type PluginServices,
  type ProcessEnd,
  type ProcessSpec,
} from "./run-process.ts";

const BACKOFF = { delayMs: 250, delayMaxMs: 15_000 };
/** So many ends within this time are a loop: the plugin stays down until somebody mends or enables it. */
const CRASHES_MAX = 5;
const CRASHES_WITHIN_MS = 60_000;

/** How a plugin's process is now. */
export type RunnerState =
  | { readonly status: "running"; readonly pid: number }
  | { readonly status: "restarting"; readonly end: ProcessEnd }
  | { readonly status: "crash loop"; readonly end: ProcessEnd }
  | { readonly status: "stopped" };

/** What is told of a plugin's process: that it ended by itself, and what follows. Listeners must not throw. */
export type RunnerListener = (state: Exclude<RunnerState, { readonly status: "stopped" }>) => void;

/** Keeps one plugin's process alive: starts it again after it ended, later each time, and no more when it crashes in a loop. */
export class PluginRunner {
  readonly #spec: ProcessSpec;
  readonly #services: PluginServices;
  readonly #listener: RunnerListener;
  readonly #stopping = new AbortController();
  #process: PluginProcess;
  #state: RunnerState;
  #restart: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  readonly #crashesAtMs: number[] = [];
  #restarts = 0;

  private constructor(
    first: PluginProcess,
    parts: { readonly spec: ProcessSpec; readonly services: PluginServices; readonly listener: RunnerListener },
  ) {
    this.#spec = parts.spec;
    this.#services = parts.services;
    this.#listener = parts.listener;
    this.#process = first;
    this.#state = { status: "running", pid: first.pid };
    this.#follow(first);
  }

  /** The first start must work; throws why when it does not. */
  static async start(
    parts: { readonly spec: ProcessSpec; readonly services: PluginServices; readonly listener: RunnerListener },
    signal: AbortSignal,
  ): Promise<PluginRunner> {
    return new PluginRunner(await startPluginProcess(parts.spec, parts.services, signal), parts);
  }

  get state(): RunnerState {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get tools(): readonly ToolDescription[] {
    return this.#process.brought.tools;
  }

  /** What does not hold of the wall around its process, in words. */
  get gaps(): readonly string[] {
    return this.#process.gaps;
  }

  /** What it printed last. */
  get output(): string {
    return this.#process.output.text;
  }

  async call(request: PluginCall, signal: AbortSignal): Promise<Json> {
    const { name } = this.#spec;
    switch (this.#state.status) {
      case "running":
        return this.#process.call(request, signal);
      case "restarting":
        throw new AppError("overloaded", `the plugin ${name} is being started again, because ${this.#state.end.message}; try again`);
      case "crash loop":
        throw new AppError(
          "crash_loop",
          `the plugin ${name} ended ${CRASHES_MAX} times within a minute, the last time because ${this.#state.end.message}; mend it, or \`tutti plugins enable ${name}\` to try again`,
        );
      case "stopped":
        throw new AppError("not_found", `the plugin ${name} was taken away`);
    }
  }

  /** Ends the process for good; calls under way may finish for up to `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#state = { status: "stopped" };
    clearTimeout(this.#restart);
    this.#stopping.abort(new AppError("cancelled", "the plugin is stopped"));
    await this.#starting;
    await this.#process.stop(graceMs);
  }

  #follow(process: PluginProcess): void {
    // It never rejects.
    void process.ended.then((end) => {
      if (this.#process === process && this.#state.status !== "stopped") this.#crashed(end);
    });
  }

  #crashed(end: ProcessEnd): void {
    const nowMs = performance.now();
    this.#crashesAtMs.push(nowMs);
    while (nowMs - (this.#crashesAtMs[0] ?? nowMs) > CRASHES_WITHIN_MS) this.#crashesAtMs.shift();
    if (this.#crashesAtMs.length >= CRASHES_MAX) {
      this.#tell({ status: "crash loop", end });
      return;
    }
    this.#tell({ status: "restarting", end });
    // Half of it is certain: with full jitter the first restarts could follow at once.
    const delayMs = backoffMs(this.#crashesAtMs.length, BACKOFF, 0.5 + Math.random() / 2);
    this.#restart = setTimeout(() => (this.#starting = this.#startAgain()), delayMs);
    this.#restart.unref();
  }

  async #startAgain(): Promise<void> {
    try {
      const next = await startPluginProcess(this.#spec, this.#services, this.#stopping.signal);
      this.#process = next;
      this.#restarts += 1;
      if (this.#state.status === "stopped") return;
      this.#tell({ status: "running", pid: next.pid });
      this.#follow(next);
    } catch (thrown) {
      if (this.#state.status !== "stopped") this.#crashed({ how: "exit", message: AppError.from(thrown).message });
    }
  }

  #tell(state: Exclude<RunnerState, { readonly status: "stopped" }>): void {
    this.#state = state;
    this.#listener(state);
  }
}
