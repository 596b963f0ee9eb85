import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import { z } from "zod";
import type { Program } from "../backend.ts";
import { capOutput } from "../shared/capped-output.ts";
import type { Place, PlaceEnding } from "../shared/place-pool.ts";
import { NO_FILES } from "../shared/result.ts";
import type { CollectedFiles } from "../shared/collect-files.ts";
import { collectArchive } from "./collect-archive.ts";
import { containerBody, PROGRAM_UID, STATUS_FILE, VOLUME_FOLDER, WORK_FOLDER, type ContainerSpec } from "./container.ts";
import { demultiplex, type Demultiplexed } from "./demultiplex.ts";
import { EngineError, type Engine } from "./engine.ts";
import { packTar, readTar, type TarEntry } from "./tar.ts";
import { UntilMark } from "./until-mark.ts";

/** How long cleaning up may take; nobody waits longer for an engine that does not answer. */
const REMOVE_TIMEOUT_MS = 10_000;
const COLLECT_TIMEOUT_MS = 10_000;
const STATUS_BYTES_MAX = 4_096;

const createdSchema = z.looseObject({ Id: z.string().regex(/^[0-9a-f]{12,64}$/) });
const stateSchema = z.looseObject({ State: z.looseObject({ OOMKilled: z.boolean().optional() }) });

/** For what a program is ended here. */
type StoppedBy = "timeout" | "output" | "oom";

/** A running container that waits for one program, and is removed after it. */
export class OpenContainer implements Place {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #connection: Duplex;
  readonly #command: string;
  readonly #streams: Demultiplexed;

  private constructor(engine: Engine, id: string, { connection, command }: { readonly connection: Duplex; readonly command: string }) {
    this.#engine = engine;
    this.#command = command;
    this.#id = id;
    this.#connection = connection;
    this.#streams = demultiplex(connection);
    // Whether the stream broke is asked when a program ran in it.
    this.#streams.ended.catch(() => {});
  }

  /** Makes a container and starts it. Whatever fails on the way, no container stays. */
  static async start(engine: Engine, spec: ContainerSpec, signal: AbortSignal): Promise<OpenContainer> {
    const { id, connection } = await startContainer(engine, containerBody(spec), signal);
    return new OpenContainer(engine, id, { connection, command: spec.command });
  }

