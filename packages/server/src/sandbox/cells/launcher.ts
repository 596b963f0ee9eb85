import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { once } from "node:events";
import { Socket } from "node:net";
import { join } from "node:path";
import { constants as system } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { AppError } from "@tutti/core";
import type { CellExit } from "./cell.ts";
import type { CgroupEntry } from "./cgroups.ts";
import { aborted } from "./first-words.ts";

/** What is started: the program by its whole path, and what it gets. */
export interface LaunchRequest {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number | undefined;
  /** The group that it begins in. */
  readonly cgroup?: CgroupEntry;
  /** A file to read as descriptor 5, which is a pipe for orders otherwise. */
  readonly file?: string;
}

/** A process that was started, and our ends of its pipes. */
export interface Launched {
  readonly pid: number;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** Descriptor 3: its program. */
  readonly control: Socket;
  /** Descriptor 4: what it has to say beside its output. */
  readonly said: Socket;
  /** Descriptor 5, when that is no file. */
  readonly orders: Socket | undefined;
  readonly exited: Promise<CellExit>;
  /** Whether its group was out of memory and was ended for it. */
  wasOutOfMemory(): boolean;
  /** Whether what started it is gone, so that nobody knows how it ended. */
  isLost(): boolean;
}

interface Started {
  readonly pid: number;
  readonly descriptors: readonly number[];
}

interface Waiting {
  readonly started: PromiseWithResolvers<Started>;
  readonly exited: PromiseWithResolvers<CellExit>;
  wasOutOfMemory: boolean;
  isLost: boolean;
}

/** Where our ends of the pipes are written to; the others are read. */
const WRITTEN: ReadonlySet<number> = new Set([0, 3, 5]);
/** Our own descriptors of pipes. */
const DESCRIPTORS = new WeakMap<object, number>();
const PIECE_BYTES = 65_536;
/** The largest pipe that a program may make of its own holds a mebibyte. */
const PIECES_MAX = 32;
const GONE: CellExit = { exitCode: null, signal: null };
const SIGNALS: ReadonlyMap<number, string> = new Map(Object.entries(system.signals).map(([name, number]) => [number, name]));

/** Starts processes through a small one of its own, because a fork of this one takes longer the more memory it has, and holds everybody up. */
export class Launcher {
  readonly #script: string;
  readonly #waiting = new Map<string, Waiting>();
  #child: ChildProcess | undefined;
  #count = 0;
  #isClosed = false;

  constructor(runners: string) {
    this.#script = join(runners, "launch.pl");
  }

  /** Starts a process. Its pipes are open, whether or not it lives. */
  async start(request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
    signal.throwIfAborted();
    const child = this.#running();
    this.#count += 1;
    const id = String(this.#count);
    const waiting: Waiting = { started: Promise.withResolvers(), exited: Promise.withResolvers(), wasOutOfMemory: false, isLost: false };
    // Whoever gives up before hears nothing of it any more.
    waiting.started.promise.catch(() => {});
    this.#say(child, ["start", id, ...fieldsOf(request)]);
    this.#waiting.set(id, waiting);
    const opened = (): void => this.#say(child, ["opened", id]);
    const started = await Promise.race([waiting.started.promise, aborted(signal)]);
    if (started === undefined) {
      // It may begin in a moment all the same: without its pipes it ends, and whoever made its cgroup ends it too.
      waiting.started.promise.then(opened, () => {});
      throw new AppError("timeout", "wanted a process to be started, got none in time; raise startTimeoutMs", { cause: signal.reason });
    }
    const { exited } = waiting;
    try {
      const pipes = openPipes(`/proc/${child.pid}/fd`, started.descriptors);
      const told = { wasOutOfMemory: () => waiting.wasOutOfMemory, isLost: () => waiting.isLost };
      return { pid: started.pid, ...pipes, ...told, exited: exited.promise };
    } finally {
      opened();
    }
  }

  /** Ends it; what it started ends with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const child = this.#child;
    if (child === undefined) return;
    const exited = once(child, "exit");
    child.stdin?.end();
    await exited;
  }

  /** The process that starts others: a new one, when it has not begun or somebody ended it. */
  #running(): ChildProcess {
    if (this.#isClosed) throw new AppError("cancelled", "the sandbox is closed");
    if (this.#child !== undefined) return this.#child;
    const child = spawn("/usr/bin/perl", [this.#script, process.arch], {
      stdio: ["pipe", "pipe", "ignore"],
      // What ends our process group, such as Ctrl-C, must not end it.
      detached: true,
      env: { PATH: "/usr/bin:/bin" },
      cwd: "/",
    });
    this.#child = child;
    for (const stream of child.stdio) stream?.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => this.#hear(line));
    const forget = (): void => this.#forget(child);
    child.once("error", forget).once("exit", forget);
    return child;
  }

  #say(child: ChildProcess, fields: readonly (string | number)[]): void {
    // They are divided by zero bytes.
    const wrong = fields.find((field) => String(field).includes("\0"));
    if (wrong !== undefined)
      throw new AppError("invalid_input", `wanted text without zero bytes, got ${JSON.stringify(wrong).slice(0, 200)}`);
    const text = Buffer.from(fields.join("\0"));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    child.stdin?.write(Buffer.concat([length, text]));
  }

  #hear(line: string): void {
    const [what, id = "", ...rest] = line.split(" ");
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const [first = 0, ...others] = rest.map(Number);
    if (what === "oom") waiting.wasOutOfMemory = true;
    if (what === "started") waiting.started.resolve({ pid: first, descriptors: others });
    if (what === "failed") waiting.started.reject(new AppError("unsupported", `a process could not be started: ${rest.join(" ")}`));
    if (what === "exited") waiting.exited.resolve(exitOfStatus(first));
    if (what === "exited" || what === "failed") this.#waiting.delete(id);
  }

