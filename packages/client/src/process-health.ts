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

/** The calls about the process. */
export interface ProcessHealthCalls {
  processHealth(signal?: AbortSignal): Promise<ProcessHealth>;
}

/** The calls over a transport. */
export function processHealthCalls(transport: Transport): ProcessHealthCalls {
  return { processHealth: (signal) => transport.json({ path: "/health" }, signal) };
}