  async run(program: Program, signal: AbortSignal): Promise<PlaceEnding> {
    const mark = `tutti-${randomBytes(16).toString("hex")}`;
    await this.#put(program, signal);
    const running = new AbortController();
    let stopped: StoppedBy | undefined;
    const stop = (reason: StoppedBy): void => {
      stopped ??= reason;
      running.abort();
    };
    const marked = { stdout: new UntilMark(mark), stderr: new UntilMark(mark) };
    const { outputBytes } = program.limits;
    const stdout = capOutput(this.#streams.stdout.pipe(marked.stdout), outputBytes, () => stop("output"));
    const stderr = capOutput(this.#streams.stderr.pipe(marked.stderr), outputBytes, () => stop("output"));
    const watch = new AbortController();
    const watching = whenOutOfMemory(this.#engine, { id: this.#id, act: () => stop("oom") }, watch.signal);
    const began = performance.now();
    this.#connection.write(`${mark} ${this.#command} ${program.entry}\n`);
    const timer = setTimeout(() => stop("timeout"), program.limits.runTimeoutMs);
    try {
      await Promise.race([Promise.all([stdout.ended, stderr.ended]), aborted(AbortSignal.any([signal, running.signal]))]);
    } finally {
      clearTimeout(timer);
      watch.abort();
      await watching;
    }
    signal.throwIfAborted();
    const wallMs = performance.now() - began;
    if (stopped === undefined && !marked.stdout.isPast) await this.#explainBreak();
    return { stopped, signal: null, stdout, stderr, ...(await this.#lookBack(program, { stopped, wallMs })) };
  }

  /** Does not throw: an engine that is gone has nothing to remove, and the next reaping finds what it kept. */
  async remove(): Promise<void> {
    await removeContainer(this.#engine, this.#id);
    this.#connection.destroy();
  }

  async #put(program: Program, signal: AbortSignal): Promise<void> {
    const body = { tar: packTar(entriesOf(program), PROGRAM_UID) };
    await this.#engine.ask({ method: "PUT", path: `/containers/${this.#id}/archive`, query: { path: VOLUME_FOLDER }, body }, signal);
  }

  /** The container ended, or the connection did, before the program was through. */
  async #explainBreak(): Promise<never> {
    await this.#streams.ended;
    throw new AppError(
      "upstream",
      "wanted the program's end from the container engine, got the end of its stream; the container or the engine was stopped",
    );
  }

  async #lookBack(program: Program, { stopped, wallMs }: { readonly stopped: StoppedBy | undefined; readonly wallMs: number }) {
    const signal = AbortSignal.timeout(COLLECT_TIMEOUT_MS);
    // What still runs could change the files while they are read.
    if (stopped !== undefined)
      await this.#engine.ask({ method: "POST", path: `/containers/${this.#id}/pause` }, signal).catch(ignoreEngine);
    const [files, status] = await Promise.all([
      this.#collect(program, signal),
      stopped === undefined ? this.#status(signal) : { exitCode: null, cpuMs: 0, memoryPeakBytes: 0 },
    ]);
    const { exitCode, ...used } = status;
    // Whoever was killed at the bound of its memory was killed for it. Where the engine tells no peak, it says so itself, a moment later.
    const isAtBound = used.memoryPeakBytes >= program.limits.memoryBytes - PAGES_MARGIN_BYTES;
    const isKilled = exitCode === SIGKILL_EXIT && (isAtBound || (await wasOutOfMemory(this.#engine, this.#id, signal)));
    return { files, exitCode, usage: { wallMs, ...used }, ...(isKilled && { stopped: "oom" as const }) };
  }

  async #collect(program: Program, signal: AbortSignal): Promise<CollectedFiles> {
    if (program.limits.filesMax === 0) return NO_FILES;
    const query = { path: WORK_FOLDER };
    const archive = await this.#engine.stream({ method: "GET", path: `/containers/${this.#id}/archive`, query }, signal);
    return collectArchive(archive, program);
  }

  async #status(signal: AbortSignal): Promise<{ readonly exitCode: number; readonly cpuMs: number; readonly memoryPeakBytes: number }> {
    const call = { method: "GET", path: `/containers/${this.#id}/archive`, query: { path: STATUS_FILE } } as const;
    for await (const file of readTar(await this.#engine.stream(call, signal))) {
      if (file.sizeBytes > STATUS_BYTES_MAX) break;
      const [, exitCode, peak, times = ""] = /^(\d{1,3}) (\d+)\n([^]*)$/.exec(Buffer.from(await file.read()).toString("latin1")) ?? [];
      if (exitCode !== undefined) return { exitCode: Number(exitCode), cpuMs: cpuMsIn(times), memoryPeakBytes: Number(peak) };
    }
    throw new AppError(
      "upstream",
      "wanted the program's exit code from its container, got none; the program said that it ended before it did",
    );
  }
}

/** Acts when the kernel ends a process of a container for its memory: it may leave the others. */
async function whenOutOfMemory(engine: Engine, { id, act }: { readonly id: string; readonly act: () => void }, signal: AbortSignal) {
  const query = { filters: JSON.stringify({ container: [id], event: ["oom"] }) };
  try {
    for await (const _ of await engine.stream({ method: "GET", path: "/events", query }, signal)) return act();
  } catch {
    // Nobody asks any more. Of an engine that tells no events it is seen in the end whether a program was out of memory.
  }
}

/** Whether the kernel ended a process of a container for its memory. An engine learns of it by an event of its own, so it is asked again. */
export async function wasOutOfMemory(engine: Engine, id: string, signal: AbortSignal): Promise<boolean> {
  for (let tries = 0; tries < OOM_TRIES_MAX; tries += 1) {
    const { State: state } = stateSchema.parse(await engine.ask({ method: "GET", path: `/containers/${id}/json` }, signal));
    if (state.OOMKilled === true) return true;
    await delay(OOM_DELAY_MS, undefined, { signal });
  }
  return false;
}

const ATTACH = { stream: true, stdin: true, stdout: true, stderr: true };
const OOM_TRIES_MAX = 10;
const OOM_DELAY_MS = 30;
const PAGES_MARGIN_BYTES = 65_536;
/** What a shell says of a program that was killed. */
export const SIGKILL_EXIT = 128 + 9;

/** Makes a container, attaches to its streams and starts it. Whatever fails on the way, no container stays. */
export async function startContainer(
  engine: Engine,
  json: unknown,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly connection: Duplex }> {
  const body = { json };
  const { Id: id } = createdSchema.parse(await engine.ask({ method: "POST", path: "/containers/create", body }, signal));
  let connection: Duplex | undefined;
  try {
    connection = await engine.upgrade({ method: "POST", path: `/containers/${id}/attach`, query: ATTACH }, signal);
    await engine.ask({ method: "POST", path: `/containers/${id}/start` }, signal);
    return { id, connection };
  } catch (error) {
    await removeContainer(engine, id);
    connection?.destroy();
    throw error;
  }
}

/** Ends a container and removes it with its volume. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  const call = { method: "DELETE", path: `/containers/${id}`, query: { force: true, v: true } } as const;
  const signal = AbortSignal.timeout(REMOVE_TIMEOUT_MS);
  try {
    await engine.ask(call, signal);
  } catch (error) {
    // 404: it is gone. 409: somebody, such as the engine itself, is removing it.
    if (!(error instanceof EngineError) || error.status !== 409) return;
    const wait = { method: "POST", path: `/containers/${id}/wait`, query: { condition: "removed" } } as const;
    await engine.ask(wait, signal).catch(() => {});
  }
}

/** The second line that a shell's `times` says: user and system time of its children, as "0m0.120s 0m0.010s". */
function cpuMsIn(times: string): number {
  const spent = [...(times.split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)];
  return spent.reduce((total, [, minutes, seconds]) => total + Number(minutes) * 60_000 + Number(seconds) * 1_000, 0);
}

function ignoreEngine(error: unknown): void {
  // It ended in this very moment: 409.
  if (!(error instanceof EngineError)) throw error;
}

function entriesOf(program: Program): readonly TarEntry[] {
  const folders = new Set<string>();
  for (const name of program.files.keys()) {
    const parts = name.split("/").slice(0, -1);
    for (const [index] of parts.entries()) folders.add(parts.slice(0, index + 1).join("/"));
  }
  return [
    { type: "file", name: "stdin", mode: 0o400, content: Buffer.from(program.stdin) },
    { type: "file", name: "status", mode: 0o600, content: Buffer.alloc(STATUS_BYTES_MAX, "\n") },
    { type: "folder", name: "work", mode: 0o700 },
    ...[...folders].toSorted().map((name) => ({ type: "folder", name: `work/${name}`, mode: 0o700 }) as const),
    ...[...program.files].map(([name, content]) => ({ type: "file", name: `work/${name}`, mode: 0o600, content }) as const),
  ];
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
}
