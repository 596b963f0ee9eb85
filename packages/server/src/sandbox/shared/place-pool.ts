import { availableParallelism } from "node:os";
import { AppError } from "@tutti/core";
import type { SandboxBackend, SandboxLimits, SandboxResult } from "@tutti/core/sandbox";
import type { Program } from "../backend.ts";
import { buildResult, NO_FILES, type Ending } from "./result.ts";

/** Everything about a program's end but the backend's name and how long its place took to start. */
export type PlaceEnding = Omit<Ending, "backend" | "usage"> & { readonly usage: Omit<SandboxResult["usage"], "startMs"> };

/** Something that waits for one program and is removed after it. */
export interface Place {
  /** Runs the program to its end. Rejects when the place itself fails or `signal` aborts. */
  run(program: Program, signal: AbortSignal): Promise<PlaceEnding>;
  /** Ends whatever runs in it. May be called more than once. */
  remove(): Promise<void>;
}

type StartPlace = (kind: string, limits: SandboxLimits, signal: AbortSignal) => Promise<Place>;

/** Kinds and limits for which places are kept; those that were asked for longest ago give way. */
const POOLS_MAX = 4;
/** Programs at once; others wait their turn, at most so many. */
const RUNS_MAX = Math.max(2, availableParallelism());
const WAITING_MAX = 1_000;

/** Places started ahead, each for one program. */
export class PlacePool {
  readonly #backend: SandboxBackend;
  readonly #start: StartPlace;
  readonly #warmMax: number;
  readonly #ready = new Map<string, Promise<Place | undefined>[]>();
  readonly #closing = new AbortController();
  readonly #removing = new Set<Promise<void>>();
  readonly #turns: (() => void)[] = [];
  #running = 0;

  constructor(backend: SandboxBackend, start: StartPlace, warmMax: number) {
    this.#backend = backend;
    this.#start = start;
    this.#warmMax = warmMax;
  }

  /** Runs a program in a place of a kind, which is removed afterwards. */
  async run(kind: string, program: Program, signal: AbortSignal): Promise<SandboxResult> {
    await this.#turn();
    try {
      return await this.#runNow(kind, program, signal);
    } finally {
      this.#running -= 1;
      this.#turns.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#turns.length >= WAITING_MAX)
      throw new AppError("overloaded", `wanted a place in the sandbox, got ${WAITING_MAX} programs that wait; try again later`);
    this.#running += 1;
    if (this.#running > RUNS_MAX) await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  async #runNow(kind: string, program: Program, signal: AbortSignal): Promise<SandboxResult> {
    const began = performance.now();
    let place: Place | undefined;
    try {
      place = await this.#take(kind, program.limits, AbortSignal.any([signal, AbortSignal.timeout(program.limits.startTimeoutMs)]));
      const startMs = performance.now() - began;
      const ending = await place.run(program, signal);
      // What was stopped still has processes; nobody gets a result while they live.
      if (ending.stopped !== undefined) await place.remove();
      return buildResult({ ...ending, backend: this.#backend, usage: { ...ending.usage, startMs } });
    } catch (error) {
      if (signal.aborted) throw new AppError("cancelled", "the program's run was cancelled", { cause: error });
      return failedBy(error, this.#backend, performance.now() - began);
    } finally {
      if (place !== undefined) this.#own(place.remove());
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const waiting = [...this.#ready.values()].flat();
    this.#ready.clear();
    for (const place of await Promise.all(waiting)) if (place !== undefined) this.#own(place.remove());
    await Promise.all(this.#removing);
  }

  /** A place that waits, or a new one. Others are started while it is in use. */
  async #take(kind: string, limits: SandboxLimits, signal: AbortSignal): Promise<Place> {
    const key = JSON.stringify([kind, limits.memoryBytes, limits.cpus, limits.processesMax, limits.diskBytes]);
    const ready = this.#ready.get(key) ?? [];
    this.#ready.delete(key);
    this.#ready.set(key, ready);
    const place = (await ready.shift()) ?? (await this.#start(kind, limits, signal));
    while (ready.length < this.#warmMax && !this.#closing.signal.aborted) ready.push(this.#startAhead(kind, limits));
    this.#dropOldest();
    return place;
  }

  /** A place that could not be started ahead is started when it is needed, where its failure is told. */
  #startAhead(kind: string, limits: SandboxLimits): Promise<Place | undefined> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.startTimeoutMs)]);
    return this.#start(kind, limits, signal).catch(() => undefined);
  }

  #dropOldest(): void {
    for (const [key, places] of this.#ready) {
      if (this.#ready.size <= POOLS_MAX) return;
      this.#ready.delete(key);
      for (const place of places) this.#own(place.then((one) => one?.remove()));
    }
  }

  /** Nobody waits for a removal but `close`. */
  #own(removing: Promise<void>): void {
    const owned = removing.finally(() => this.#removing.delete(owned));
    this.#removing.add(owned);
  }
}

/** The sandbox itself failed: a result, so that whoever asked can tell it from a program that failed. */
function failedBy(error: unknown, backend: SandboxBackend, startMs: number): SandboxResult {
  const message = AppError.from(error).message;
  const silent = { text: () => "", isTruncated: () => false };
  return buildResult({
    backend,
    stopped: "infra",
    exitCode: null,
    signal: null,
    stdout: silent,
    stderr: silent,
    files: NO_FILES,
    usage: { startMs, wallMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
    hint: { errno: "EIO", message },
  });
}
