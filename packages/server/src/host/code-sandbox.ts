import { createHash } from "node:crypto";
import { AppError, canonicalJson } from "@tutti/core";
import type { Sandbox, SandboxBackend, SandboxReport } from "@tutti/core/sandbox";
import { openSandbox, sandboxBackends, tryBackend, type Candidate, type SandboxOptions } from "../sandbox/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Config } from "./config/index.ts";

/** The app's one sandbox: opened and tested soon after the start, or when it is first needed, then kept. */
export interface CodeSandbox {
  readonly isOn: boolean;
  /** Throws `unsupported` when code execution is off, or when nothing here promises what is required. */
  get(): Promise<Sandbox>;
  /** The same one, where programs can live on in it; otherwise the first of those that are wanted where they can. */
  getForJails(): Promise<Sandbox>;
  /** Tests it by itself in a moment, when whoever waited for the start has been answered. */
  testSoon(logger: Logger, delayMs?: number): void;
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
/** The self-test fills a core for a moment: a start has better things to do. */
const TEST_DELAY_MS = 5_000;

/** A sandbox as the configuration says; nothing is started yet. */
export function createCodeSandbox(config: Config): CodeSandbox {
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let state: SandboxState = { status: config.sandbox === "off" ? "off" : "untested" };
  const options = sandboxOptionsOf(config);
  const code = openedOnce(async () => {
    state = { status: "testing" };
    try {
      const sandbox = await openSandbox(options, closing.signal);
      state = { status: "ready", report: sandbox.report, promisesHash: promisesHash(sandbox.report) };
      return sandbox;
    } catch (error) {
      state = { status: "unavailable", reason: AppError.from(error).message };
      throw error;
    }
  });
  const jails = openedOnce(() => openSandbox({ ...options, mustHaveJails: true }, closing.signal));
  const get = async (): Promise<Sandbox> => {
    if (config.sandbox === "off") throw new AppError("unsupported", OFF);
    if (closing.signal.aborted) throw new AppError("cancelled", "Tutti is stopping");
    return code.get();
  };
  return {
    isOn: config.sandbox !== "off",
    get,
    async getForJails() {
      const sandbox = await get();
      return sandbox.report.jails ? sandbox : jails.get();
    },
    testSoon(logger, delayMs = TEST_DELAY_MS) {
      if (config.sandbox === "off") return;
      timer = setTimeout(() => {
        get().catch((error: unknown) => {
          if (!closing.signal.aborted) logger.warn({ reason: AppError.from(error).message }, "no sandbox can be had; code is not run");
        });
      }, delayMs);
      timer.unref();
    },
    state: () => state,
    async close() {
      clearTimeout(timer);
      closing.abort();
      await Promise.all([code.close(), jails.close()]);
    },
  };
}

interface OpenedOnce {
  get(): Promise<Sandbox>;
  close(): Promise<void>;
}

/** Opens a sandbox when it is first asked for, and keeps it; after a failure it is tried anew, for whoever installs what was missing need not start again. */
function openedOnce(open: () => Promise<Sandbox>): OpenedOnce {
  let opening: Promise<Sandbox> | undefined;
  return {
    get() {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    async close() {
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

function sandboxOptionsOf({ sandbox, sandboxLevel, sandboxOptions, engineSocket }: Config): SandboxOptions {
  const { limits = {}, warmMax, image, remoteUrl } = sandboxOptions;
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
