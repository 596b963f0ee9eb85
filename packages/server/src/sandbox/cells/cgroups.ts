import { readFileSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxLimits } from "@tutti/core/sandbox";
import { ownName } from "../shared/folder.ts";
import { ownControllers, type Controllers } from "./cgroup-mounts.ts";

/** Where this process may make cgroups. */
export interface Cgroups {
  /** "cgroup v1" or "cgroup v2". */
  readonly version: string;
  /** The folders that hold all of ours, for whoever cleans up after us. */
  readonly folders: readonly string[];
  create(limits: SandboxLimits): Promise<Cgroup>;
  close(): Promise<void>;
}

/** How a process begins in a group rather than being moved there, for which the kernel takes its time. */
export interface CgroupEntry {
  /** Files to which a process of one thread writes "0" for itself: version 1. */
  readonly joins: readonly string[];
  /** The folder that it is forked into: version 2. Empty in version 1. */
  readonly into: string;
  /** The folder of version 1 that tells when it is out of memory, because there the kernel ends one process only. Empty in version 2. */
  readonly memory: string;
}

/** Bounds for one process and all that come from it, held by the kernel. */
export interface Cgroup {
  readonly entry: CgroupEntry;
  /** The processes in it that have not ended. */
  processes(): readonly number[];
  /** Moves a process that runs already. */
  add(pid: number): Promise<void>;
  confine(limits: SandboxLimits): Promise<void>;
  usage(): { readonly cpuMs: number; readonly memoryPeakBytes: number; readonly wasOutOfMemory: boolean };
  /** Ends what is still in it, waits until it is empty, and removes it. */
  remove(): Promise<void>;
}

/** What differs between the two versions: where each bound stands and how it is written. */
interface Dialect {
  readonly bounds: (limits: SandboxLimits) => readonly (readonly [controller: keyof Controllers, file: string, value: string])[];
  readonly cpuMs: (read: Reader) => number;
  readonly memoryPeakBytes: (read: Reader) => number;
  readonly outOfMemory: (read: Reader) => boolean;
}

type Reader = (controller: keyof Controllers, file: string) => string;

/** The limits that a cgroup holds. */
const BOUNDED = ["memoryBytes", "cpus", "processesMax"] as const;

const CPU_PERIOD_US = 100_000;
/** bubblewrap, outside and as the first process inside, and the program itself. */
const OWN_PROCESSES = 3;
const REMOVE_TRIES_MAX = 100;
const REMOVE_DELAY_MS = 10;

const V1: Dialect = {
  bounds: (limits) => [
    ["memory", "memory.limit_in_bytes", String(limits.memoryBytes)],
    ["memory", "memory.memsw.limit_in_bytes", String(limits.memoryBytes)],
    ["cpu", "cpu.cfs_quota_us", cpuQuota(limits)],
    ["pids", "pids.max", String(limits.processesMax + OWN_PROCESSES)],
  ],
  cpuMs: (read) => Number(read("cpuacct", "cpuacct.usage")) / 1_000_000,
  memoryPeakBytes: (read) => Number(read("memory", "memory.max_usage_in_bytes")),
  outOfMemory: (read) => /^oom_kill [1-9]/m.test(read("memory", "memory.oom_control")),
};

const V2: Dialect = {
  bounds: (limits) => [
    ["memory", "memory.max", String(limits.memoryBytes)],
    ["memory", "memory.swap.max", "0"],
    ["memory", "memory.oom.group", "1"],
    ["cpu", "cpu.max", `${cpuQuota(limits)} ${CPU_PERIOD_US}`],
    ["pids", "pids.max", String(limits.processesMax + OWN_PROCESSES)],
  ],
  cpuMs: (read) => Number(/^usage_usec (\d+)/m.exec(read("cpu", "cpu.stat"))?.[1] ?? 0) / 1_000,
  memoryPeakBytes: (read) => Number(read("memory", "memory.peak")),
  outOfMemory: (read) => /^oom_kill [1-9]/m.test(read("memory", "memory.events")),
};

/** Files that not every kernel has: what they bound is bounded elsewhere too, or there is nothing to bound (no swap). */
const OPTIONAL: ReadonlySet<string> = new Set(["memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group", "memory.peak"]);

/** Sandboxes of one process: each has groups of its own. */
let openings = 0;

