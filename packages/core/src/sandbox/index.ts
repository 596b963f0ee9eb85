/** Where code that nobody has checked runs: a port with an adapter for each way to hold it. */
export interface Sandbox {
  readonly report: SandboxReport;
  /**
   * Runs a program to its end in a place of its own that is thrown away afterwards. Resolves with how it ended, also when it was ended;
   * throws `invalid_input` for a request that is none, `cancelled` when `signal` aborts.
   */
  run(request: SandboxRequest, signal: AbortSignal): Promise<SandboxResult>;
  /** Starts a program that lives on and is spoken to over its stdio; only backends whose report says `jails` do. Throws `unsupported` otherwise. */
  jail(spec: JailSpec, signal: AbortSignal): Promise<Jail>;
  close(): Promise<void>;
}

export type SandboxLanguage = "python" | "javascript" | "typescript" | "shell";

/** A program. `files` stand in its working folder under relative names; the folder's regular files come back with the result. */
export interface SandboxRequest {
  readonly language: SandboxLanguage;
  readonly code: string;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly stdin?: string;
  readonly limits?: Partial<SandboxLimits>;
}

/** What a program may use. `cpus` is a share: 0.5 is half of a core. */
export interface SandboxLimits {
  /** Until the program itself begins: what takes longer is the sandbox's fault (`infra`). */
  readonly startTimeoutMs: number;
  /** From the program's begin to its end. */
  readonly runTimeoutMs: number;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly processesMax: number;
  /** Of stdout and of stderr, each. */
  readonly outputBytes: number;
  /** All that it writes to its folders. */
  readonly diskBytes: number;
  /** One file that comes back. */
  readonly fileBytes: number;
  readonly filesMax: number;
}

/**
 * How a program ended: by itself (`exit`), at its time limit, at its memory, at its output's bound, by a rule of the sandbox that ended it
 * (`policy`), or because the sandbox itself failed (`infra`).
 */
export type SandboxReason = "exit" | "timeout" | "oom" | "output" | "policy" | "infra";

export interface SandboxResult {
  readonly reason: SandboxReason;
  readonly exitCode: number | null;
  /** "SIGKILL", when a signal ended it. */
  readonly signal: string | null;
  /** What the sandbox refused the program, as far as it shows: the errno a program sees, and what to do about it. */
  readonly hint?: { readonly errno: string; readonly message: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: { readonly stdout: boolean; readonly stderr: boolean; readonly files: boolean };
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly usage: { readonly startMs: number; readonly wallMs: number; readonly cpuMs: number; readonly memoryPeakBytes: number };
  /** Which backend held it, by its name in `SandboxReport`. */
  readonly backend: SandboxBackend;
}

export type SandboxBackend = "bubblewrap" | "landlock" | "wasm" | "docker" | "gvisor" | "remote";

/** `soft`: memory and CPU are watched, not held. `hard`: the kernel holds every bound. `strangers`: the kernel itself is behind another one. */
export type SandboxLevel = "soft" | "hard" | "strangers";

/** What a backend promises here, as its self-test found it, never by its version. Part of `/health` and of receipts. */
export interface SandboxReport {
  readonly backend: SandboxBackend;
  readonly level: SandboxLevel;
  readonly languages: readonly SandboxLanguage[];
  readonly jails: boolean;
  readonly promises: readonly SandboxPromise[];
}

/** One promise, and what the self-test saw. */
export interface SandboxPromise {
  readonly name:
    | "no-network"
    | "no-host-files"
    | "time"
    | "memory"
    | "processes"
    | "cpu"
    | "output"
    | "no-survivors"
    | "clean-environment"
    | "safe-files";
  readonly holds: boolean;
  /** "held by cgroup v2 memory.max"; or what went wrong. */
  readonly detail: string;
}

/** A program that lives on. It has no network and no keys: what it may reach stands behind the socket that `socketPath` names. */
export interface JailSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of this machine it may see, by the path inside. */
  readonly mounts?: readonly { readonly from: string; readonly to: string; readonly isWritable: boolean }[];
  readonly cwd?: string;
  /** Its own folder, `$HOME` inside, kept between its lives; thrown away with it when left out. */
  readonly volume?: { readonly path: string; readonly quotaBytes: number };
  /** A unix socket of this process, in a folder of its own, bound into the jail. Where jails have users of their own, both become that user's. */
  readonly socketPath?: string;
  readonly limits?: Partial<SandboxLimits>;
  readonly idleTimeoutMs?: number;
  readonly lifetimeMs?: number;
}

/** A running jail. Its streams are bounded by who reads them; stderr is kept up to `outputBytes`. */
export interface Jail {
  readonly pid: number;
  write(bytes: Uint8Array | string): Promise<void>;
  /** What it says on stdout, as it comes. */
  readonly output: AsyncIterable<Uint8Array>;
  readonly stderr: () => string;
  readonly exited: Promise<{ readonly reason: SandboxReason; readonly exitCode: number | null; readonly signal: string | null }>;
  stop(graceMs: number): Promise<void>;
}
