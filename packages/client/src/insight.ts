import type { RunDiff, RunInsight, Waiting, WorkflowInsight } from "@tutti/core/insight";
import type { Transport } from "./transport.ts";

/** What a run's log tells, up to the moment given. `truncated` says which bound cut it. */
export interface RunInsightReply {
  readonly insight: RunInsight;
  readonly truncated: readonly string[];
}

/** What many runs of a workflow tell. */
export interface WorkflowInsightReply {
  readonly insight: WorkflowInsight;
  readonly truncated: readonly string[];
}

/** What a run waits for, one sentence each. */
export interface WaitingReply {
  readonly runId: string;
  readonly status: string;
  readonly at: string;
  readonly waiting: readonly Waiting[];
  readonly truncated: readonly string[];
}

/** How two runs differ. */
export interface RunDiffReply {
  readonly diff: RunDiff;
  readonly truncated: readonly string[];
}

/** How many runs to read, and a step to estimate beside what is proposed: "fetch:4" is four times faster. */
export interface WorkflowInsightQuery {
  readonly runs?: number;
  readonly faster?: string;
}

/** The calls that read what logs tell. */
export interface InsightCalls {
  runInsight(runId: string, signal?: AbortSignal): Promise<RunInsightReply>;
  workflowInsight(workflow: string, query?: WorkflowInsightQuery, signal?: AbortSignal): Promise<WorkflowInsightReply>;
  waitingFor(runId: string, signal?: AbortSignal): Promise<WaitingReply>;
  diffRuns(a: string, b: string, signal?: AbortSignal): Promise<RunDiffReply>;
}

/** Many logs take a while to read. */
const READING_TIMEOUT_MS = 120_000;

/** The calls over a transport. */
export function insightCalls(transport: Transport): InsightCalls {
  const get = <T>(path: string, query: Readonly<Record<string, string | number | undefined>>, signal?: AbortSignal): Promise<T> =>
    transport.json({ path, query, timeoutMs: READING_TIMEOUT_MS }, signal);
  const run = (runId: string): string => `/v1/runs/${encodeURIComponent(runId)}`;
  return {
    runInsight: (runId, signal) => get(`${run(runId)}/insight`, {}, signal),
    workflowInsight: (workflow, query = {}, signal) => get(`/v1/workflows/${encodeURIComponent(workflow)}/insight`, { ...query }, signal),
    waitingFor: (runId, signal) => get(`${run(runId)}/waiting`, {}, signal),
    diffRuns: (a, b, signal) => get(`${run(a)}/diff/${encodeURIComponent(b)}`, {}, signal),
  };
}
