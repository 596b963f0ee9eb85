import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import type { SandboxReason } from "@tutti/core/sandbox";
import type { Program } from "../backend.ts";
import { capOutput } from "../shared/capped-output.ts";
import type { CollectedFiles } from "../shared/collect-files.ts";
import { readFrames } from "../shared/frames.ts";
import { fileName } from "../shared/program.ts";
import type { Place, PlaceEnding } from "../shared/place-pool.ts";

/** The kinds of frames; `channel.mjs` sends them. */
const STDOUT = 1;
const STDERR = 2;
const READY = 3;
const FILE = 4;
const END = 5;

const FRAME_BYTES_MAX = 268_435_456;
const RULES = { from: "the program's runtime", kindMax: END, bytesMax: FRAME_BYTES_MAX };
/** How often its memory is looked at. */
const WATCH_MS = 50;
const PAGE_BYTES = 4_096;

type Stop = Exclude<SandboxReason, "exit">;

/** A process of Deno with an interpreter in WebAssembly that waits for one program. It may read the interpreter, and nothing else. */
export class WasmPlace implements Place {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stdout = new PassThrough();
  readonly #stderr = new PassThrough();
  readonly #frames: Promise<void>;
  #onFile: (bytes: Buffer) => void = () => {};
  #exitCode: number | null = null;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#exited = once(child, "exit").catch(() => undefined);
    child.stdin.on("error", () => {});
    this.#frames = readFrames(child.stdout, RULES, (kind, bytes) => this.#take(kind, bytes)).finally(() => this.#stdout.end());
    // Whoever waits for one of them hears of it.
    this.#frames.catch(() => {});
    this.#ready.promise.catch(() => {});
    child.stderr.pipe(this.#stderr, { end: false });
    child.stderr.once("close", () => this.#stderr.end());
    child.once("error", (error) => this.#ready.reject(error));
    void this.#exited.then(() => this.#ready.reject(new AppError("upstream", "wanted a runtime that waits for a program, got its end")));
  }

  /** Starts the command, and resolves when its interpreter waits. */
  static async start(command: string, args: readonly string[], signal: AbortSignal): Promise<WasmPlace> {
    // An environment of its own: Deno wants a home, and may not use it.
    const place = new WasmPlace(spawn(command, args, { env: { HOME: "/nonexistent", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } }));
    const abort = (): void => place.#ready.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      await place.#ready.promise;
      return place;
    } catch (error) {
      await place.remove();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async run(program: Program, signal: AbortSignal): Promise<PlaceEnding> {
    const { limits } = program;
    const began = performance.now();
    let stopped: Stop | undefined;
    const stop = (reason: Stop): void => {
      stopped ??= reason;
      this.#child.kill("SIGKILL");
    };
    const stdout = capOutput(this.#stdout, limits.outputBytes, () => stop("output"));
    const stderr = capOutput(this.#stderr, limits.outputBytes, () => stop("output"));
    const collection = new Collection(program);
    this.#onFile = (bytes) => collection.add(bytes);
    const ending = new AbortController();
    const watching = this.#watch(limits.memoryBytes, () => stop("oom"), ending.signal);
    const timer = setTimeout(() => stop("timeout"), limits.runTimeoutMs);
    const abort = (): void => void this.#child.kill("SIGKILL");
    signal.addEventListener("abort", abort, { once: true });
    try {
      if (signal.aborted) abort();
      this.#child.stdin.end(asMessage(program));
      await this.#exited;
      await Promise.allSettled([this.#frames, stdout.ended, stderr.ended]);
    } finally {
      clearTimeout(timer);
      ending.abort();
      signal.removeEventListener("abort", abort);
    }
    signal.throwIfAborted();
    const used = await watching;
    const wallMs = performance.now() - began;
    if (stopped === undefined && this.#exitCode === null) await this.#explain();
    return {
      stopped,
      exitCode: this.#exitCode,
      signal: stopped === undefined ? null : "SIGKILL",
      stdout,
      stderr,
      files: collection.collected(),
      usage: { wallMs, ...used },
    };
  }

  async remove(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  #take(kind: number, bytes: Buffer): void {
    if (kind === READY) this.#ready.resolve();
    if (kind === STDOUT) this.#stdout.write(bytes);
    if (kind === STDERR) this.#stderr.write(bytes);
    if (kind === FILE) this.#onFile(bytes);
    if (kind === END && /^\d{1,3}$/.test(bytes.toString("latin1"))) this.#exitCode = Number(bytes.toString("latin1"));
  }

  /** The runtime went away without a word: it was out of memory, or it broke. */
  async #explain(): Promise<void> {
    await this.#frames;
    if (this.#child.exitCode !== null) this.#exitCode = this.#child.exitCode === 0 ? 1 : this.#child.exitCode;
  }

  /** Looks at the process's memory until it ends, and tells what it used; where there is no /proc it sees nothing. */
  async #watch(
    memoryBytes: number,
    onOver: () => void,
    signal: AbortSignal,
  ): Promise<{ readonly cpuMs: number; readonly memoryPeakBytes: number }> {
    const base = await residentBytes(this.#child.pid);
    let used = { cpuMs: 0, memoryPeakBytes: 0 };
    while (!signal.aborted) {
      const [bytes, cpuMs] = await Promise.all([residentBytes(this.#child.pid), cpuMsOf(this.#child.pid)]);
      const grown = Math.max(0, bytes - base);
      used = { cpuMs: Math.max(used.cpuMs, cpuMs), memoryPeakBytes: Math.max(used.memoryPeakBytes, grown) };
      if (grown > memoryBytes) onOver();
      await delay(WATCH_MS, undefined, { signal }).catch(() => undefined);
    }
    return used;
  }
}

/** Files as they come, kept up to the limits. What comes is what the program says, so its names are checked. */
class Collection {
  readonly #program: Program;
  readonly #files = Object.create(null) as Record<string, Uint8Array>;
  #count = 0;
  #bytes = 0;
  #isTruncated = false;

  constructor(program: Program) {
    this.#program = program;
  }

  add(frame: Buffer): void {
    const { own, files, limits } = this.#program;
    const nameBytes = frame.length < 4 ? 0 : frame.readUInt32BE(0);
    const content = frame.subarray(4 + nameBytes);
    const name = safeName(frame.toString("utf8", 4, 4 + nameBytes));
    if (name === undefined || (own.has(name) && content.equals(files.get(name) ?? Buffer.alloc(0)))) return;
    this.#count += 1;
    const isTooMuch = content.length > limits.fileBytes || this.#count > limits.filesMax || this.#bytes + content.length > limits.diskBytes;
    this.#isTruncated ||= isTooMuch;
    if (isTooMuch) return;
    this.#bytes += content.length;
    this.#files[name] = Uint8Array.from(content);
  }

  collected(): CollectedFiles {
    return { files: this.#files, isTruncated: this.#isTruncated };
  }
}

function safeName(name: string): string | undefined {
  try {
    return fileName(name);
  } catch {
    return undefined;
  }
}

function asMessage({ entry, stdin, files, language }: Program): string {
  const encoded = [...files].map(([name, content]) => {
    const bytes =
      language === "typescript" && name === entry ? Buffer.from(withoutTypes(Buffer.from(content).toString("utf8"))) : Buffer.from(content);
    return [name, bytes.toString("base64")] as const;
  });
  return JSON.stringify({ entry, stdin, files: Object.fromEntries(encoded) });
}

/** JavaScript out of TypeScript; code that is none goes on as it is, and its runtime says what is wrong with it. */
function withoutTypes(code: string): string {
  try {
    return stripTypeScriptTypes(code);
  } catch {
    return code;
  }
}

async function residentBytes(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, "latin1").catch(() => "0 0");
  return Number(text.split(" ")[1]) * PAGE_BYTES;
}

async function cpuMsOf(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // In hundredths of a second, whatever the kernel counts in (`times(2)`).
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
}
