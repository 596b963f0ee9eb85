import { useQueries } from "@tanstack/react-query";
import type { Event } from "@tutti/core";
import { hasEnded, readRun, statusOf, type RunLog, type RunReading } from "@tutti/core/insight";
import { useEffect, useRef, useState } from "react";
import { useNow } from "../../parts/time.tsx";
import { logQuery } from "./queries.ts";

/** How often the logs of child runs that are open and have not ended are read again. */
const CHILD_EVERY_MS = 2000;
/** Logs with more events are not read anew at every frame, but when so many times the time that reading takes has passed. */
const SMALL_LOG = 1500;
const REST_FACTOR = 6;

/** What a run's log tells of its time, with the child runs that are opened; it grows with the log and, until the run ends, with the clock. */
export function useReading(events: readonly Event[], opened: ReadonlySet<string>): RunReading | undefined {
  const children = useChildLogs(opened);
  const nowTickMs = useNow();
  const nowMs = hasEnded(statusOf(events)) ? undefined : nowTickMs;
  const [reading, setReading] = useState<RunReading>();
  const restUntilMs = useRef(0);
  useEffect(() => {
    if (events.length === 0) return;
    const read = (): void => {
      const startMs = performance.now();
      setReading(readRun({ ...logTree(events, children), ...(nowMs !== undefined && { nowMs }) }));
      const endMs = performance.now();
      restUntilMs.current = events.length < SMALL_LOG ? 0 : endMs + (endMs - startMs) * REST_FACTOR;
    };
    const timer = setTimeout(read, Math.max(0, restUntilMs.current - performance.now()));
    return () => clearTimeout(timer);
  }, [events, children, nowMs]);
  return reading;
}

/** Each log under the one whose run started it. */
function logTree(events: readonly Event[], others: readonly (readonly Event[])[]): RunLog {
  const runId = events[0]?.runId;
  const below = others.filter(([first]) => first?.type === "run.started" && first.parent?.runId === runId);
  return { events, children: below.map((child) => logTree(child, others)) };
}

const combine = (results: readonly { readonly data?: readonly Event[] | undefined }[]): readonly (readonly Event[])[] =>
  results.flatMap(({ data }) => (data === undefined ? [] : [data]));

function useChildLogs(opened: ReadonlySet<string>): readonly (readonly Event[])[] {
  return useQueries({
    queries: [...opened].map((runId) => ({
      ...logQuery(runId),
      refetchInterval: ({ state }: { readonly state: { readonly data?: readonly Event[] | undefined } }) =>
        state.data !== undefined && hasEnded(statusOf(state.data)) ? false : CHILD_EVERY_MS,
    })),
    combine,
  });
}
