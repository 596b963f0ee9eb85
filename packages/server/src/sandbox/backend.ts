import type {
  Jail,
  JailSpec,
  SandboxBackend,
  SandboxLanguage,
  SandboxLevel,
  SandboxLimits,
  SandboxPromise,
  SandboxResult,
} from "@tutti/core/sandbox";

/** One way to hold foreign code. Each stands in `backends.ts`, in the order in which they are tried. */
export interface SandboxBackendFactory {
  readonly name: SandboxBackend;
  /** The most it can promise. */
  readonly level: SandboxLevel;
  /** Whether programs can live on in it. */
  readonly hasJails?: boolean;
  /** How to get it, for people who have not. */
  readonly howToGet: string;
  /** Starts it. Throws `unsupported` with what is missing; whether it holds what it says, the self-test finds out afterwards. */
  open(options: BackendOptions, signal: AbortSignal): Promise<OpenBackend>;
}

/** What a backend is opened with. */
export interface BackendOptions {
  /** What holds for programs that ask for nothing else. */
  readonly limits: SandboxLimits;
  /** A folder of its own, removed after `close`. Others of this machine may pass through it, not list it. */
  readonly folder: string;
  /** How many places are started ahead for each language in use. */
  readonly warmMax: number;
  /** The unix socket of a container engine; left out, the usual places are looked at. */
  readonly engineSocket?: string;
  /** The image for backends that need one. */
  readonly image?: string;
  /** Where a remote sandbox listens. */
  readonly remoteUrl?: string;
}

/** A backend that runs. It gets checked programs and need not look at them again. */
export interface OpenBackend {
  readonly level: SandboxLevel;
  readonly languages: readonly SandboxLanguage[];
  /** By what it holds each promise, in a few words: "cgroup v2 memory.max". */
  readonly means: Readonly<Record<SandboxPromise["name"], string>>;
  /** What it does not promise, whatever a self-test sees of it. */
  readonly lacks?: readonly SandboxPromise["name"][];
  run(program: Program, signal: AbortSignal): Promise<SandboxResult>;
  /** Left out by backends that have none. */
  jail?(spec: JailSpec, signal: AbortSignal): Promise<Jail>;
  close(): Promise<void>;
}

/** A request that was checked: names of files are safe, every limit is there, and the program is one of the files. */
export interface Program {
  readonly language: SandboxLanguage;
  /** The name of the file that holds the program. */
  readonly entry: string;
  /** All that stands in the working folder, the program too. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names in `files` that are ours and do not come back unless the program changed them. */
  readonly own: ReadonlySet<string>;
  readonly stdin: string;
  readonly limits: SandboxLimits;
}
