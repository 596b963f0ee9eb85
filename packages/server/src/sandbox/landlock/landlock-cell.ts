import { chownSync, mkdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { SandboxLimits, SandboxResult } from "@tutti/core/sandbox";
import { LOST, type Cell, type CellExit, type CellUsage } from "../cells/cell.ts";
import { firstWords } from "../cells/first-words.ts";
import { streamsOf, type Launched, type Launcher } from "../cells/launcher.ts";
import { removeTree } from "../shared/folder.ts";
import type { Uids } from "../shared/uids.ts";
import { superviseArguments, type Place } from "./arguments.ts";

/** What a cell is started with. */
export interface CellStart {
  readonly limits: SandboxLimits;
  readonly place: Omit<Place, "box" | "uid" | "limits">;
  /** Where the folders of cells are made. */
  readonly folder: string;
  readonly uids: Uids | undefined;
  readonly launcher: Launcher;
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
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (uid !== undefined) chownSync(path, uid, uid);
  }
  const cell = new LandlockCell(box);
  try {
    const args = superviseArguments({ ...start.place, box, uid, limits: start.limits });
    await cell.start(start.launcher, args, AbortSignal.any([signal, AbortSignal.timeout(start.limits.startTimeoutMs)]));
    return cell;
  } catch (error) {
    await cell.dispose();
    throw error;
  }
}

class LandlockCell implements Cell {
  readonly #box: string;
  #launched: Launched | undefined;
  #disposing: Promise<void> | undefined;
  #said = "";
  exited: Promise<CellExit> = Promise.resolve({ exitCode: null, signal: null });

  constructor(box: string) {
    this.#box = box;
  }

  get stdio(): Cell["stdio"] {
    if (this.#launched === undefined) throw new AppError("internal", "wanted the streams of a cell, got one that was not started");
    return this.#launched;
  }

  get folder(): string {
    return join(this.#box, "work");
  }

  async start(launcher: Launcher, args: readonly string[], signal: AbortSignal): Promise<void> {
    const env = {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: join(this.#box, "home"),
      TMPDIR: join(this.#box, "tmp"),
      LANG: "C.UTF-8",
      // Its number stands in no list of accounts.
      LOGNAME: "sandbox",
      OPENSSL_CONF: "/dev/null",
    };
    // The supervisor needs its own number to end everything, and gives the program another one.
    const launched = await launcher.start({ command: ["/usr/bin/perl", ...args], env, uid: undefined }, signal);
    this.#launched = launched;
    const { said, stderr, exited } = launched;
    said.on("data", (bytes: Buffer) => (this.#said += bytes.toString()));
    this.exited = exited.then((exit) => this.#programExit(exit, said));
    await firstWords(said, { name: "the supervisor", exited, stderr }, signal);
  }

  async confine(): Promise<void> {
    // Its limits were set when it was started; now there is something to watch.
    this.#launched?.orders?.write("go\n");
  }

  kill(): void {
    this.#launched?.orders?.write("kill\n");
  }

  async gone(): Promise<void> {
    // What started the supervisor may have ended before it did.
    await this.exited;
  }

  async usage(): Promise<CellUsage> {
    const [, why = "", , , cpuMs = "0", peak = "0"] = END.exec(this.#said) ?? [];
    if (why === "") return { cpuMs: 0, memoryPeakBytes: 0, stopped: "infra", hint: LOST };
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
    await this.exited;
    for (const stream of streamsOf(this.#launched)) stream.destroy();
    await removeTree(this.#box);
  }

  /** The supervisor ends after its program, and says how that ended; if it says nothing, somebody ended it. */
  async #programExit(exit: CellExit, said: Launched["said"]): Promise<CellExit> {
    if (!END.test(this.#said)) await new Promise<void>((resolve) => (said.readableEnded ? resolve() : said.once("close", resolve)));
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
