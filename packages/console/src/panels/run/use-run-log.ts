import { useQuery, useQueryClient } from "@tanstack/react-query";
import { AppError, type Event } from "@tutti/core";
import { hasEnded, statusOf } from "@tutti/core/insight";
import { useState } from "react";
import { useLive } from "../../feed.ts";
import { EVENTS_MAX, joined, logQuery } from "./queries.ts";

/** A run's events as they come, each once and in order. */
export interface RunLogState {
  readonly events: readonly Event[];
  readonly isLoading: boolean;
  readonly error: AppError | undefined;
  /** There are more events than a page keeps. */
  readonly isCut: boolean;
  readonly retry: () => unknown;
}

const NONE: readonly Event[] = [];

/** Reads a run's log and listens to what comes after it, until the run has ended. */
export function useRunLog(runId: string): RunLogState {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(logQuery(runId));
  const [feedError, setFeedError] = useState<AppError>();
  const events = data ?? NONE;
  const isOver = events.length >= EVENTS_MAX;
  const isOpen = data !== undefined && !isOver && !hasEnded(statusOf(events.slice(-1)));
  const { queryKey } = logQuery(runId);
  // The feed goes on by itself after what it told, so it is opened once, after what was read first.
  const [after, setAfter] = useState<{ readonly runId: string; readonly seq: number }>();
  if (isOpen && after?.runId !== runId) setAfter({ runId, seq: events.at(-1)?.seq ?? 0 });
  useLive(after?.runId === runId ? { topic: "run", runId, after: after.seq } : null, {
    onStart: (reason) => (reason === "reset" ? refetch() : undefined) as undefined,
    onData: ({ events: told }) => {
      const news = told as unknown as readonly Event[];
      const known = queries.getQueryData(queryKey) ?? NONE;
      // Something between is not here: the log is read anew, and what is known stays.
      if ((news[0]?.seq ?? 0) > (known.at(-1)?.seq ?? 0) + 1) return void refetch();
      queries.setQueryData(queryKey, joined(known, news));
      setFeedError(undefined);
    },
    onError: setFeedError,
  });
  // What is known of the run stays; that the server is away says the frame.
  const failure = error === null || data !== undefined ? feedError : AppError.from(error);
  return { events, isLoading: data === undefined && error === null, error: failure, isCut: isOver, retry: refetch };
}
