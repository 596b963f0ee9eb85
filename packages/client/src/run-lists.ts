import type { RunRecord, RunStatus } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** Which runs to list, newest first. */
export interface RunQuery {
  readonly statuses?: readonly RunStatus[];
  readonly workflow?: string;
  readonly workflows?: readonly string[];
  /** "none": runs that no other run started; or the id of the run whose children are wanted. */
  readonly parent?: string;
  /** Started at or after, in ISO 8601. */
  readonly since?: string;
  /** Started before. */
  readonly until?: string;
  /** The id of who started it. */
  readonly principal?: string;
  /** Text within id, workflow, step names, input, outputs or error, whatever its case. The newest part of the log is looked through. */
  readonly text?: string;
  readonly limit?: number;
  /** `nextBefore` of the page before. */
  readonly before?: string;
}

/**
 * One page of runs; `nextBefore` is what `before` must be for the next, null when there is none. A search by text may give an empty page
 * and go on: `scanned` says how many events it looked through.
 */
export interface RunPage {
  readonly runs: readonly RunRecord[];
  readonly nextBefore: string | null;
  readonly scanned?: number;
}

/** How many runs there are of each kind. Only the newest are counted (`isWhole: false` says that there are older ones). */
export interface RunCounts {
  readonly total: number;
  readonly isWhole: boolean;
  readonly byStatus: Readonly<Record<RunStatus, number>>;
  /** Most runs first. `p50DurationMs` is of runs that completed, null when none did. */
  readonly byWorkflow: readonly {
    readonly workflow: string;
    readonly total: number;
    readonly byStatus: Readonly<Record<RunStatus, number>>;
    readonly p50DurationMs: number | null;
  }[];
}

/** What happened in a span of time. Durations are of runs that ended in it, within 5 %; null when none did. */
export interface ActivityBucket {
  readonly start: string;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly p50DurationMs: number | null;
  readonly p95DurationMs: number | null;
}

/** Activity from `since` to `until`, in spans of `bucketSeconds` that begin at whole multiples of it (UTC). */
export interface Activity {
  readonly since: string;
  readonly until: string;
  readonly bucketSeconds: number;
  readonly buckets: readonly ActivityBucket[];
}

/** What to do with many runs: those named, or those that a filter finds (at most 1,000, newest first). */
export interface BulkRequest {
  /** "retry" starts a fork before the step that failed; "resume" goes on with paused runs. */
  readonly action: "cancel" | "retry" | "resume";
  readonly ids?: readonly string[];
  readonly filter?: Pick<RunQuery, "statuses" | "workflows" | "parent" | "since" | "until" | "principal">;
  readonly reason?: string;
}

/** What came of it for one run; `newRunId` is the fork that a retry started. */
export type BulkResult =
  | { readonly id: string; readonly ok: true; readonly newRunId?: string }
  | { readonly id: string; readonly ok: false; readonly code: string; readonly message: string };

/** A part of a large value. `nextOffset` is where the next part begins, null at the end. Offsets count UTF-16 code units of the text. */
export interface BlobPart {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly offset: number;
  readonly text: string;
  readonly nextOffset: number | null;
}

/** Calls about many runs at once, and about the large values that their events refer to. */
export interface RunListCalls {
  runs(query?: RunQuery, signal?: AbortSignal): Promise<RunPage>;
  runCounts(
    query?: Pick<RunQuery, "statuses" | "workflows" | "parent" | "principal" | "since" | "until">,
    signal?: AbortSignal,
  ): Promise<RunCounts>;
  activity(
    query: { readonly since: string; readonly until?: string; readonly bucketSeconds: number },
    signal?: AbortSignal,
  ): Promise<Activity>;
  bulkRuns(request: BulkRequest, signal?: AbortSignal): Promise<{ readonly results: readonly BulkResult[] }>;
  blob(sha256: string, part?: { readonly offset?: number; readonly limit?: number }, signal?: AbortSignal): Promise<BlobPart>;
}

/** A thousand runs are cancelled one after the other. */
const BULK_TIMEOUT_MS = 300_000;

/** The calls over a transport. */
export function runListCalls(transport: Transport): RunListCalls {
  return {
    runs: ({ statuses, workflow, workflows = [], text, ...query } = {}, signal) =>
      transport.json(
        {
          path: "/v1/runs",
          query: {
            ...query,
            q: text,
            status: statuses?.join(","),
            workflow: joined(workflow === undefined ? workflows : [workflow, ...workflows]),
          },
        },
        signal,
      ),
    runCounts: ({ statuses, workflows = [], ...query } = {}, signal) =>
      transport.json({ path: "/v1/runs/counts", query: { ...query, status: statuses?.join(","), workflow: joined(workflows) } }, signal),
    activity: (query, signal) => transport.json({ path: "/v1/activity", query: { ...query } }, signal),
    bulkRuns: (body, signal) => transport.json({ method: "POST", path: "/v1/runs/bulk", body, timeoutMs: BULK_TIMEOUT_MS }, signal),
    blob: (sha256, part = {}, signal) => transport.json({ path: `/v1/blobs/${encodeURIComponent(sha256)}`, query: { ...part } }, signal),
  };
}

function joined(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(",");
}
