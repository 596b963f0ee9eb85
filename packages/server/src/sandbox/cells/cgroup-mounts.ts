import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import { FOLDER_PREFIX } from "../shared/folder.ts";

/** Our own cgroup, by the controllers that matter; all the same folder in version 2. */
export interface Controllers {
  readonly version: 1 | 2;
  readonly memory: string;
  readonly cpu: string;
  readonly cpuacct: string;
  readonly pids: string;
}

const NAMES = ["memory", "cpu", "cpuacct", "pids"] as const;

interface Mount {
  readonly root: string;
  readonly at: string;
  readonly type: string;
  readonly controllers: readonly string[];
}

/** Finds them, and in version 2 makes them usable. Throws `unsupported` when this process may not. */
export async function ownControllers(): Promise<Controllers> {
  const [mountInfo, own] = await Promise.all([readFile("/proc/self/mountinfo", "utf8"), readFile("/proc/self/cgroup", "utf8")]);
  const mounts = readMounts(mountInfo);
  const groups = readGroups(own);
  const unified = mounts.find(({ type }) => type === "cgroup2");
  if (unified !== undefined) {
    const path = join(unified.at, below(unified.root, groups.get("") ?? "/"));
    const available = await readFile(join(path, "cgroup.controllers"), "utf8").catch(() => "");
    if (["memory", "cpu", "pids"].every((name) => available.split(/\s/).includes(name))) {
      await delegate(path);
      return { version: 2, memory: path, cpu: path, cpuacct: path, pids: path };
    }
  }
  const [memory, cpu, cpuacct, pids] = NAMES.map((name) => versionOne(name, mounts, groups));
  if (memory === undefined || cpu === undefined || cpuacct === undefined || pids === undefined)
    throw new AppError(
      "unsupported",
      "this process has no cgroup for memory, cpu and pids; start it as a service with Delegate=yes, or as root",
    );
  return { version: 1, memory, cpu, cpuacct, pids };
}

function versionOne(name: string, mounts: readonly Mount[], groups: ReadonlyMap<string, string>): string | undefined {
  const mount = mounts.find(({ type, controllers }) => type === "cgroup" && controllers.includes(name));
  const group = groups.get(name);
  return mount === undefined || group === undefined ? undefined : join(mount.at, below(mount.root, group));
}

/** `36 35 98:0 /root /at options - type source superOptions` (proc(5)). */
function readMounts(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const [, , , root = "", at = ""] = left.split(" ");
    const [type = "", , options = ""] = right.split(" ");
    return type === "cgroup" || type === "cgroup2"
      ? [{ root, at: at.replaceAll("\\040", " "), type, controllers: options.split(",") }]
      : [];
  });
}

/** `4:memory:/path`, or `0::/path` in version 2, by controller. */
function readGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.trim().split("\n")) {
    const [, names = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names.split(",")) groups.set(name, path);
  }
  return groups;
}

/** A mount may begin below the root of its hierarchy, as in containers. */
function below(root: string, path: string): string {
  if (root === "/") return path;
  return path === root || path.startsWith(`${root}/`) ? path.slice(root.length) || "/" : "/";
}

/** A cgroup of version 2 that bounds others has no processes of its own: ours moves one level down. */
async function delegate(path: string): Promise<void> {
  const control = join(path, "cgroup.subtree_control");
  const wanted = "+memory +cpu +pids";
  try {
    await writeFile(control, wanted);
  } catch (cause) {
    try {
      const home = join(path, `${FOLDER_PREFIX}host`);
      await mkdir(home, { recursive: true });
      await writeFile(join(home, "cgroup.procs"), String(process.pid));
      await writeFile(control, wanted);
    } catch {
      throw new AppError(
        "unsupported",
        `this process may not bound others in its cgroup ${path}; start it as a service with Delegate=yes, with "systemd-run --user --scope -p Delegate=yes tutti up", or as root`,
        { cause },
      );
    }
  }
}
