import type { SandboxReport } from "@tutti/core/sandbox";
import type { Transport } from "./transport.ts";

/** How far the sandbox is, and what it promises once its self-test has run. */
export type SandboxState =
  | { readonly status: "off" | "untested" | "testing" }
  | { readonly status: "ready"; readonly report: SandboxReport; readonly promisesHash: string }
  | { readonly status: "unavailable"; readonly reason: string };

/** The process, as its owner sees it. */
export interface ProcessHealth {
  readonly status: "ok";
  readonly pid: number;
  readonly sandbox: SandboxState;
}

/** What became of a sandbox when it was tried. */
export interface ExaminedSandbox {
  readonly backend: string;
  readonly status: "ready" | "failed" | "missing";
  readonly report?: SandboxReport;
  readonly reason?: string;
  readonly howToGet: string;
}

/** Every sandbox of the machine, and what the configuration asks for. */
export interface SandboxExamination {
  readonly level: string;
  readonly setting: string;
  readonly backends: readonly ExaminedSandbox[];
}

/** Self-tests of all sandboxes take seconds each. */
const EXAMINATION_TIMEOUT_MS = 300_000;

/** The calls about the process. */
export interface ProcessHealthCalls {
  processHealth(signal?: AbortSignal): Promise<ProcessHealth>;
  /** Tests every sandbox of the server's machine now. */
  examineSandboxes(signal?: AbortSignal): Promise<SandboxExamination>;
}

/** The calls over a transport. */
export function processHealthCalls(transport: Transport): ProcessHealthCalls {
  return {
    processHealth: (signal) => transport.json({ path: "/health" }, signal),
    examineSandboxes: (signal) =>
      transport.json({ method: "POST", path: "/v1/sandbox/examinations", timeoutMs: EXAMINATION_TIMEOUT_MS }, signal),
  };
}
