import { createHash } from "node:crypto";
import { AppError, canonicalJson } from "@tutti/core";
import type { Sandbox, SandboxBackend, SandboxReport } from "@tutti/core/sandbox";
import { openSandbox, sandboxBackends, tryBackend, type Candidate, type SandboxOptions } from "../sandbox/index.ts";
import type { Config } from "./config/index.ts";

/** The app's one sandbox: opened and tested when it is first needed, then kept. */
export interface CodeSandbox {
  readonly isOn: boolean;
  /** Throws `unsupported` when code execution is off, or when nothing here promises what is required. */
  get(): Promise<Sandbox>;
  /** What is known so far. */
  state(): SandboxState;
  close(): Promise<void>;
}

/** Part of `/health`. */
type SandboxState =
  | { readonly status: "off" | "untested" | "testing" }
  | { readonly status: "ready"; readonly report: SandboxReport; readonly promisesHash: string }
  | { readonly status: "unavailable"; readonly reason: string };

const OFF = "code execution is off; turn it on with TUTTI_SANDBOX=auto and see what this machine has with `tutti sandbox doctor`";

/** A sandbox as the configuration says; nothing is started yet. */
export function createCodeSandbox(config: Config): CodeSandbox {
  const closing = new AbortController();
  let opening: Promise<Sandbox> | undefined;
  let state: SandboxState = { status: config.sandbox === "off" ? "off" : "untested" };
  const open = async (): Promise<Sandbox> => {
    state = { status: "testing" };
    try {
      const sandbox = await openSandbox(sandboxOptionsOf(config), closing.signal);
      state = { status: "ready", report: sandbox.report, promisesHash: promisesHash(sandbox.report) };
      return sandbox;
    } catch (error) {
      state = { status: "unavailable", reason: AppError.from(error).message };
      // Whoever installs what was missing need not start anew.
      opening = undefined;
      throw error;
    }
  };
  return {
    isOn: config.sandbox !== "off",
    async get() {
      if (config.sandbox === "off") throw new AppError("unsupported", OFF);
      if (closing.signal.aborted) throw new AppError("cancelled", "Tutti is stopping");
      opening ??= open();
      return opening;
    },
    state: () => state,
    async close() {
      closing.abort();
      const sandbox = await opening?.catch(() => undefined);
      await sandbox?.close();
    },
  };
}

/** SHA-256 of a report, so that a receipt tells exactly under which promises a program ran. */
function promisesHash(report: SandboxReport): string {
  return createHash("sha256").update(canonicalJson(report)).digest("hex");
}

/** Tries every backend, or the one that is named, one after the other, and leaves nothing open. */
export async function* examineSandboxes(config: Config, names: readonly string[], signal: AbortSignal): AsyncGenerator<SandboxExamination> {
  for (const factory of sandboxBackends) {
    if (names.length > 0 && !names.includes(factory.name)) continue;
    const candidate = await tryBackend(factory, { ...sandboxOptionsOf(config), level: "soft" }, signal);
    if (candidate.status === "ready") await candidate.sandbox.close();
    yield examinationOf(factory.name, factory.howToGet, candidate);
  }
}

/** What became of a backend when it was tried. */
export interface SandboxExamination {
  readonly backend: SandboxBackend;
  readonly status: Candidate["status"];
  readonly report?: SandboxReport;
  readonly reason?: string;
  readonly howToGet: string;
}

function examinationOf(backend: SandboxBackend, howToGet: string, candidate: Candidate): SandboxExamination {
  switch (candidate.status) {
    case "ready":
      return { backend, status: "ready", report: candidate.sandbox.report, howToGet };
    case "failed":
      return { backend, status: "failed", report: candidate.report, reason: candidate.reason, howToGet };
    case "missing":
      return { backend, status: "missing", reason: candidate.reason, howToGet };
  }
}

/** Opens a sandbox for one command, whatever `sandbox` says: who calls it wants to run code. */
export function openSandboxFor(config: Config, signal: AbortSignal): Promise<Sandbox> {
  return openSandbox(sandboxOptionsOf(config), signal);
}

function sandboxOptionsOf({ sandbox, sandboxLevel, sandboxOptions }: Config): SandboxOptions {
  const { limits = {}, warmMax, image, engineSocket, remoteUrl } = sandboxOptions;
  return {
    backends: sandbox === "off" ? "auto" : sandbox,
    level: sandboxLevel,
    limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
    ...(warmMax === undefined ? {} : { warmMax }),
    ...(image === undefined ? {} : { image }),
    ...(engineSocket === undefined ? {} : { engineSocket }),
    ...(remoteUrl === undefined ? {} : { remoteUrl }),
  };
}
