import { join } from "node:path";
import type { SandboxLimits } from "@tutti/core/sandbox";
import { nodeFlags, type CellKind } from "../cells/cell.ts";
import type { Tools } from "../shared/runners.ts";

/** What a program of a cell may touch and use. */
export interface Place {
  readonly kind: CellKind;
  readonly tools: Tools;
  readonly architecture: "x64" | "arm64";
  readonly filter: string;
  /** The folder that holds its working folder, its home and its temporary folder. */
  readonly box: string;
  readonly uid: number | undefined;
  readonly limits: SandboxLimits;
}

const SYSTEM = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/localtime",
  "/etc/fonts",
  "/etc/matplotlibrc",
] as const;
const DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"] as const;
const READABLE_FACTS = ["/proc/meminfo", "/proc/cpuinfo", "/proc/sys/vm/overcommit_memory"] as const;

const MEBIBYTE = 1_048_576;
/**
 * The watch holds memory; this bound of each process holds what is faster than the watch. It leaves the watch time to see who goes too far, or a child
 * would be told that there is no more, and end without its program. Node's own heaps and stacks are reserved, not used.
 */
const DATA_MARGIN_BYTES: Readonly<Record<CellKind, number>> = { python: 256 * MEBIBYTE, node: 1_024 * MEBIBYTE, shell: 256 * MEBIBYTE };

/** The arguments of the supervisor. */
export function superviseArguments({ kind, tools, architecture, filter, box, uid, limits }: Place): readonly string[] {
  const path = (name: string): string => join(tools.runners, name);
  return [
    [path("supervise.pl"), "--arch", architecture, "--filter", filter, "--box", box, "--cwd", join(box, "work")],
    uid === undefined ? [] : ["--uid", String(uid)],
    ["--memory", String(limits.memoryBytes), "--data", String(limits.memoryBytes + DATA_MARGIN_BYTES[kind])],
    ["--disk", String(limits.diskBytes), "--processes", String(limits.processesMax)],
    ...[...SYSTEM, ...READABLE_FACTS, tools.runners, tools.node].map((name) => ["--read", name]),
    ...DEVICES.map((name) => ["--device", name]),
    ["--write", join(box, "work"), "--write", join(box, "home"), "--write", join(box, "tmp"), "--"],
    command(kind, tools, path),
  ].flat();
}

function command(kind: CellKind, tools: Tools, path: (name: string) => string): readonly string[] {
  switch (kind) {
    case "python":
      return [tools.python ?? "/usr/bin/python3", "-s", "-S", "-B", path("run.py")];
    case "node":
      return [tools.node, ...nodeFlags, path("run.cjs")];
    case "shell":
      return ["/bin/sh", path("run.sh")];
  }
}
