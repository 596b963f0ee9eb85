import { homedir } from "node:os";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { SandboxBackend, SandboxLanguage, SandboxLevel, SandboxLimits, SandboxPromise, SandboxResult } from "@tutti/core/sandbox";
import { z } from "zod";
import type { BackendOptions, OpenBackend, Program, SandboxBackendFactory } from "../backend.ts";
import { buildResult, NO_FILES } from "../shared/result.ts";
import type { ContainerSpec } from "./container.ts";
import { connectEngine, EngineError, type Engine } from "./engine.ts";
import { findCommands } from "./languages.ts";
import { meansOf } from "./means.ts";
import { Place } from "./place.ts";
import { ownerName, reap } from "./reap.ts";

const IMAGE = "python:3.12-slim";
const OPEN_TIMEOUT_MS = 20_000;
/** Limits for which places are kept ready; those that were asked for longest ago give way. */
const POOLS_MAX = 4;

const versionSchema = z.looseObject({ Version: z.string(), Components: z.array(z.looseObject({ Name: z.string() })).optional() });
const infoSchema = z.looseObject({ Runtimes: z.record(z.string(), z.unknown()).nullish() });

/** Backend D: each program in a container of its own, of Docker or Podman. */
export const dockerBackend: SandboxBackendFactory = {
  name: "docker",
  level: "hard",
  howToGet: `install Docker or Podman, start it, and bring the image: docker pull ${IMAGE}`,
  open: (options, signal) => openContainers(options, { name: "docker", level: "hard" }, signal),
};

/** What differs between an engine's own runtime and one that stands between programs and the kernel. */
export interface ContainerKind {
  readonly name: SandboxBackend;
  readonly level: SandboxLevel;
  /** Which of these runtimes the engine has to know. */
  readonly runtimes?: readonly string[];
}

/** Opens the first engine that answers on this machine. Throws `unsupported` with what is missing. */
export async function openContainers(options: BackendOptions, kind: ContainerKind, signal: AbortSignal): Promise<OpenBackend> {
  const opening = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
  await using closing = new AsyncDisposableStack();
  const engine = closing.adopt(connectEngine(await findSocket(options.engineSocket)), (one) => one.close());
  const version = versionSchema.parse(await engine.ask({ method: "GET", path: "/version" }, opening));
  const runtime = await findRuntime(engine, kind, opening);
  const image = options.image ?? IMAGE;
  await checkImage(engine, image, opening);
  await reap(engine, opening);
  const spec = {
    image,
    owner: ownerName(),
    isPodman: version.Components?.some(({ Name: name }) => name.startsWith("Podman")) === true,
    ...(runtime === undefined ? {} : { runtime }),
  };
  const commands = await findCommands(engine, { ...spec, limits: options.limits }, opening);
  closing.move();
  return new Containers({ engine, spec, kind, commands, warmMax: options.warmMax });
}

interface ContainersOptions {
  readonly engine: Engine;
  readonly spec: Omit<ContainerSpec, "limits">;
  readonly kind: ContainerKind;
  readonly commands: ReadonlyMap<SandboxLanguage, string>;
  readonly warmMax: number;
}

class Containers implements OpenBackend {
  readonly level: SandboxLevel;
  readonly languages: readonly SandboxLanguage[];
  readonly means: Readonly<Record<SandboxPromise["name"], string>>;
  readonly #options: ContainersOptions;
  /** Places ready, by what they were made for. Each serves one program. */
  readonly #ready = new Map<string, Promise<Place | undefined>[]>();
  readonly #closing = new AbortController();
  readonly #removing = new Set<Promise<void>>();

  constructor(options: ContainersOptions) {
    this.#options = options;
    this.level = options.kind.level;
    this.languages = [...options.commands.keys()];
    this.means = meansOf(options.spec.runtime);
  }

