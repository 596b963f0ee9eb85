import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { RunRecord } from "@tutti/core";
import { useMemo, type ReactNode } from "react";
import { useLive } from "../../feed.ts";
import { StatusBadge } from "../../parts/badge.tsx";
import { Hint } from "../../parts/hint.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment, useNow } from "../../parts/time.tsx";
import { COLOUR, STATUS_ACCENT } from "../../parts/tones.ts";
import { ago, duration, shortId } from "../../parts/words.ts";
import { queryClient } from "../../query-client.ts";
import { recentRunsQuery, runCountsQuery, runsOfQuery } from "./queries.ts";

/** Dots of one workflow's newest runs. */
const DOTS_MAX = 8;

/** What the lists tell of a workflow's runs. */
export interface RunsOf {
  readonly recent: readonly RunRecord[];
  readonly total: number;
  readonly p50Ms: number | null;
}

/** The newest runs by workflow, kept new by the live feed, of whose news `onNews` hears too. */
export function useRunsByWorkflow(onNews?: () => void): ReadonlyMap<string, RunsOf> {
  const { data: runs } = useQuery(recentRunsQuery);
  const { data: counts } = useQuery(runCountsQuery);
  useLive(
    { topic: "runs" },
    {
      // What changed between the list and the feed is in neither.
      onStart: () => queryClient.invalidateQueries({ queryKey: ["workflow-runs"] }),
      onData: ({ runs: changed }) => {
        queryClient.setQueryData(recentRunsQuery.queryKey, (before = []) => newestOf(changed, before));
        if (changed.some(({ endedAt }) => endedAt !== null)) void queryClient.invalidateQueries(runCountsQuery);
        onNews?.();
      },
    },
  );
  return useMemo(() => {
    const byWorkflow = new Map<string, RunsOf>(
      (counts?.byWorkflow ?? []).map(({ workflow, total, p50DurationMs }) => [workflow, { recent: [], total, p50Ms: p50DurationMs }]),
    );
    for (const [workflow, all] of Map.groupBy(runs ?? [], (run) => run.workflow)) {
      const known = byWorkflow.get(workflow);
      byWorkflow.set(workflow, { total: known?.total ?? all.length, p50Ms: known?.p50Ms ?? null, recent: all.slice(0, DOTS_MAX) });
    }
    return byWorkflow;
  }, [runs, counts]);
}

/** The newest runs of one workflow, kept new by the live feed. */
function useRunsOf(workflow: string): ReturnType<typeof useQuery<readonly RunRecord[]>> {
  const options = runsOfQuery(workflow);
  const query = useQuery<readonly RunRecord[]>(options as never);
  useLive(
    { topic: "runs", filter: { workflows: [workflow] } },
    {
      onStart: () => queryClient.invalidateQueries(options),
      onData: ({ runs: changed }) => {
        queryClient.setQueryData(options.queryKey, (before = []) => newestOf(changed, before));
      },
    },
  );
  return query;
}

/** How many runs a list that is kept new may grow to. */
const KEPT_MAX = 300;

function newestOf(changed: readonly RunRecord[], before: readonly RunRecord[]): readonly RunRecord[] {
  const byId = new Map([...before, ...changed].map((run) => [run.id, run]));
  return [...byId.values()].toSorted((a, b) => b.startedAt.localeCompare(a.startedAt)).slice(0, KEPT_MAX);
}

/** The newest runs as dots, the newest last: each is a link to its run, and says how it went. */
export function RunDots({ runs }: { readonly runs: readonly RunRecord[] }): ReactNode {
  const now = useNow();
  return (
    <span className="inline-flex items-center">
      {runs.toReversed().map(({ id, status, startedAt }) => {
        const text = `${status}, ${ago(Date.parse(startedAt) - now)}`;
        return (
          <Hint key={id} text={text}>
            <Link
              to="/runs/$runId"
              params={{ runId: id }}
              aria-label={`Run ${shortId(id)}: ${text}`}
              className="grid size-7 place-items-center"
            >
              <span className="size-2.5 rounded-full" style={{ background: COLOUR[STATUS_ACCENT[status]] }} />
            </Link>
          </Hint>
        );
      })}
    </span>
  );
}

/** A panel of one workflow's newest runs. `empty` says how to have one. */
export function RecentRuns({ workflow, empty }: { readonly workflow: string; readonly empty: ReactNode }): ReactNode {
  const runs = useRunsOf(workflow);
  return (
    <Panel
      title="Recent runs"
      actions={
        <Link to="/runs" search={{ workflow }} className="text-xs text-blue hover:underline">
          All of them
        </Link>
      }
    >
      <Queried query={runs}>{(all) => (all.length === 0 ? <Empty title="No runs yet">{empty}</Empty> : <RunLines runs={all} />)}</Queried>
    </Panel>
  );
}

function RunLines({ runs }: { readonly runs: readonly RunRecord[] }): ReactNode {
  return (
    <ul className="-my-2 divide-y divide-line/60">
      {runs.slice(0, 10).map(({ id, status, startedAt, endedAt }) => (
        <li key={id} className="flex min-h-9 items-center gap-3 text-[13px]">
          <StatusBadge status={status} />
          <Link to="/runs/$runId" params={{ runId: id }} className="min-w-0 grow truncate font-mono text-xs text-blue hover:underline">
            {shortId(id)}
          </Link>
          <span className="text-end text-ink-2 tabular-nums">
            {endedAt === null ? "" : duration(Date.parse(endedAt) - Date.parse(startedAt))}
          </span>
          <span className="w-24 text-end text-ink-2">
            <Moment at={startedAt} />
          </span>
        </li>
      ))}
    </ul>
  );
}
