import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, type Json } from "@tutti/core";
import { Captured } from "./captured.ts";
import { launch, type Launched } from "./launch.ts";
import { limited, nodeFlags, stepBack, usageOf, type Command, type Usage } from "./limits.ts";
import { Peer } from "./peer.ts";
import { readStartReply } from "./start-reply.ts";
import { behind, findWall, gapsOf, type Wall } from "./wall.ts";
import type { CallRequest, StartReply } from "./protocol.ts";

/** A plugin's process as it is started. Paths are absolute. */
export interface ProcessSpec {
  readonly name: string;
  /** The folder it runs in and reads. */
  readonly folder: string;
  readonly entry: string;
  readonly settings: Json;
  readonly memoryMb: number;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly timing?: Partial<Timing> | undefined;
}

/** How long what may take. */
interface Timing {
  readonly startMs: number;
  /** A process that has not answered for so long hangs, whatever it does. */
  readonly hangMs: number;
  readonly callMs: number;
  readonly watchMs: number;
}

const TIMING: Timing = { startMs: 30_000, hangMs: 10_000, callMs: 120_000, watchMs: 500 };
/** Calls that were given up and go on in the process all the same; more than that and it begins anew. */
const ABANDONED_MAX = 32;
const STOP_MS = 2_000;
/** Looks at which a process may have waited for a processor without being counted as silent. */
const STARVED_LOOKS_MAX = 120;
/** So many looks in a row a process took this share of the time and answered nothing: it spins. */
const SPINNING_LOOKS = 2;
const SPINNING_SHARE = 0.3;
/** How Node ends when it gets no more memory; bubblewrap tells a signal as a number. */
const ABORTS = new Set(["SIGABRT", "SIGTRAP", "exit 133", "exit 134"]);

/** A call of one of a plugin's tools. */
export interface PluginCall extends Omit<CallRequest, "id"> {
  /** Sources of untrusted content that its caller has read. */
  readonly tainted?: readonly string[] | undefined;
}

/** In which situation a plugin asks for something. */
export interface Asking {
  readonly signal: AbortSignal;
  /** Sources of untrusted content that may be in what it asks. */
  readonly tainted: readonly string[];
}

/** What the host does for a plugin. `ask` answers its requests; `tell` hears what it says. Neither trusts what comes. */
export interface PluginServices {
  ask(method: string, params: Json, asking: Asking): Promise<Json | void>;
  tell(method: string, params: Json): void;
}

/** How a process ended. `stopped` was asked for; everything else is the plugin's own doing. */
export interface ProcessEnd {
  readonly how: "stopped" | "exit" | "memory" | "hang" | "protocol" | "thrown";
  readonly message: string;
}

/** A plugin's process that has started. */
export interface PluginProcess {
  readonly pid: number;
  readonly brought: StartReply;
  readonly output: Captured;
  readonly ended: Promise<ProcessEnd>;
  /** What does not hold of the wall around it, in words. */
  readonly gaps: readonly string[];
  call(request: PluginCall, signal: AbortSignal): Promise<Json>;
  /** Lets calls under way finish for up to `graceMs`, then ends it. */
  stop(graceMs: number): Promise<void>;
}

