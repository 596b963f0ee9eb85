import { accessSync, constants } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { platform, setPriority } from "node:os";

const MEBIBYTE = 1_048_576;
/**
 * What a bare Node keeps for itself of the kernel's count of private data (it reserves 512 MiB for compiled code alone), measured on Node 24.
 * The limit stands above what a plugin may use; the watchdog ends a plugin that uses more than that.
 */
const RESERVED_MB = 700;
/** Beside the heap a process holds its code, its threads and its buffers. */
const HEAP_SHARE = 0.75;
/** `timeout` and two of bubblewrap stand before a plugin's own process. */
const DEPTH_MAX = 4;
const PAGE_BYTES = 4096;
const NANOSECONDS_PER_MS = 1e6;
/**
 * Of a plugin that has started. On Linux it weighs 15 where others weigh 1024: with a processor free it is as fast as ever, and with none free
 * it still gets on, which SCHED_IDLE would not promise. On Windows, 19 would be the class that may starve.
 */
const STARTED_NICE = platform() === "win32" ? 10 : 19;

/** A command with its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** Node's flags for a plugin: its heap, and Node's permission model, which is defence in depth and no boundary. */
export function nodeFlags({
  memoryMb,
  reads,
  writes,
}: {
  readonly memoryMb: number;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}): readonly string[] {
  return [
    `--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`,
    "--disable-warning=ExperimentalWarning",
    "--disable-sigusr1",
    "--permission",
    ...reads.map((path) => `--allow-fs-read=${path}`),
    ...writes.map((path) => `--allow-fs-write=${path}`),
  ];
}

/**
 * The command under the limits that this system can hold: a bound on memory by the kernel, no core dumps, first in line when
 * memory runs out, and an end with the host. Where there is no shell with `ulimit` (Windows), the watchdog and the priority alone hold it.
 */
export function limited(command: Command, { memoryMb }: { readonly memoryMb: number }): Command {
  if (platform() === "win32") return command;
  const dataKib = (RESERVED_MB + memoryMb) * 1024;
  const last = ["exec", alone(), dying(), '"$@"'].filter((part) => part !== "").join(" ");
  const script = `ulimit -c 0; ulimit -d ${dataKib} 2>/dev/null; { echo 1000 > /proc/self/oom_score_adj; } 2>/dev/null; ${last}`;
  return { file: "/bin/sh", args: ["-c", script, "tutti-plugin", command.file, ...command.args] };
}

/** What a process uses, with those it started; bubblewrap stands before a plugin's own. */
export interface Usage {
  readonly residentMb: number;
  /** The plugin's own process, and how long its first thread ran, and waited for a processor, since it began. */
  readonly pid: number;
  readonly ranMs: number;
  readonly waitedMs: number;
}

/** What a process uses now; `undefined` where the system does not say. */
export async function usageOf(pid: number, depth = 0): Promise<Usage | undefined> {
  if (platform() !== "linux") return undefined;
  const [memory = "", children = "", times = ""] = await Promise.all(
    ["statm", `task/${pid}/children`, "schedstat"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
  );
  const pages = Number(memory.split(" ")[1]);
  if (!Number.isFinite(pages)) return undefined;
  const [ranNs = 0, waitedNs = 0] = times.split(" ").map(Number);
  const own: Usage = {
    residentMb: (pages * PAGE_BYTES) / MEBIBYTE,
    pid,
    ranMs: ranNs / NANOSECONDS_PER_MS,
    waitedMs: waitedNs / NANOSECONDS_PER_MS,
  };
  const started =
    depth >= DEPTH_MAX
      ? []
      : children
          .split(" ")
          .map(Number)
          .filter((child) => child > 0);
  const theirs = (await Promise.all(started.map((child) => usageOf(child, depth + 1)))).filter((usage) => usage !== undefined);
  const residentMb = theirs.reduce((sum, usage) => sum + usage.residentMb, own.residentMb);
  return { ...(theirs.at(-1) ?? own), residentMb };
}

/** From now on everybody else goes before this process, with each of its threads. */
export async function stepBack(pid: number): Promise<void> {
  // The first thread first: those that it starts from now on are as it is.
  lower(pid);
  if (platform() !== "linux") return;
  // On Linux each thread has a priority of its own.
  for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) lower(Number(thread));
}

function lower(pid: number): void {
  try {
    setPriority(pid, STARTED_NICE);
  } catch {
    // It has ended, which its end tells.
  }
}

/**
 * A group of processes of its own, so that a plugin that signals its group signals nobody else. A session of its own would be one more share of
 * the processor on Linux (sched(7), autogroup): the kernel would give a plugin that spins as much as all of Tutti, whatever its priority.
 */
function alone(): string {
  return has("/usr/bin/timeout") ? "/usr/bin/timeout 0" : "";
}

/** A process that spins does not see its channel close: the kernel ends it with its parent. */
function dying(): string {
  return has("/usr/bin/setpriv") ? "/usr/bin/setpriv --pdeathsig KILL" : "";
}

function has(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
