import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec, SandboxLimits } from "@tutti/core/sandbox";
import { z } from "zod";
import { giveBelongings, userOf } from "../jails/belongings.ts";
import { watchLife, type EndingReason, type JailLife } from "../jails/life.ts";
import { capOutput } from "../shared/capped-output.ts";
import { resolveLimits } from "../shared/limits.ts";
import type { Uids } from "../shared/uids.ts";
import { PROGRAM_UID, type ContainerBase } from "./container.ts";
import { demultiplex, type Demultiplexed } from "./demultiplex.ts";
import { EngineError, type Engine } from "./engine.ts";
import { jailBody } from "./jail-body.ts";
import { removeContainer, SIGKILL_EXIT, startContainer, wasOutOfMemory } from "./open-container.ts";

/** What jails are started with. */
export interface ContainerJailParts {
  readonly engine: Engine;
  /** The same engine, for calls that last as long as a jail lives: they must not take connections from others. */
  readonly waiting: Engine;
  readonly base: ContainerBase;
  readonly limits: SandboxLimits;
  readonly uids: Uids | undefined;
  /** Tutti's own Node, where a container can run it. */
  readonly node: () => Promise<string | undefined>;
}

type Ended = Awaited<Jail["exited"]>;

const STOP_TIMEOUT_MS = 5_000;
const stateSchema = z.looseObject({ State: z.looseObject({ Pid: z.int() }) });
const endedSchema = z.looseObject({ StatusCode: z.int() });

/** Starts a program that lives on, in a container of its own. It sees its volume, its mounts and its socket, and nothing else of this machine. */
export async function startContainerJail(parts: ContainerJailParts, spec: JailSpec, signal: AbortSignal): Promise<Jail> {
  const { engine, base } = parts;
  const limits = resolveLimits(spec.limits ?? {}, parts.limits);
  const given = userOf(spec, parts.uids);
  await giveBelongings(spec, given);
  // Without root, files are shared with a container by being the same user there.
  const uid = given ?? process.getuid?.() ?? PROGRAM_UID;
  const starting = AbortSignal.any([signal, AbortSignal.timeout(limits.startTimeoutMs)]);
  const body = jailBody({ ...base, spec, limits, uid, node: await parts.node() });
  const { id, connection } = await startContainer(engine, body, starting).catch(explained);
  try {
    const { State: state } = stateSchema.parse(await engine.ask({ method: "GET", path: `/containers/${id}/json` }, starting));
    return new ContainerJail(parts, { id, connection, pid: state.Pid, spec, limits });
  } catch (error) {
    await removeContainer(engine, id);
    connection.destroy();
    throw error;
  }
}

/** An engine says what is wrong with a mount, a folder or a program. */
function explained(error: unknown): never {
  if (error instanceof EngineError) throw new AppError("unsupported", `the container did not start: ${error.message}`, { cause: error });
  throw error;
}

class ContainerJail implements Jail {
  readonly pid: number;
  readonly output: AsyncIterable<Uint8Array>;
  readonly stderr: () => string;
  readonly exited: Promise<Ended>;
  readonly #engine: Engine;
  readonly #id: string;
  readonly #connection: Duplex;
  readonly #streams: Demultiplexed;
  readonly #life: JailLife;
  #stopped: EndingReason | undefined;
  #isKilled = false;
  #hasEnded = false;

  constructor(
    { engine, waiting }: ContainerJailParts,
    parts: {
      readonly id: string;
      readonly connection: Duplex;
      readonly pid: number;
      readonly spec: JailSpec;
      readonly limits: SandboxLimits;
    },
  ) {
    const { id, connection, pid, spec, limits } = parts;
    this.pid = pid;
    this.#engine = engine;
    this.#id = id;
    this.#connection = connection;
    // How the program ended is asked of the engine, not seen from a stream that breaks.
    connection.on("error", () => {});
    this.#streams = demultiplex(connection);
    this.#streams.ended.catch(() => {});
    this.stderr = capOutput(this.#streams.stderr, limits.outputBytes, () => {}).text;
    this.output = this.#read();
    this.#life = watchLife(spec, (reason) => void this.#kill(reason));
    this.exited = this.#end(waiting);
  }

  write(bytes: Uint8Array | string): Promise<void> {
    this.#life.touch();
    return new Promise((resolve, reject) => {
      if (this.#hasEnded || !this.#connection.writable)
        reject(new AppError("conflict", "wanted a program that runs, got one that has ended; start it again"));
      else
        this.#connection.write(bytes, (error) =>
          error ? reject(new AppError("upstream", "the program does not read any more", { cause: error })) : resolve(),
        );
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.#connection.end();
    const call = { method: "POST", path: `/containers/${this.#id}/kill`, query: { signal: "SIGTERM" } } as const;
    // One that has ended already has nobody to be told.
    await this.#engine.ask(call, AbortSignal.timeout(STOP_TIMEOUT_MS)).catch(() => undefined);
    await Promise.race([this.exited, delay(graceMs, undefined, { ref: false })]);
    if (!this.#hasEnded) await this.#kill(undefined);
    await this.exited;
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#streams.stdout as AsyncIterable<Buffer>) {
      this.#life.touch();
      yield chunk;
    }
  }

  async #kill(reason: EndingReason | undefined): Promise<void> {
    this.#stopped ??= reason;
    this.#isKilled = true;
    await removeContainer(this.#engine, this.#id);
  }

  async #end(waiting: Engine): Promise<Ended> {
    const code = await this.#exitCode(waiting);
    this.#hasEnded = true;
    this.#life.over();
    const isOutOfMemory = !this.#isKilled && code === SIGKILL_EXIT && (await this.#wasOutOfMemory());
    await removeContainer(this.#engine, this.#id);
    if (this.#isKilled) return { reason: this.#stopped ?? "exit", exitCode: null, signal: "SIGKILL" };
    if (code === undefined) return { reason: "infra", exitCode: null, signal: null };
    return { reason: isOutOfMemory ? "oom" : "exit", exitCode: code, signal: null };
  }

  /** `undefined` when the engine is gone, or the container without its knowing. */
  async #exitCode(waiting: Engine): Promise<number | undefined> {
    const call = { method: "POST", path: `/containers/${this.#id}/wait` } as const;
    try {
      return endedSchema.parse(await waiting.ask(call, new AbortController().signal)).StatusCode;
    } catch {
      return undefined;
    }
  }

  /** One whose container was taken away meanwhile was ended, not out of memory. */
  #wasOutOfMemory(): Promise<boolean> {
    return wasOutOfMemory(this.#engine, this.#id, AbortSignal.timeout(STOP_TIMEOUT_MS)).catch(() => false);
  }
}
