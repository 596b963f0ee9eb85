import { AppError } from "@tutti/core";
import type { Sandbox, SandboxBackend, SandboxLevel, SandboxLimits, SandboxPromise, SandboxReport } from "@tutti/core/sandbox";
import type { BackendOptions, OpenBackend, SandboxBackendFactory } from "./backend.ts";
import { sandboxBackends } from "./backends.ts";
import { DEFAULT_LIMITS, resolveLimits } from "./shared/limits.ts";
import { readProgram } from "./shared/program.ts";
import { makeFolder, removeTree } from "./shared/folder.ts";
import { selfTest } from "./self-test/self-test.ts";

/** Which sandbox is wanted. */
export interface SandboxOptions {
  /** Names in the order in which they are tried; `auto` tries all. */
  readonly backends: "auto" | readonly SandboxBackend[];
  /** Less than this is refused. */
  readonly level: SandboxLevel;
  /** Leaves out those in which no program can live on. */
  readonly mustHaveJails?: boolean;
  readonly limits?: Partial<SandboxLimits>;
  /** How many places are started ahead for each language in use. */
  readonly warmMax?: number;
  readonly image?: string;
  /** The unix socket of a container engine; left out, the usual places are looked at. */
  readonly engineSocket?: string;
  readonly remoteUrl?: string;
}

/** What became of a backend: open and tested, not to be had, or tested and found wanting. */
export type Candidate =
  | { readonly status: "ready"; readonly sandbox: Sandbox }
  | { readonly status: "failed"; readonly report: SandboxReport; readonly reason: string; readonly howToGet: string }
  | { readonly status: "missing"; readonly backend: SandboxBackend; readonly reason: string; readonly howToGet: string };

const RANK: Readonly<Record<SandboxLevel, number>> = { soft: 0, hard: 1, strangers: 2 };
const WARM_MAX = 1;

/**
 * Opens the first backend that passes its self-test and promises at least `level`. Throws `unsupported` when there is none, with what each one
 * lacks and how to get it: nothing weaker is taken instead.
 */
export async function openSandbox(options: SandboxOptions, signal: AbortSignal): Promise<Sandbox> {
  const lacks: string[] = [];
  for (const factory of chosen(options.backends)) {
    if (RANK[factory.level] < RANK[options.level]) {
      lacks.push(`${factory.name}: promises "${factory.level}" at most`);
      continue;
    }
    if (options.mustHaveJails === true && factory.hasJails !== true) {
      lacks.push(`${factory.name}: has no jails`);
      continue;
    }
    const candidate = await tryBackend(factory, options, signal);
    if (candidate.status === "ready") return candidate.sandbox;
    lacks.push(`${factory.name}: ${candidate.reason} (${candidate.howToGet})`);
  }
  throw new AppError(
    "unsupported",
    `wanted a sandbox of level "${options.level}"${options.mustHaveJails === true ? " in which programs can live on" : ""}, got none on this machine; \`tutti sandbox doctor\` shows them. ${lacks.join(". ")}`,
  );
}

/** Opens one backend and tests it. */
export async function tryBackend(factory: SandboxBackendFactory, options: SandboxOptions, signal: AbortSignal): Promise<Candidate> {
  const { name, howToGet } = factory;
  await using opening = new AsyncDisposableStack();
  const folder = await makeFolder(name);
  opening.defer(() => removeTree(folder));
  const { backends: _, mustHaveJails: __, level, limits: asked = {}, warmMax = WARM_MAX, ...rest } = options;
  const limits = resolveLimits(asked, DEFAULT_LIMITS);
  const backendOptions: BackendOptions = { ...rest, limits, warmMax, folder };
  let backend: OpenBackend;
  try {
    backend = await factory.open(backendOptions, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { status: "missing", backend: name, reason: AppError.from(error).message, howToGet };
  }
  opening.defer(() => backend.close());
  const promises = await selfTest(backend, { folder, limits }, signal);
  const report = reportOf(name, backend, promises);
  const reason = whyNot(report, level);
  if (reason !== undefined) return { status: "failed", report, reason, howToGet };
  opening.move();
  return { status: "ready", sandbox: sandboxOf(backend, report, { limits, folder }) };
}

/** Without a hard hold on the processor, a backend that says `hard` is `soft`. */
function reportOf(name: SandboxBackend, backend: OpenBackend, promises: readonly SandboxPromise[]): SandboxReport {
  const hasCpu = promises.find((promise) => promise.name === "cpu")?.holds === true;
  const level = hasCpu ? backend.level : "soft";
  return { backend: name, level, languages: backend.languages, jails: backend.jail !== undefined, promises };
}

function whyNot(report: SandboxReport, wanted: SandboxLevel): string | undefined {
  const broken = report.promises.filter((promise) => !promise.holds && promise.name !== "cpu");
  if (broken.length > 0) return broken.map(({ name, detail }) => `${name} does not hold: ${detail}`).join("; ");
  if (RANK[report.level] >= RANK[wanted]) return undefined;
  const cpu = report.promises.find((promise) => promise.name === "cpu" && !promise.holds);
  return `it is "${report.level}" here, "${wanted}" is required${cpu === undefined ? "" : `; cpu does not hold: ${cpu.detail}`}`;
}

function sandboxOf(backend: OpenBackend, report: SandboxReport, { limits, folder }: Pick<BackendOptions, "limits" | "folder">): Sandbox {
  return {
    report,
    async run(request, signal) {
      if (!report.languages.includes(request.language))
        throw new AppError(
          "invalid_input",
          `wanted one of ${report.languages.join(", ")} as language, got "${request.language}", which ${report.backend} does not run here`,
        );
      const program = readProgram(request, limits);
      try {
        signal.throwIfAborted();
        return await backend.run(program, signal);
      } catch (error) {
        throw signal.aborted
          ? new AppError("cancelled", "the program was ended, because nobody waits for it any more", { cause: error })
          : error;
      }
    },
    async jail(spec, signal) {
      if (backend.jail === undefined)
        throw new AppError("unsupported", `wanted a jail, got ${report.backend}, which has none; install bubblewrap, Docker or Podman`);
      return backend.jail(spec, signal);
    },
    async close() {
      await backend.close();
      await removeTree(folder);
    },
  };
}

function chosen(names: SandboxOptions["backends"]): readonly SandboxBackendFactory[] {
  if (names === "auto") return sandboxBackends;
  return names.map((name) => {
    const found = sandboxBackends.find((factory) => factory.name === name);
    if (found !== undefined) return found;
    throw new AppError(
      "invalid_config",
      `wanted one of ${sandboxBackends.map((factory) => factory.name).join(", ")} as sandbox, got "${name}"`,
    );
  });
}