  /** It is gone, and everything that it had started with it. */
  #forget(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    for (const waiting of this.#waiting.values()) {
      waiting.isLost = true;
      waiting.started.reject(
        new AppError("unsupported", "wanted a process to be started, got the end of what starts them; is /usr/bin/perl there?"),
      );
      waiting.exited.resolve(GONE);
    }
    this.#waiting.clear();
  }
}

/**
 * What is left in a pipe that is being read and to which nobody writes any more. Its end comes later: whoever wrapped the program holds it too, and
 * takes its time to end.
 */
export function restOf(stream: Readable): readonly Buffer[] {
  const descriptor = DESCRIPTORS.get(stream);
  // One that was read to its end is closed, and its number may be another file's.
  if (descriptor === undefined || stream.destroyed) return [];
  const pieces: Buffer[] = [];
  while (pieces.length < PIECES_MAX) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const size = readNow(descriptor, piece);
    if (size === 0) break;
    pieces.push(piece.subarray(0, size));
  }
  return pieces;
}

function readNow(descriptor: number, piece: Buffer): number {
  try {
    return readSync(descriptor, piece);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}

/** All that has to be closed of it. */
export function streamsOf(launched: Launched | undefined): readonly Socket[] {
  if (launched === undefined) return [];
  const { stdin, stdout, stderr, control, said, orders } = launched;
  return [stdin, stdout, stderr, control, said, ...(orders === undefined ? [] : [orders])];
}

function fieldsOf({ command, env, uid, cgroup, file }: LaunchRequest): readonly (string | number)[] {
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const joins = cgroup?.joins ?? [];
  const group = [cgroup?.into ?? "", cgroup?.memory ?? "", joins.length, ...joins];
  return [uid ?? "", file ?? "", ...group, environment.length, ...environment, ...command];
}

type Pipes = Pick<Launched, "stdin" | "stdout" | "stderr" | "control" | "said" | "orders">;

/** Descriptions of our own of another process's pipes: that one may close its ends. */
function openPipes(folder: string, descriptors: readonly number[]): Pipes {
  const opened: Socket[] = [];
  try {
    for (const [place, descriptor] of descriptors.entries()) opened.push(openPipe(`${folder}/${descriptor}`, WRITTEN.has(place)));
    const [stdin, stdout, stderr, control, said, orders] = opened;
    if (stdin === undefined || stdout === undefined || stderr === undefined || control === undefined || said === undefined)
      throw new AppError("internal", `wanted five pipes of a process, got ${descriptors.length}`);
    return { stdin, stdout, stderr, control, said, orders };
  } catch (error) {
    for (const socket of opened) socket.destroy();
    throw error;
  }
}

function openPipe(path: string, isWritten: boolean): Socket {
  const descriptor = openSync(path, (isWritten ? constants.O_WRONLY : constants.O_RDONLY) | constants.O_NONBLOCK);
  try {
    const socket = new Socket({ fd: descriptor, readable: !isWritten, writable: isWritten });
    socket.on("error", () => {});
    DESCRIPTORS.set(socket, descriptor);
    return socket;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** What wait(2) gives. */
function exitOfStatus(status: number): CellExit {
  const signal = SIGNALS.get(status & 127);
  return signal === undefined ? { exitCode: status >> 8, signal: null } : { exitCode: null, signal };
}
