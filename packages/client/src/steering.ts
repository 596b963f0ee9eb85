import type { Json, QueueStatus } from "@tutti/core";
import type { StartedRun } from "./replies.ts";
import type { Transport } from "./transport.ts";

/** Where to fork a run, and what to change. */
export interface ForkRequest {
  readonly beforeKey?: string;
  readonly input?: Json;
  readonly outputs?: Readonly<Record<string, Json>>;
}

/** Calls about runs that are under way, or that failed. */
export interface SteeringCalls {
  resumeRun(runId: string, options: { readonly version?: string }, signal?: AbortSignal): Promise<Pick<StartedRun, "run">>;
  forkRun(runId: string, fork: ForkRequest, signal?: AbortSignal): Promise<StartedRun>;
  queryRun(runId: string, name: string, signal?: AbortSignal): Promise<Json>;
  /** Archives and removes runs that ended long ago. */
  prune(
    request: { readonly days: number; readonly archive?: boolean; readonly dry?: boolean },
    signal?: AbortSignal,
  ): Promise<{ readonly runs: number; readonly values: number; readonly archive: string | null }>;
  queues(signal?: AbortSignal): Promise<readonly QueueStatus[]>;
}

/** Removing a year of runs takes a while. */
const PRUNE_TIMEOUT_MS = 600_000;

export function steeringCalls(transport: Transport): SteeringCalls {
  const path = (runId: string, rest: string): string => `/v1/runs/${encodeURIComponent(runId)}/${rest}`;
  return {
    resumeRun: (runId, options, signal) => transport.json({ method: "POST", path: path(runId, "resume"), body: options }, signal),
    forkRun: (runId, fork, signal) => transport.json({ method: "POST", path: path(runId, "fork"), body: fork }, signal),
    queryRun: async (runId, name, signal) =>
      (await transport.json<{ readonly value: Json }>({ path: path(runId, `queries/${encodeURIComponent(name)}`) }, signal)).value,
    prune: (request, signal) => transport.json({ method: "POST", path: "/v1/prune", body: request, timeoutMs: PRUNE_TIMEOUT_MS }, signal),
    queues: async (signal) => (await transport.json<{ readonly queues: readonly QueueStatus[] }>({ path: "/v1/queues" }, signal)).queues,
  };
}
