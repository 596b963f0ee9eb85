import type { Client } from "@tutti/client";
import type { RunDiff, RunInsight, Waiting, WorkflowInsight } from "@tutti/core/insight";

interface InsightCalls {
  runInsight(runId: string, signal?: AbortSignal): Promise<{ readonly insight: RunInsight; readonly truncated: readonly string[] }>;
  workflowInsight(
    workflow: string,
    query?: { readonly runs?: number; readonly faster?: string },
    signal?: AbortSignal,
  ): Promise<{ readonly insight: WorkflowInsight; readonly truncated: readonly string[] }>;
  waitingFor(runId: string, signal?: AbortSignal): Promise<{ readonly waiting: readonly Waiting[]; readonly truncated: readonly string[] }>;
  diffRuns(a: string, b: string, signal?: AbortSignal): Promise<{ readonly diff: RunDiff; readonly truncated: readonly string[] }>;
}

/** The client's calls that read what logs tell. */
export function insightCallsOf(client: Client): InsightCalls {
  return client as Client & InsightCalls;
}
