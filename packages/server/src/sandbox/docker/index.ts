import { homedir } from "node:os";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec, SandboxBackend, SandboxLevel, SandboxLimits } from "@tutti/core/sandbox";
import { z } from "zod";
import type { BackendOptions, OpenBackend, SandboxBackendFactory } from "../backend.ts";
import { PlacePool } from "../shared/place-pool.ts";
import { installTools } from "../shared/runners.ts";
import { openUids } from "../shared/uids.ts";
import type { ContainerBase } from "./container.ts";
import { startContainerJail } from "./container-jail.ts";
import { connectEngine, EngineError, type Engine } from "./engine.ts";
import { findCommands } from "./languages.ts";
import { meansOf } from "./means.ts";
import { OpenContainer } from "./open-container.ts";
import { ownerName, reap } from "./reap.ts";

const IMAGE = "python:3.12-slim";
const OPEN_TIMEOUT_MS = 20_000;
/** Each keeps a connection to the engine for as long as it lives. */
const JAILS_MAX = 64;

const versionSchema = z.looseObject({ Version: z.string(), Components: z.array(z.looseObject({ Name: z.string() })).optional() });
const infoSchema = z.looseObject({ Runtimes: z.record(z.string(), z.unknown()).nullish() });

/** Backend D: each program in a container of its own, of Docker or Podman. */
export const dockerBackend: SandboxBackendFactory = {
  name: "docker",
  level: "hard",
  howToGet: `install Docker or Podman, start it, and bring the image: docker pull ${IMAGE}`,
  hasJails: true,
  open: (options, signal) => openContainers(options, { name: "docker", level: "hard", hasJails: true }, signal),
};

/** What differs between an engine's own runtime and one that stands between programs and the kernel. */
export interface ContainerKind {
  readonly name: SandboxBackend;
  readonly level: SandboxLevel;
  /** Which of these runtimes the engine has to know. */
  readonly runtimes?: readonly string[];
  /** Whether sockets of this machine can be bound into its containers, without which a jail would be of little use. */
  readonly hasJails?: boolean;
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
  const start = (command: string, limits: SandboxLimits, starting: AbortSignal): Promise<OpenContainer> =>
    OpenContainer.start(engine, { ...spec, command, limits }, starting);
  const pool = new PlacePool(kind.name, start, options.warmMax);
  closing.defer(() => pool.close());
  const jail = kind.hasJails === true ? await openJails({ engine, base: spec, options }, closing) : undefined;
  const close = closing.move();
  return {
    level: kind.level,
    languages: [...commands.keys()],
    means: meansOf(runtime),
    run: (program, running) => pool.run(commands.get(program.language) ?? "sh", program, running),
    ...(jail !== undefined && { jail }),
    close: () => close.disposeAsync(),
  };
}

/** Starts jails, and ends those that are left when the engine is let go. */
async function openJails(
  { engine, base, options }: { readonly engine: Engine; readonly base: ContainerBase; readonly options: BackendOptions },
  closing: AsyncDisposableStack,
): Promise<(spec: JailSpec, signal: AbortSignal) => Promise<Jail>> {
  const waiting = closing.adopt(connectEngine(engine.socketPath), (one) => one.close());
  const uids = await openUids();
  let node: Promise<string | undefined> | undefined;
  const parts = {
    engine,
    waiting,
    base,
    limits: options.limits,
    uids,
    node: () =>
      (node ??= process.platform === "linux" ? installTools(options.folder).then((tools) => tools.node) : Promise.resolve(undefined)),
  };
  const alive = new Set<Jail>();
  closing.defer(async () => void (await Promise.all([...alive].map((jail) => jail.stop(0)))));
  return async (spec, signal) => {
    if (alive.size >= JAILS_MAX)
      throw new AppError("overloaded", `wanted at most ${JAILS_MAX} jails in containers at once, got more; end some first`);
    const jail = await startContainerJail(parts, spec, signal);
    alive.add(jail);
    void jail.exited.then(() => alive.delete(jail));
    return jail;
  };
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
