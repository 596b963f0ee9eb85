import { AppError } from "@tutti/core";
import type { SandboxBackend, SandboxLimits, SandboxResult } from "@tutti/core/sandbox";
import type { Program } from "../backend.ts";
import { isNode } from "../shared/program.ts";
import { buildResult, NO_FILES } from "../shared/result.ts";
import type { Cell, CellKind } from "./cell.ts";
import { runInCell } from "./run-in-cell.ts";

/** Programs at the same time; more wait for their turn. */
const RUNS_MAX = 32;
const WAITING_MAX = 1_000;
/** A cell that nobody used for so long is ended: it holds memory. */
const IDLE_MS = 60_000;

/** How cells are made. `fits` says whether a cell that was started with the default limits can take these. */
export interface CellMaker {
  readonly backend: SandboxBackend;
  start(kind: CellKind, limits: SandboxLimits, signal: AbortSignal): Promise<Cell>;
  fits(limits: SandboxLimits): boolean;
}

/** A cell that is ready, or will be in a moment. */
interface Ahead {
  readonly cell: Promise<Cell>;
  readonly timer: NodeJS.Timeout;
}

/** A program, and the cell that it has got. */
interface Run {
  readonly program: Program;
  readonly used: Cell[];
}

/** Runs programs, each in a cell of its own. Keeps a few cells ready for the kinds in use; each is used once. */
export class CellPool {
  readonly #maker: CellMaker;
  readonly #limits: SandboxLimits;
  readonly #warmMax: number;
  readonly #ahead: Readonly<Record<CellKind, Set<Ahead>>> = { python: new Set(), node: new Set(), shell: new Set() };
  readonly #turns: (() => void)[] = [];
  readonly #owned = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #running = 0;

  constructor(maker: CellMaker, options: { readonly limits: SandboxLimits; readonly warmMax: number }) {
    this.#maker = maker;
    this.#limits = options.limits;
    this.#warmMax = options.warmMax;
  }

  async run(program: Program, signal: AbortSignal): Promise<SandboxResult> {
    const kind = isNode(program.language) ? "node" : program.language === "python" ? "python" : "shell";
    await this.#turn();
    const used: Cell[] = [];
    try {
      return await this.#own(this.#runNow(kind, { program, used }, AbortSignal.any([signal, this.#closing.signal])));
    } finally {
      void this.#own(this.#leave(kind, used));
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const kind of KINDS) for (const ahead of this.#ahead[kind]) this.#drop(kind, ahead);
    await Promise.allSettled(this.#owned);
  }

  async #turn(): Promise<void> {
    if (this.#closing.signal.aborted) throw new AppError("cancelled", "the sandbox is closed");
    if (this.#turns.length >= WAITING_MAX)
      throw new AppError("overloaded", `wanted a place in the sandbox, got ${WAITING_MAX} programs that wait; try again later`);
    this.#running += 1;
    if (this.#running > RUNS_MAX) await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  /** The result need not wait until what is left of its cell is removed; whoever comes next does. */
  async #leave(kind: CellKind, used: readonly Cell[]): Promise<void> {
    try {
      for (const cell of used) await cell.dispose();
    } finally {
      this.#running -= 1;
      this.#turns.shift()?.();
      this.#refill(kind);
    }
  }

  async #runNow(kind: CellKind, { program, used }: Run, signal: AbortSignal): Promise<SandboxResult> {
    const began = performance.now();
    const startMs = (): number => performance.now() - began;
    let cell: Cell;
    try {
      cell = (await this.#takeAhead(kind, program.limits)) ?? (await this.#maker.start(kind, program.limits, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      return infra(this.#maker.backend, error, startMs());
    }
    used.push(cell);
    return runInCell(cell, program, { backend: this.#maker.backend, startMs: startMs(), signal });
  }

  async #takeAhead(kind: CellKind, limits: SandboxLimits): Promise<Cell | undefined> {
    if (!this.#maker.fits(limits)) return undefined;
    const [ahead] = this.#ahead[kind];
    if (ahead === undefined) return undefined;
    this.#ahead[kind].delete(ahead);
    clearTimeout(ahead.timer);
    // One that could not start says so when the next is started, for a program that needs it.
    return ahead.cell.catch(() => undefined);
  }

  #refill(kind: CellKind): void {
    if (this.#ahead[kind].size >= this.#warmMax || this.#running > 0 || this.#closing.signal.aborted) return;
    const cell = this.#own(this.#maker.start(kind, this.#limits, this.#closing.signal));
    const ahead = { cell, timer: setTimeout(() => this.#drop(kind, ahead), IDLE_MS) };
    ahead.timer.unref();
    this.#ahead[kind].add(ahead);
    const forget = (): void => this.#drop(kind, ahead);
    cell.then(({ exited }) => exited.then(forget), forget);
  }

  /** Ends a cell that waits, unless a program has it. */
  #drop(kind: CellKind, ahead: Ahead): void {
    if (!this.#ahead[kind].delete(ahead)) return;
    clearTimeout(ahead.timer);
    void this.#own(ahead.cell.then((cell) => cell.dispose()));
  }

  /** Somebody has to wait for it: `close`. */
  #own<T>(work: Promise<T>): Promise<T> {
    this.#owned.add(work);
    const forget = (): void => void this.#owned.delete(work);
    work.then(forget, forget);
    return work;
  }
}

const KINDS: readonly CellKind[] = ["python", "node", "shell"];

/** The sandbox itself failed: that is a result, so that whoever asked can tell it from a program that failed. */
function infra(backend: SandboxBackend, error: unknown, startMs: number): SandboxResult {
  const { message } = AppError.from(error);
  const none = { text: () => "", isTruncated: () => false };
  return buildResult({
    backend,
    stopped: "infra",
    exitCode: null,
    signal: null,
    stdout: none,
    stderr: none,
    files: NO_FILES,
    usage: { startMs, wallMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
    hint: { errno: "EIO", message },
  });
}