  async run(program: Program, signal: AbortSignal): Promise<SandboxResult> {
    const { name } = this.#options.kind;
    const began = performance.now();
    let place: Place | undefined;
    try {
      place = await this.#place(program.limits, AbortSignal.any([signal, AbortSignal.timeout(program.limits.startTimeoutMs)]));
      const startMs = performance.now() - began;
      const ending = await place.run(program, this.#options.commands.get(program.language) ?? "sh", signal);
      return buildResult({ ...ending, backend: name, usage: { ...ending.usage, startMs } });
    } catch (error) {
      if (signal.aborted) throw new AppError("cancelled", "the program's run was cancelled", { cause: error });
      return failedBy(error, name, performance.now() - began);
    } finally {
      if (place !== undefined) this.#own(place.remove());
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const waiting = [...this.#ready.values()].flat();
    this.#ready.clear();
    for (const place of await Promise.all(waiting)) if (place !== undefined) this.#own(place.remove());
    await Promise.all(this.#removing);
    await this.#options.engine.close();
  }

  async #place(limits: SandboxLimits, signal: AbortSignal): Promise<Place> {
    const key = JSON.stringify([limits.memoryBytes, limits.cpus, limits.processesMax, limits.diskBytes]);
    const ready = this.#ready.get(key) ?? [];
    this.#ready.delete(key);
    this.#ready.set(key, ready);
    const warm = await ready.shift();
    const place = warm ?? (await Place.start(this.#options.engine, { ...this.#options.spec, limits }, signal));
    // Started while this program runs, ready for the next.
    while (ready.length < this.#options.warmMax && !this.#closing.signal.aborted) ready.push(this.#startWarm(limits));
    this.#dropOldPools();
    return place;
  }

  /** A place that could not be started ahead is started when it is needed, where its failure is told. */
  #startWarm(limits: SandboxLimits): Promise<Place | undefined> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.startTimeoutMs)]);
    return Place.start(this.#options.engine, { ...this.#options.spec, limits }, signal).catch(() => undefined);
  }

  #dropOldPools(): void {
    for (const [key, places] of this.#ready) {
      if (this.#ready.size <= POOLS_MAX) return;
      this.#ready.delete(key);
      for (const place of places) this.#own(place.then((one) => one?.remove()));
    }
  }

  /** Nobody waits for a container's removal but `close`. */
  #own(removing: Promise<void>): void {
    const owned = removing.finally(() => this.#removing.delete(owned));
    this.#removing.add(owned);
  }
}

function failedBy(error: unknown, backend: SandboxBackend, startMs: number): SandboxResult {
  const message = AppError.from(error).message;
  const silent = { text: () => "", isTruncated: () => false };
  return buildResult({
    backend,
    stopped: "infra",
    exitCode: null,
    signal: null,
    stdout: silent,
    stderr: silent,
    files: NO_FILES,
    usage: { startMs, wallMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
    hint: { errno: "EIO", message },
  });
}

async function findSocket(wanted: string | undefined): Promise<string> {
  if (wanted !== undefined) return wanted;
  const user = `/run/user/${process.getuid?.() ?? 0}`;
  const home = join(homedir(), ".docker/run/docker.sock");
  const places = ["/var/run/docker.sock", `${user}/docker.sock`, home, "/run/podman/podman.sock", `${user}/podman/podman.sock`];
  for (const place of places) {
    const isThere = await access(place).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  throw new AppError("unsupported", `wanted the socket of a container engine, got none of ${places.join(", ")}; start Docker or Podman`);
}

async function findRuntime(engine: Engine, { runtimes, name }: ContainerKind, signal: AbortSignal): Promise<string | undefined> {
  if (runtimes === undefined) return undefined;
  const { Runtimes: known } = infoSchema.parse(await engine.ask({ method: "GET", path: "/info" }, signal));
  const found = runtimes.find((runtime) => Object.hasOwn(known ?? {}, runtime));
  if (found !== undefined) return found;
  throw new AppError(
    "unsupported",
    `wanted one of ${runtimes.join(", ")} among the engine's runtimes for ${name}, got ${Object.keys(known ?? {}).join(", ")}`,
  );
}

async function checkImage(engine: Engine, image: string, signal: AbortSignal): Promise<void> {
  try {
    await engine.ask({ method: "GET", path: `/images/${image}/json` }, signal);
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 404) throw error;
    throw new AppError(
      "unsupported",
      `wanted the image ${image}, got none in the engine at ${engine.socketPath}; run: docker pull ${image}`,
      { cause: error },
    );
  }
}
