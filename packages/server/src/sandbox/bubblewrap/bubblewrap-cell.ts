import { readFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { setImmediate as immediate, setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import type { SandboxLimits } from "@tutti/core/sandbox";
import { LOST, type Cell, type CellExit, type CellUsage } from "../cells/cell.ts";
import type { Cgroup, Cgroups } from "../cells/cgroups.ts";
import { firstWords } from "../cells/first-words.ts";
import { streamsOf, type Launched, type Launcher } from "../cells/launcher.ts";
import { isAlive } from "../shared/folder.ts";
import type { Uids } from "../shared/uids.ts";
import { ENVIRONMENT, INSIDE } from "./arguments.ts";

/** What a cell is started with. */
export interface CellStart {
  readonly args: readonly string[];
  readonly limits: SandboxLimits;
  /** The file that holds the seccomp filter. */
  readonly filter: string;
  readonly cgroups: Cgroups;
  readonly uids: Uids | undefined;
  readonly launcher: Launcher;
}

const CHILD_PID = /"child-pid"\s*:\s*(\d+)/;
const GONE_TRIES_MAX = 500;
const GONE_DELAY_MS = 2;
const GONE_QUICK_TRIES = 20;

/** Starts bubblewrap with a runner in it, and resolves when that waits for a program. */
export async function startCell(start: CellStart, signal: AbortSignal): Promise<Cell> {
  const cell = new BubblewrapCell(await start.cgroups.create(start.limits));
  try {
    await cell.start(start, AbortSignal.any([signal, AbortSignal.timeout(start.limits.startTimeoutMs)]));
    return cell;
  } catch (error) {
    await cell.dispose();
    throw error;
  }
}

class BubblewrapCell implements Cell {
  readonly #cgroup: Cgroup;
  #launched: Launched | undefined;
  #inner: number | undefined;
  #folder: FileHandle | undefined;
  #disposing: Promise<void> | undefined;
  #isOver = false;
  exited: Promise<CellExit> = Promise.resolve({ exitCode: null, signal: null });

  constructor(cgroup: Cgroup) {
    this.#cgroup = cgroup;
  }

  get stdio(): Cell["stdio"] {
    if (this.#launched === undefined) throw new AppError("internal", "wanted the streams of a cell, got one that was not started");
    return this.#launched;
  }

  get folder(): string {
    return `/proc/self/fd/${this.#folder?.fd ?? -1}`;
  }

  async start({ args, filter, uids, launcher }: CellStart, signal: AbortSignal): Promise<void> {
    const command = ["bwrap", ...args];
    const launched = await launcher.start(
      { command, env: ENVIRONMENT, uid: uids?.next(), cgroup: this.#cgroup.entry, file: filter },
      signal,
    );
    this.#launched = launched;
    this.exited = launched.exited;
    void launched.exited.then(() => (this.#isOver = true));
    try {
      await firstWords(launched.said, { name: "bubblewrap", exited: this.exited, stderr: launched.stderr }, signal);
    } catch (error) {
      throw explained(error);
    }
    const inner = childOf(launched.pid);
    if (inner === undefined) throw new AppError("unsupported", "wanted the first process of a cell, got none; it ended at once");
    this.#inner = inner;
    this.#folder = await open(`/proc/${inner}/root${INSIDE.work}`, "r");
  }

  confine(limits: SandboxLimits): Promise<void> {
    return this.#cgroup.confine(limits);
  }

  kill(): void {
    // The first process of a space of process numbers takes all others with it.
    if (this.#inner !== undefined) killFirst(this.#inner);
    if (this.#launched !== undefined && !this.#isOver) killNow(this.#launched.pid);
  }

  async gone(): Promise<void> {
    // The kernel takes milliseconds to end the first process, whose mounts go with it. Of the program nothing runs once it is alone.
    if (this.#inner !== undefined && !this.#isAlone()) await endOf(this.#inner);
  }

  #isAlone(): boolean {
    const own = [0, this.#inner, this.#launched?.pid];
    return this.#cgroup.processes().every((pid) => own.includes(pid));
  }

  async usage(): Promise<CellUsage> {
    const { cpuMs, memoryPeakBytes, wasOutOfMemory } = this.#cgroup.usage();
    const used = { cpuMs, memoryPeakBytes };
    if (wasOutOfMemory || this.#launched?.wasOutOfMemory() === true) return { ...used, stopped: "oom" };
    return this.#launched?.isLost() === true ? { ...used, stopped: "infra", hint: LOST } : { ...used, stopped: undefined };
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    this.kill();
    await this.exited;
    if (this.#inner !== undefined) await endOf(this.#inner);
    await this.#folder?.close();
    for (const stream of streamsOf(this.#launched)) stream.destroy();
    await this.#cgroup.remove();
  }
}

/** The first process in a cell, as the kernel knows it. */
function childOf(pid: number): number | undefined {
  try {
    const [first = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return first === "" ? undefined : Number(first);
  } catch {
    return undefined;
  }
}

/** The number of the first process in a cell, from what bubblewrap tells of it. */
export function readPid(info: string): number {
  const pid = Number(CHILD_PID.exec(info)?.[1] ?? Number.NaN);
  if (Number.isInteger(pid)) return pid;
  throw new AppError(
    "unsupported",
    `wanted the number of bubblewrap's process, got ${JSON.stringify(info.slice(0, 100))}; install bubblewrap 0.8 or later`,
  );
}

/** Whether a number is still that of the first process in a cell; a zombie has nothing left that runs. */
function isBubblewrap(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.startsWith(`${pid} (bwrap)`) && !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** Ends everything in a cell or a jail by its first process. */
export function killFirst(pid: number): void {
  try {
    if (isBubblewrap(pid)) process.kill(pid, "SIGKILL");
  } catch {
    // It was gone already.
  }
}

/** Ends the outer process, which may not have become bubblewrap yet. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was gone already, and is told of in a moment.
  }
}

/** Resolves when the first process is gone, and with it all others. */
export async function endOf(pid: number): Promise<void> {
  for (let tries = 0; tries < GONE_TRIES_MAX; tries += 1) {
    if (!isBubblewrap(pid)) return;
    // Nearly always it is gone by the time that anybody has looked.
    await (tries < GONE_QUICK_TRIES ? immediate() : delay(GONE_DELAY_MS));
  }
}

/** Adds what helps when the system forbids namespaces. */
export function explained(error: unknown): unknown {
  if (
    !(error instanceof AppError) ||
    !/(?<!source path .*)Permission denied|Operation not permitted|No permissions|Creating new namespace failed/.test(error.message)
  )
    return error;
  const how =
    "this system forbids namespaces to ordinary users: on Ubuntu allow them with an AppArmor profile for bwrap (docs/sandbox.md), in a container with --security-opt seccomp=unconfined, or start Tutti as root";
  return new AppError("unsupported", `${error.message}; ${how}`, { cause: error });
}
