import type { Json, QueueStatus } from "@tutti/core";
import type { StartedRun } from "./replies.ts";
import type { Transport } from "./transport.ts";

/** Something a run asks of people. Times are ISO 8601. */
export interface ApprovalEntry {
  readonly runId: string;
  readonly key: string;
  readonly question: string;
  readonly detail?: Json;
  readonly approvers?: readonly string[];
  readonly otherwise?: "approve" | "refuse";
  readonly since: string;
  readonly until: string | null;
}

/** Where to fork a run, and what to change. */
export interface ForkRequest {
  readonly beforeKey?: string;
  readonly input?: Json;
  readonly outputs?: Readonly<Record<string, Json>>;
}

/** Calls about runs that are under way, or that failed. */
export interface SteeringCalls {
  approvals(
    query?: { readonly run?: string | undefined; readonly limit?: number },
    signal?: AbortSignal,
  ): Promise<readonly ApprovalEntry[]>;
  answerApproval(
    approval: { readonly runId: string; readonly key: string },
    answer: { readonly approved: boolean; readonly reason: string },
    signal?: AbortSignal,
  ): Promise<Pick<StartedRun, "run">>;
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
    approvals: async (query = {}, signal) =>
      (await transport.json<{ readonly approvals: readonly ApprovalEntry[] }>({ path: "/v1/approvals", query }, signal)).approvals,
    answerApproval: ({ runId, key }, answer, signal) =>
      transport.json({ method: "POST", path: path(runId, `approvals/${encodeURIComponent(key)}`), body: answer }, signal),
    resumeRun: (runId, options, signal) => transport.json({ method: "POST", path: path(runId, "resume"), body: options }, signal),
    forkRun: (runId, fork, signal) => transport.json({ method: "POST", path: path(runId, "fork"), body: fork }, signal),
    queryRun: async (runId, name, signal) =>
      (await transport.json<{ readonly value: Json }>({ path: path(runId, `queries/${encodeURIComponent(name)}`) }, signal)).value,
    prune: (request, signal) => transport.json({ method: "POST", path: "/v1/prune", body: request, timeoutMs: PRUNE_TIMEOUT_MS }, signal),
    queues: async (signal) => (await transport.json<{ readonly queues: readonly QueueStatus[] }>({ path: "/v1/queues" }, signal)).queues,
  };
}
