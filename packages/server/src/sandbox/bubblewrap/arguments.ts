import { lstatSync, readlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { JailSpec, SandboxLimits } from "@tutti/core/sandbox";
import { nodeFlags, type CellKind } from "../cells/cell.ts";
import type { Tools } from "../shared/runners.ts";

/** Where things are inside. One file system of a bounded size holds everything that can be written. */
export const INSIDE = {
  box: "/box",
  work: "/box/work",
  home: "/box/home",
  temporary: "/box/tmp",
  tools: "/opt/tutti",
  node: "/opt/tutti-node/node",
  socket: "/run/tutti.sock",
} as const;

/** Numbers inside; outside it is another one for each run. */
const UID_INSIDE = "1000";

/** The whole environment of a program. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/opt/tutti-node:/usr/local/bin:/usr/bin:/bin",
  HOME: INSIDE.home,
  TMPDIR: INSIDE.temporary,
  LANG: "C.UTF-8",
};

/** Folders that hold no secrets and that programs need; each only where there is one. */
const SYSTEM_FOLDERS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] as const;
const SYSTEM_PARTS = ["/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/matplotlibrc"] as const;

/** The descriptors that bubblewrap is given beside the standard ones. A jail's waits for a word on the first and tells its number on the second; in a cell both are the program's. */
const DESCRIPTORS = { block: "3", info: "4", filter: "5" } as const;

/** Namespaces: all of them, and no further ones inside. */
function isolation(): readonly string[] {
  return [
    // Said apart from --unshare-all, which only tries; --disable-userns needs it.
    ["--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session"],
    ["--uid", UID_INSIDE, "--gid", UID_INSIDE, "--hostname", "sandbox", "--cap-drop", "ALL"],
  ].flat();
}

/** What a program sees of the system: programs and libraries, nothing that tells about this machine or its people. */
function system(accounts: string): readonly string[] {
  return [
    ["--ro-bind", "/usr", "/usr"],
    ...SYSTEM_FOLDERS.map(systemFolder),
    ...SYSTEM_PARTS.map((path) => ["--ro-bind-try", path, path]),
    ["--ro-bind", join(accounts, "passwd"), "/etc/passwd"],
    ["--ro-bind", join(accounts, "group"), "/etc/group"],
    ["--proc", "/proc", "--dev", "/dev"],
  ].flat();
}

/** Everything that can be written, in one file system of this size; shared memory is bounded by its own and by memory. */
function box(diskBytes: number): readonly string[] {
  const size = String(diskBytes);
  return [
    ["--size", size, "--tmpfs", INSIDE.box, "--dir", INSIDE.work, "--dir", INSIDE.home, "--dir", INSIDE.temporary],
    ["--symlink", INSIDE.temporary, "/tmp", "--dir", "/var", "--symlink", INSIDE.temporary, "/var/tmp"],
    ["--size", size, "--tmpfs", "/dev/shm"],
  ].flat();
}

/** bubblewrap's own root is a file system that can be written, without a bound; this comes last. */
const SEALED = ["--remount-ro", "/dev", "--remount-ro", "/"] as const;

/** The arguments of bubblewrap for a jail: like a cell, with the folders and the socket that it may see. */
export function jailArguments(spec: JailSpec, { tools, accounts, limits }: CellParts): readonly string[] {
  const { command, args, mounts = [], cwd = INSIDE.home, volume, socketPath } = spec;
  // Blocks of 512 bytes: one file may fill the volume, no more.
  const fileSize = volume === undefined ? "" : `ulimit -f ${Math.ceil(volume.quotaBytes / 512)}; `;
  return [
    isolation(),
    ["--info-fd", DESCRIPTORS.info, "--block-fd", DESCRIPTORS.block, "--seccomp", DESCRIPTORS.filter],
    system(accounts),
    ["--ro-bind", tools.node, INSIDE.node],
    box(limits.diskBytes),
    volume === undefined ? [] : ["--bind", resolve(volume.path), INSIDE.home],
    ...mounts.map(({ from, to, isWritable }) => [isWritable ? "--bind" : "--ro-bind", resolve(from), behindLinks(to)]),
    socketPath === undefined ? [] : ["--bind", resolve(socketPath), INSIDE.socket],
    SEALED,
    ["--chdir", cwd, "--", "/bin/sh", "-c", `ulimit -c 0; ${fileSize}exec "$@"`, "sh"],
    [command === process.execPath ? INSIDE.node : command, ...args],
  ].flat();
}

/** Where a path is inside. `/tmp` and `/var/tmp` are links there, and bubblewrap mounts on no path that leads through one. */
function behindLinks(path: string): string {
  const link = ["/tmp", "/var/tmp"].find((folder) => path === folder || path.startsWith(`${folder}/`));
  return link === undefined ? path : INSIDE.temporary + path.slice(link.length);
}

interface CellParts {
  readonly tools: Tools;
  readonly accounts: string;
  readonly limits: SandboxLimits;
}

/** The arguments of bubblewrap for a cell of a kind. */
export function cellArguments(kind: CellKind, { tools, accounts, limits }: CellParts): readonly string[] {
  return [
    isolation(),
    ["--seccomp", DESCRIPTORS.filter],
    system(accounts),
    ["--ro-bind", tools.runners, INSIDE.tools, "--ro-bind", tools.node, INSIDE.node],
    box(limits.diskBytes),
    SEALED,
    ["--chdir", INSIDE.work, "--"],
    command(kind, tools),
  ].flat();
}

function command(kind: CellKind, tools: Tools): readonly string[] {
  switch (kind) {
    case "python":
      return [tools.python ?? "python3", "-s", "-S", "-B", `${INSIDE.tools}/run.py`];
    case "node":
      return [INSIDE.node, ...nodeFlags, `${INSIDE.tools}/run.cjs`];
    case "shell":
      return ["/bin/sh", `${INSIDE.tools}/run.sh`];
  }
}

function systemFolder(path: string): readonly string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path];
}