const CODE_FOLDER = dirname(fileURLToPath(import.meta.url));
/** Where the program and what it imports stands: the core's folder, and the links that lead to it. */
const CODE_PATHS = [
  CODE_FOLDER,
  dirname(dirname(fileURLToPath(import.meta.resolve("@tutti/core")))),
  ...(createRequire(import.meta.url).resolve.paths("@tutti/core") ?? []).map((path) => join(path, "@tutti", "core")).filter(existsSync),
];
/** They say that the code is made of modules. */
const PACKAGE_FILES = [join(dirname(dirname(CODE_FOLDER)), "package.json")].filter(existsSync);
const PROGRAM = fileURLToPath(new URL(`./plugin-process.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url));

/** Starts a plugin in a process of its own and waits until its `init` has returned; throws why when it does not. */
export async function startPluginProcess(spec: ProcessSpec, services: PluginServices, signal: AbortSignal): Promise<PluginProcess> {
  const wall = await findWall();
  const launched = await launch(commandOf(spec, wall), spec.folder);
  const running = new Running(launched, { spec, services, gaps: gapsOf(wall) });
  try {
    await running.start(signal);
    return running;
  } catch (error) {
    running.kill({ how: "stopped", message: "it did not start" });
    await running.ended;
    throw error;
  }
}

class Running implements PluginProcess {
  readonly output = new Captured();
  readonly gaps: readonly string[];
  readonly #spec: ProcessSpec;
  readonly #timing: Timing;
  readonly #launched: Launched;
  readonly #peer: Peer;
  readonly #ended = Promise.withResolvers<ProcessEnd>();
  readonly #calls = new Set<Promise<unknown>>();
  /** What the callers of the calls under way have read. */
  readonly #taints = new Map<number, readonly string[]>();
  #lastCall = 0;
  #hasReadTainted = false;
  #brought: StartReply = { tools: [] };
  #end: ProcessEnd | undefined;
  #thrown: string | undefined;
  #isStopping = false;
  /** Looks at the process since it last answered: if the host itself was held up, it looked less often too. */
  #silentLooks = 0;
  #isPinged = false;
  #watch: NodeJS.Timeout | undefined;
  #lastUsage: Usage | undefined;
  #starvedLooks = 0;
  #spinningLooks = 0;

  constructor(
    launched: Launched,
    { spec, services, gaps }: { readonly spec: ProcessSpec; readonly services: PluginServices; readonly gaps: readonly string[] },
  ) {
    this.#spec = spec;
    this.#timing = { ...TIMING, ...spec.timing };
    this.gaps = gaps;
    this.#launched = launched;
    for (const stream of launched.outputs) this.output.read(stream);
    this.#peer = new Peer(launched.channel, {
      isPaced: true,
      handle: (method, params, signal) => services.ask(method, params, { signal, tainted: this.#taintDuring(params) }),
      notice: (method, params) => {
        if (method === "thrown") this.#thrown = JSON.stringify(params);
        services.tell(method, params);
      },
      broken: (reason) => this.kill({ how: "protocol", message: `it sent ${reason}` }),
    });
    // It never rejects.
    void launched.ended.then((how) => this.#gone(how));
  }

  get pid(): number {
    return this.#launched.pid;
  }

  get brought(): StartReply {
    return this.#brought;
  }

  get ended(): Promise<ProcessEnd> {
    return this.#ended.promise;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { name, entry, settings } = this.#spec;
    this.#watch = setInterval(() => void this.#look(), this.#timing.watchMs);
    this.#watch.unref();
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#timing.startMs)]);
    try {
      this.#brought = readStartReply(await this.#peer.ask("start", { name, entry, settings }, bounded));
    } catch (thrown) {
      throw this.#startError(AppError.from(thrown));
    }
    // Not before: a start waits for so much else that on a busy machine it would take minutes.
    await stepBack((await usageOf(this.pid))?.pid ?? this.pid);
  }

  async call({ tainted = [], ...request }: PluginCall, signal: AbortSignal): Promise<Json> {
    if (this.#isStopping) throw new AppError("overloaded", `the plugin ${this.#spec.name} is being replaced; try again`);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#timing.callMs)]);
    const id = (this.#lastCall += 1);
    this.#taints.set(id, tainted);
    this.#hasReadTainted ||= tainted.length > 0;
    const asked = this.#peer.ask("call", { id, ...request }, bounded);
    this.#calls.add(asked);
    try {
      return await asked;
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code !== "timeout" || signal.aborted) throw error;
      throw new AppError("timeout", `"${request.tool}" of the plugin ${this.#spec.name} did not end within ${this.#timing.callMs} ms`);
    } finally {
      this.#calls.delete(asked);
      this.#taints.delete(id);
      if (this.#peer.abandoned > ABANDONED_MAX)
        this.kill({ how: "hang", message: `more than ${ABANDONED_MAX} calls that were given up have not ended` });
    }
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#end !== undefined || this.#isStopping) return void (await this.ended);
    this.#isStopping = true;
    await Promise.race([Promise.allSettled(this.#calls), after(graceMs)]);
    await this.#peer.ask("stop", {}, AbortSignal.timeout(Math.min(graceMs, STOP_MS))).catch(() => undefined);
    this.kill({ how: "stopped", message: "it was stopped" });
    await this.ended;
  }

  kill(end: ProcessEnd): void {
    this.#end ??= end;
    this.#launched.kill();
  }

  /** What is asked during a call has read what its caller has read; what belongs to no call may hold anything that this process was given. */
  #taintDuring(params: Json): readonly string[] {
    const during = typeof params === "object" && params !== null && "during" in params ? params.during : undefined;
    const known = typeof during === "number" ? this.#taints.get(during) : undefined;
    return known ?? (this.#hasReadTainted ? [`plugin:${this.#spec.name}`] : []);
  }

  #startError({ code, message }: AppError): AppError {
    const { name } = this.#spec;
    if (this.#end !== undefined) return new AppError("upstream", `the plugin ${name} ended while it started: ${this.#end.message}`);
    const why = code === "timeout" ? `its init did not return within ${this.#timing.startMs} ms` : message;
    return new AppError(code === "timeout" ? "timeout" : "invalid_input", `the plugin ${name} does not start: ${why}`);
  }

  #gone(how: string): void {
    if (this.#watch !== undefined) clearInterval(this.#watch);
    const lastWords = this.output.text.trim().slice(-300);
    this.#end ??=
      /heap out of memory|Failed to reserve|Allocation failed/.test(lastWords) || ABORTS.has(how)
        ? { how: "memory", message: `it used more than its ${this.#spec.memoryMb} MB` }
        : this.#thrown === undefined
          ? { how: "exit", message: `it ended by itself (${how})${lastWords === "" ? "" : `: ${lastWords}`}` }
          : { how: "thrown", message: `it threw where nobody catches: ${this.#thrown}` };
    const follows = this.#isStopping ? "" : "; it is started again";
    this.#peer.close(new AppError("upstream", `the plugin ${this.#spec.name} ended under way: ${this.#end.message}${follows}`));
    this.#ended.resolve(this.#end);
  }

  /** Memory and life. The answer to a ping comes from the plugin's own thread, so one that spins does not give it. */
  async #look(): Promise<void> {
    const { memoryMb } = this.#spec;
    const usage = await usageOf(this.pid);
    if (usage !== undefined && usage.residentMb > memoryMb)
      this.kill({ how: "memory", message: `it used ${Math.round(usage.residentMb)} MB, wanted at most ${memoryMb}` });
    if (!this.#isStarved(usage)) this.#silentLooks += 1;
    this.#holdBack(usage);
    this.#lastUsage = usage;
    const silentMs = this.#silentLooks * this.#timing.watchMs;
    if (silentMs <= this.#timing.hangMs) return this.#ping();
    const why = this.output.isFlooding ? ", and it prints more than is read" : "";
    this.kill({ how: "hang", message: `it has not answered for ${silentMs} ms${why}` });
  }

  /** A process that waited for a processor most of the time could not answer; up to a bound, since it may also be one that holds itself up. */
  #isStarved(usage: Usage | undefined): boolean {
    const waitedMs = (usage?.waitedMs ?? 0) - (this.#lastUsage?.waitedMs ?? 0);
    const isStarved = usage?.pid === this.#lastUsage?.pid && waitedMs > this.#timing.watchMs / 2 && this.#starvedLooks < STARVED_LOOKS_MAX;
    if (isStarved) this.#starvedLooks += 1;
    return isStarved;
  }

  /** One that spins and answers nothing has had its share: from now on it gets what nobody else wants. */
  #holdBack(usage: Usage | undefined): void {
    if (usage === undefined || usage.pid !== this.#lastUsage?.pid) return;
    const ranMs = usage.ranMs - this.#lastUsage.ranMs;
    this.#spinningLooks = this.#isPinged && ranMs > this.#timing.watchMs * SPINNING_SHARE ? this.#spinningLooks + 1 : 0;
    if (this.#spinningLooks === SPINNING_LOOKS) this.#launched.idle(usage.pid);
  }

  #ping(): void {
    if (this.#isPinged) return;
    this.#isPinged = true;
    this.#peer.ask("ping", {}, NEVER).then(
      () => {
        this.#silentLooks = 0;
        this.#isPinged = false;
      },
      // The process is gone, which its end tells.
      () => undefined,
    );
  }
}

const NEVER = new AbortController().signal;

function commandOf({ folder, memoryMb, reads, writes }: ProcessSpec, wall: Wall): Command {
  const readable = [folder, ...CODE_PATHS, ...reads];
  const flags = nodeFlags({ memoryMb, reads: readable, writes });
  const sight = { reads: [...readable, ...PACKAGE_FILES], writes, folder };
  return limited(behind(wall, { file: process.execPath, args: [...flags, PROGRAM] }, sight), { memoryMb });
}

async function after(ms: number): Promise<void> {
  const timer = new AbortController();
  await once(AbortSignal.any([timer.signal, AbortSignal.timeout(ms)]), "abort");
}
