import { accessSync, constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { platform } from "node:os";

const MEBIBYTE = 1_048_576;
/**
 * What a bare Node keeps for itself of the kernel's count of private data (it reserves 512 MiB for compiled code alone), measured on Node 24.
 * The limit stands above what a plugin may use; the watchdog ends a plugin that uses more than that.
 */
const RESERVED_MB = 700;
/** Beside the heap a process holds its code, its threads and its buffers. */
const HEAP_SHARE = 0.75;
/** Plugins get what the host leaves over. With 15, a busy plugin gets about a thirtieth of a core that the host wants too. */
const NICENESS = 15;
/** Two of bubblewrap stand before a plugin's own process. */
const DEPTH_MAX = 3;
const PAGE_BYTES = 4096;

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
 * The command under the limits that this system can hold: a bound on memory by the kernel, no core dumps, a low priority, first in line when
 * memory runs out, and an end with the host. Where there is no shell with `ulimit` (Windows), the watchdog and the priority alone hold it.
 */
export function limited(command: Command, { memoryMb }: { readonly memoryMb: number }): Command {
  if (platform() === "win32") return command;
  const dataKib = (RESERVED_MB + memoryMb) * 1024;
  const last = ["exec", has("/usr/bin/nice") ? `/usr/bin/nice -n ${NICENESS}` : "", dying(), '"$@"']
    .filter((part) => part !== "")
    .join(" ");
  const script = `ulimit -c 0; ulimit -d ${dataKib} 2>/dev/null; { echo 1000 > /proc/self/oom_score_adj; } 2>/dev/null; ${last}`;
  return { file: "/bin/sh", args: ["-c", script, "tutti-plugin", command.file, ...command.args] };
}

/** What of a process and those it started is in memory now (bubblewrap stands before a plugin's own); `undefined` where the system does not say. */
export async function residentMb(pid: number, depth = 0): Promise<number | undefined> {
  if (platform() !== "linux") return undefined;
  const [text, children] = await Promise.all(
    ["statm", `task/${pid}/children`].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
  );
  const pages = Number(text?.split(" ")[1]);
  if (!Number.isFinite(pages)) return undefined;
  const started =
    depth >= DEPTH_MAX
      ? []
      : (children ?? "")
          .split(" ")
          .map(Number)
          .filter((child) => child > 0);
  const theirs = await Promise.all(started.map((child) => residentMb(child, depth + 1)));
  return theirs.reduce<number>((sum, one) => sum + (one ?? 0), (pages * PAGE_BYTES) / MEBIBYTE);
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
