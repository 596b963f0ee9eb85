import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec, SandboxLimits } from "@tutti/core/sandbox";
import { exitOf, type CellExit } from "../cells/cell.ts";
import type { Cgroup, Cgroups } from "../cells/cgroups.ts";
import { firstWords } from "../cells/first-words.ts";
import { giveBelongings, userOf } from "../jails/belongings.ts";
import { watchLife, type EndingReason, type JailLife } from "../jails/life.ts";
import { capOutput, type CappedOutput } from "../shared/capped-output.ts";
import { resolveLimits } from "../shared/limits.ts";
import type { Tools } from "../shared/runners.ts";
import type { Uids } from "../shared/uids.ts";
import { DESCRIPTORS, ENVIRONMENT, INSIDE, jailArguments } from "./arguments.ts";
import { endOf, explained, firstProcessOf, killFirst, readPid } from "./bubblewrap-cell.ts";

/** What jails are started with. */
export interface JailParts {
  readonly limits: SandboxLimits;
  readonly cgroups: Cgroups;
  readonly uids: Uids | undefined;
  readonly tools: Tools;
  readonly accounts: string;
  /** Files that hold the filters of system calls: without sockets, and with unix sockets. */
  readonly filters: { readonly none: string; readonly unix: string };
}

type Ended = Awaited<Jail["exited"]>;

/** For what is still in the pipe of a program that has ended. */
const LAST_WORDS_MS = 500;

/** Starts a program that lives on. It sees its volume, its mounts and its socket, and nothing else of this machine. */
export async function startJail(parts: JailParts, spec: JailSpec, signal: AbortSignal): Promise<Jail> {
  const limits = resolveLimits(spec.limits ?? {}, parts.limits);
  const uid = userOf(spec, parts.uids);
  await giveBelongings(spec, uid);
  const cgroup = await parts.cgroups.create(limits);
  const filterFd = openSync(spec.socketPath === undefined ? parts.filters.none : parts.filters.unix, "r");
  const child = spawn("bwrap", jailArguments(spec, { tools: parts.tools, accounts: parts.accounts, limits }), {
    // The numbers in DESCRIPTORS are places in this list.
    stdio: ["pipe", "pipe", "pipe", "ignore", "pipe", "pipe", filterFd],
    env: { ...spec.env, ...ENVIRONMENT, ...(spec.socketPath === undefined ? {} : { TUTTI_SOCKET: INSIDE.socket }) },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  closeSync(filterFd);
  for (const stream of child.stdio) stream?.on("error", () => {});
  const exited = exitOf(child);
  if (child.stderr === null) throw new AppError("internal", "a jail was started without its streams");
  const words = capOutput(child.stderr, limits.outputBytes, () => {});
  try {
    const pid = await release(child, { cgroup, exited }, AbortSignal.any([signal, AbortSignal.timeout(limits.startTimeoutMs)]));
    // Whoever waited for the first words paused it.
    child.stderr.resume();
    return new BubblewrapJail({ child, cgroup, exited, pid, spec, stderr: words.text });
  } catch (error) {
    const first = await firstProcessOf(child);
    if (first !== undefined) killFirst(first);
    child.kill("SIGKILL");
    if (child.pid !== undefined) await exited;
    await cgroup.remove();
    child.stderr.resume();
    throw explained(await complaintOr(error, words));
  }
}

/** What bubblewrap says is the cause; that its process is gone is what follows from it. */
async function complaintOr(error: unknown, words: CappedOutput): Promise<unknown> {
  await Promise.race([words.ended, delay(LAST_WORDS_MS)]);
  const said = words.text().trim();
  if (said === "" || error instanceof AppError) return error;
  return new AppError("unsupported", `bubblewrap did not start: ${said}`, { cause: error });
}

/** Puts the waiting process into its cgroup, and lets it go. */
async function release(
  child: ChildProcess,
  { cgroup, exited }: { readonly cgroup: Cgroup; readonly exited: Promise<CellExit> },
  signal: AbortSignal,
): Promise<number> {
  const streams: readonly unknown[] = child.stdio;
  const [info, block] = [streams[DESCRIPTORS.info] as Duplex | undefined, streams[DESCRIPTORS.block] as Duplex | undefined];
  if (child.stderr === null || info === undefined || block === undefined)
    throw new AppError("internal", "bubblewrap was started without its descriptors");
  const pid = readPid(await firstWords(info, { name: "bubblewrap", exited, stderr: child.stderr }, signal));
  await cgroup.add(pid);
  block.end("go");
  return pid;
}

class BubblewrapJail implements Jail {
  readonly pid: number;
  readonly output: AsyncIterable<Uint8Array>;
  readonly stderr: () => string;
  readonly exited: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #life: JailLife;
  #stopped: EndingReason | undefined;

  constructor(parts: {
    readonly child: ChildProcess;
    readonly cgroup: Cgroup;
    readonly exited: Promise<CellExit>;
    readonly pid: number;
    readonly spec: JailSpec;
    readonly stderr: () => string;
  }) {
    const { child, cgroup, exited, pid, spec, stderr } = parts;
    this.pid = pid;
    this.#child = child;
    this.stderr = stderr;
    this.output = this.#read();
    this.#life = watchLife(spec, (reason) => this.#kill(reason));
    this.exited = this.#end(exited, cgroup);
  }

  write(bytes: Uint8Array | string): Promise<void> {
    this.#life.touch();
    return new Promise((resolve, reject) => {
      const { stdin } = this.#child;
      if (stdin === null || !stdin.writable)
        reject(new AppError("conflict", "wanted a program that runs, got one that has ended; start it again"));
      else
        stdin.write(bytes, (error) =>
          error ? reject(new AppError("upstream", "the program does not read any more", { cause: error })) : resolve(),
        );
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.#child.stdin?.end();
    signalChildren(this.pid);
    await Promise.race([this.exited, delay(graceMs, undefined, { ref: false })]);
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#kill(undefined);
    await this.exited;
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of (this.#child.stdout ?? []) as AsyncIterable<Buffer>) {
      this.#life.touch();
      yield chunk;
    }
  }

  #kill(reason: EndingReason | undefined): void {
    this.#stopped ??= reason;
    killFirst(this.pid);
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  async #end(exited: Promise<CellExit>, cgroup: Cgroup): Promise<Ended> {
    const exit = await exited;
    this.#life.over();
    killFirst(this.pid);
    await endOf(this.pid);
    const { wasOutOfMemory } = cgroup.usage();
    await cgroup.remove();
    return { reason: this.#stopped ?? (wasOutOfMemory ? "oom" : "exit"), ...exit };
  }
}

/** Asks the program to end: it is the child of the first process in its space, which takes no signals. */
function signalChildren(first: number): void {
  try {
    for (const pid of readFileSync(`/proc/${first}/task/${first}/children`, "utf8").trim().split(" "))
      if (Number(pid) > 1) process.kill(Number(pid), "SIGTERM");
  } catch {
    // It was gone already.
  }
}
