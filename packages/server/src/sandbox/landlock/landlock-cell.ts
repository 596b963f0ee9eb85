import { spawn, type ChildProcess } from "node:child_process";
import { chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex, Readable, Writable } from "node:stream";
import { AppError } from "@tutti/core";
import type { SandboxLimits, SandboxResult } from "@tutti/core/sandbox";
import { exitOf, type Cell, type CellExit, type CellUsage } from "../cells/cell.ts";
import { firstWords } from "../cells/first-words.ts";
import type { Uids } from "../shared/uids.ts";
import { superviseArguments, type Place } from "./arguments.ts";

/** What a cell is started with. */
export interface CellStart {
  readonly limits: SandboxLimits;
  readonly place: Omit<Place, "box" | "uid" | "limits">;
  /** Where the folders of cells are made. */
  readonly folder: string;
  readonly uids: Uids | undefined;
}

/** What the supervisor says last: why, exit code, signal, milliseconds of CPU, the most memory. */
const END = /^end (\w+) (\d+) (\d+) (\d+) (\d+)$/m;

/** What the supervisor ends a program for that no `SandboxReason` names. */
const HINTS: Readonly<Record<string, NonNullable<SandboxResult["hint"]>>> = {
  disk: { errno: "ENOSPC", message: "its folders are full; raise diskBytes" },
  processes: { errno: "EAGAIN", message: "it has more processes than it may; raise processesMax" },
};

/** Starts the supervisor with a runner under it, and resolves when that waits for a program. */
export async function startCell(start: CellStart, signal: AbortSignal): Promise<Cell> {
  const box = await mkdtemp(join(start.folder, "cell-"));
  const uid = start.uids?.next();
  for (const path of [box, ...["work", "home", "tmp"].map((name) => join(box, name))]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (uid !== undefined) await chown(path, uid, uid);
  }
  const cell = new LandlockCell(box, superviseArguments({ ...start.place, box, uid, limits: start.limits }));
  try {
    await cell.ready(AbortSignal.any([signal, AbortSignal.timeout(start.limits.startTimeoutMs)]));
    return cell;
  } catch (error) {
    await cell.dispose();
    throw error;
  }
}

class LandlockCell implements Cell {
  readonly #box: string;
  readonly #child: ChildProcess;
  readonly #supervisor: Promise<CellExit>;
  #disposing: Promise<void> | undefined;
  #said = "";
  readonly exited: Promise<CellExit>;

  constructor(box: string, args: readonly string[]) {
    this.#box = box;
    this.#child = spawn("/usr/bin/perl", args, {
      stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"],
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin",
        HOME: join(box, "home"),
        TMPDIR: join(box, "tmp"),
        LANG: "C.UTF-8",
        OPENSSL_CONF: "/dev/null",
      },
    });
    for (const stream of this.#child.stdio) stream?.on("error", () => {});
    this.#supervisor = exitOf(this.#child);
    this.#channel.on("data", (bytes: Buffer) => (this.#said += bytes.toString()));
    this.exited = this.#supervisor.then((exit) => this.#programExit(exit));
  }

  get stdio(): Cell["stdio"] {
    const [stdin, stdout, stderr, control] = this.#child.stdio;
    return { stdin, stdout, stderr, control } as { stdin: Writable; stdout: Readable; stderr: Readable; control: Writable };
  }

  get folder(): string {
    return join(this.#box, "work");
  }

  get #channel(): Duplex {
    return this.#child.stdio[4] as Duplex;
  }

  async ready(signal: AbortSignal): Promise<void> {
    const stdio = this.stdio;
    await firstWords(stdio.control as Duplex, { name: "the supervisor", exited: this.#supervisor, stderr: stdio.stderr }, signal);
  }

  async confine(): Promise<void> {
    // Its limits were set when it was started; now there is something to watch.
    this.#channel.write("go\n");
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#channel.write("kill\n");
  }

  async gone(): Promise<void> {
    await this.#supervisor;
  }

  async usage(): Promise<CellUsage> {
    const [, why = "", , , cpuMs = "0", peak = "0"] = END.exec(this.#said) ?? [];
    const hint = HINTS[why];
    const stopped = why === "oom" ? "oom" : hint === undefined ? undefined : "policy";
    return { cpuMs: Number(cpuMs), memoryPeakBytes: Number(peak), stopped, ...(hint === undefined ? {} : { hint }) };
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    this.kill();
    if (this.#child.pid !== undefined) await this.#supervisor;
    for (const stream of this.#child.stdio) stream?.destroy();
    await rm(this.#box, { recursive: true, force: true });
  }

  /** The supervisor ends after its program, and says how that ended; if it says nothing, somebody ended it. */
  async #programExit(exit: CellExit): Promise<CellExit> {
    if (!END.test(this.#said))
      await new Promise<void>((resolve) => (this.#channel.readableEnded ? resolve() : this.#channel.once("close", resolve)));
    const [, , exitCode, signal] = END.exec(this.#said) ?? [];
    if (exitCode === undefined) return exit;
    // As a shell says it; whoever builds the result names the signal.
    return { exitCode: signal === "0" ? Number(exitCode) : 128 + Number(signal), signal: null };
  }
}

/** Whether this machine has what the supervisor is written in. */
export function checkProcessor(architecture: string): "x64" | "arm64" {
  if (architecture === "x64" || architecture === "arm64") return architecture;
  throw new AppError("unsupported", `wanted an x64 or arm64 processor, got ${architecture}`);
}