/** Cgroups below our own, where this process may make some; throws what is in the way. */
export async function openCgroups(found?: Controllers): Promise<Cgroups> {
  const controllers = found ?? (await ownControllers());
  const dialect = controllers.version === 2 ? V2 : V1;
  openings += 1;
  const opening = openings;
  const name = `${await ownName()}-${opening}`;
  const paths = [...new Set([controllers.memory, controllers.cpu, controllers.cpuacct, controllers.pids])].map((path) => join(path, name));
  for (const path of paths) await mkdir(path, { recursive: true });
  if (controllers.version === 2) for (const path of paths) await writeFile(join(path, "cgroup.subtree_control"), "+memory +cpu +pids");
  let count = 0;
  return {
    version: `cgroup v${controllers.version}`,
    folders: paths,
    async create(limits) {
      count += 1;
      const group = new OpenCgroup(controllers, join(name, String(count)), dialect);
      await group.make();
      try {
        await group.confine(limits);
      } catch (error) {
        await group.remove();
        throw error;
      }
      return group;
    },
    async close() {
      for (const path of paths) await removeFolder(path);
    },
  };
}

class OpenCgroup implements Cgroup {
  readonly #controllers: Controllers;
  readonly #name: string;
  readonly #dialect: Dialect;
  readonly #paths: readonly string[];
  #limits: SandboxLimits | undefined;

  constructor(controllers: Controllers, name: string, dialect: Dialect) {
    this.#controllers = controllers;
    this.#name = name;
    this.#dialect = dialect;
    this.#paths = [...new Set([controllers.memory, controllers.cpu, controllers.cpuacct, controllers.pids])].map((path) =>
      join(path, name),
    );
  }

  get entry(): CgroupEntry {
    const { version, memory } = this.#controllers;
    if (version === 2) return { joins: [], into: join(memory, this.#name), memory: "" };
    return { joins: this.#paths.map((path) => join(path, "tasks")), into: "", memory: join(memory, this.#name) };
  }

  async make(): Promise<void> {
    await Promise.all(this.#paths.map((path) => mkdir(path)));
  }

  async add(pid: number): Promise<void> {
    await Promise.all(this.#paths.map((path) => writeFile(join(path, "cgroup.procs"), String(pid))));
  }

  processes(): readonly number[] {
    return readFileSync(this.#file("memory", "cgroup.procs"), "utf8").trim().split("\n").map(Number);
  }

  async confine(limits: SandboxLimits): Promise<void> {
    const isSame = this.#limits !== undefined && BOUNDED.every((name) => this.#limits?.[name] === limits[name]);
    if (isSame) return;
    const isLower = this.#limits !== undefined && limits.memoryBytes < this.#limits.memoryBytes;
    const bounds = this.#dialect.bounds(limits);
    // Memory may never be bounded more loosely than memory with swap, so which of the two goes first depends on the direction.
    const ordered = isLower || this.#limits === undefined ? bounds : bounds.toReversed();
    for (const [controller, file, value] of ordered) await this.#write(controller, file, value);
    this.#limits = limits;
  }

  usage(): ReturnType<Cgroup["usage"]> {
    const { cpuMs, memoryPeakBytes, outOfMemory } = this.#dialect;
    // The kernel answers from its memory, sooner than another thread would be asked.
    const read: Reader = (controller, file) => {
      try {
        return readFileSync(this.#file(controller, file), "utf8");
      } catch {
        return "0";
      }
    };
    return { cpuMs: cpuMs(read), memoryPeakBytes: memoryPeakBytes(read), wasOutOfMemory: outOfMemory(read) };
  }

  async remove(): Promise<void> {
    await Promise.all(this.#paths.map(removeFolder));
  }

  #file(controller: keyof Controllers, file: string): string {
    return join(String(this.#controllers[controller]), this.#name, file);
  }

  async #write(controller: keyof Controllers, file: string, value: string): Promise<void> {
    try {
      await writeFile(this.#file(controller, file), value);
    } catch (error) {
      if (!OPTIONAL.has(file)) throw error;
    }
  }
}

function cpuQuota({ cpus }: SandboxLimits): string {
  return String(Math.round(cpus * CPU_PERIOD_US));
}

/** A cgroup can be removed when its last process is gone, which takes the kernel a moment after their end. */
async function removeFolder(path: string): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES_MAX; tries += 1) {
    const code = await rmdir(path).then(
      () => "",
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (code === "" || code === "ENOENT") return;
    await killAll(path);
    await delay(REMOVE_DELAY_MS);
  }
}

/** Ends every process of a group: all of them are ours. */
async function killAll(path: string): Promise<void> {
  const numbers = await readFile(join(path, "cgroup.procs"), "utf8").catch(() => "");
  for (const pid of numbers.split("\n").map(Number)) {
    try {
      if (pid > 1) process.kill(pid, "SIGKILL");
    } catch {
      // It was gone already.
    }
  }
}
