import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec, SandboxLimits, SandboxReason } from "@tutti/core/sandbox";
import type { Cgroup, Cgroups } from "../cells/cgroups.ts";
import { firstWords } from "../cells/first-words.ts";
import { streamsOf, type Launched, type Launcher } from "../cells/launcher.ts";
import { giveBelongings, userOf } from "../jails/belongings.ts";
import { watchLife, type EndingReason, type JailLife } from "../jails/life.ts";
import { capOutput, type CappedOutput } from "../shared/capped-output.ts";
import { resolveLimits } from "../shared/limits.ts";
import type { Tools } from "../shared/runners.ts";
import type { Uids } from "../shared/uids.ts";
import { ENVIRONMENT, INSIDE, jailArguments } from "./arguments.ts";
import { endOf, explained, killFirst, killNow, readPid } from "./bubblewrap-cell.ts";

/** What jails are started with. */
export interface JailParts {
  readonly limits: SandboxLimits;
  readonly cgroups: Cgroups;
  readonly uids: Uids | undefined;
  readonly launcher: Launcher;
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
  const door = spec.socketPath === undefined ? {} : { TUTTI_SOCKET: INSIDE.socket };
  const starting = AbortSignal.any([signal, AbortSignal.timeout(limits.startTimeoutMs)]);
  let launched: Launched | undefined;
  let words: CappedOutput | undefined;
  try {
    const command = ["bwrap", ...jailArguments(spec, { tools: parts.tools, accounts: parts.accounts, limits })];
    const env = { ...spec.env, ...ENVIRONMENT, ...door };
    const file = spec.socketPath === undefined ? parts.filters.none : parts.filters.unix;
    launched = await parts.launcher.start({ command, env, uid, cgroup: cgroup.entry, file }, starting);
    words = capOutput(launched.stderr, limits.outputBytes, () => {});
    const { said, stderr, exited, control } = launched;
    const pid = readPid(await firstWords(said, { name: "bubblewrap", exited, stderr }, starting));
    control.end("go");
    // Whoever waited for the first words paused it.
    stderr.resume();
    return new BubblewrapJail({ launched, cgroup, pid, spec, stderr: words.text });
  } catch (error) {
    // It began in its cgroup, with all that it started.
    await cgroup.remove();
    await launched?.exited;
    for (const stream of streamsOf(launched)) stream.resume();
    const told = await complaintOr(error, words);
    for (const stream of streamsOf(launched)) stream.destroy();
    throw explained(told);
  }
}

/** What bubblewrap says is the cause; that its process is gone is what follows from it. */
async function complaintOr(error: unknown, words: CappedOutput | undefined): Promise<unknown> {
  if (words === undefined) return error;
  await Promise.race([words.ended, delay(LAST_WORDS_MS)]);
  const said = words.text().trim();
  if (said === "" || error instanceof AppError) return error;
  return new AppError("unsupported", `bubblewrap did not start: ${said}`, { cause: error });
}

class BubblewrapJail implements Jail {
  readonly pid: number;
  readonly output: AsyncIterable<Uint8Array>;
  readonly stderr: () => string;
  readonly exited: Promise<Ended>;
  readonly #launched: Launched;
  readonly #life: JailLife;
  #stopped: EndingReason | undefined;
  #isOver = false;
  #isRead = false;

  constructor(parts: {
    readonly launched: Launched;
    readonly cgroup: Cgroup;
    readonly pid: number;
    readonly spec: JailSpec;
    readonly stderr: () => string;
  }) {
    const { launched, cgroup, pid, spec, stderr } = parts;
    this.pid = pid;
    this.#launched = launched;
    this.stderr = stderr;
    this.output = this.#read();
    this.#life = watchLife(spec, (reason) => this.#kill(reason));
    this.exited = this.#end(cgroup);
  }

  write(bytes: Uint8Array | string): Promise<void> {
    this.#life.touch();
    return new Promise((resolve, reject) => {
      const { stdin } = this.#launched;
      if (this.#isOver || !stdin.writable)
        reject(new AppError("conflict", "wanted a program that runs, got one that has ended; start it again"));
      else
        stdin.write(bytes, (error) =>
          error ? reject(new AppError("upstream", "the program does not read any more", { cause: error })) : resolve(),
        );
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.#launched.stdin.end();
    signalChildren(this.pid);
    await Promise.race([this.exited, delay(graceMs, undefined, { ref: false })]);
    if (!this.#isOver) this.#kill(undefined);
    await this.exited;
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    this.#isRead = true;
    for await (const chunk of this.#launched.stdout as AsyncIterable<Buffer>) {
      this.#life.touch();
      yield chunk;
    }
  }

  #kill(reason: EndingReason | undefined): void {
    this.#stopped ??= reason;
    killFirst(this.pid);
    if (!this.#isOver) killNow(this.#launched.pid);
  }

  async #end(cgroup: Cgroup): Promise<Ended> {
    const exit = await this.#launched.exited;
    this.#isOver = true;
    this.#life.over();
    killFirst(this.pid);
    await endOf(this.pid);
    const wasOutOfMemory = cgroup.usage().wasOutOfMemory || this.#launched.wasOutOfMemory();
    await cgroup.remove();
    const { stdin, stdout, said } = this.#launched;
    for (const stream of [stdin, said]) stream.destroy();
    // What nobody began to read, nobody is going to.
    if (!this.#isRead) stdout.destroy();
    return { reason: this.#stopped ?? this.#reason(wasOutOfMemory), ...exit };
  }

  #reason(wasOutOfMemory: boolean): SandboxReason {
    if (wasOutOfMemory) return "oom";
    return this.#launched.isLost() ? "infra" : "exit";
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
