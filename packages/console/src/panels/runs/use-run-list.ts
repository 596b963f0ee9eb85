import { useEffect, useEffectEvent, useState, useSyncExternalStore } from "react";
import { useLive } from "../../feed.ts";
import { liveFilterOf, searchOf, type RunFilters } from "./run-filters.ts";
import { RunReading, type KeptRuns, type ReadRuns } from "./run-reading.ts";

/** The list that was left last, so that coming back finds it where it was. */
let left: { readonly key: string; readonly kept: KeptRuns; readonly offset: number } | undefined;

/** A live list of runs. */
export interface LiveRunList extends ReadRuns, Pick<RunReading, "readMore" | "readAnew" | "release" | "hold"> {
  /** How far the list was scrolled when it was left. */
  readonly offset: number;
}

interface Options {
  /** Told when the feed has changed the list. */
  readonly onChange: () => void;
  /** How far the list is scrolled now. */
  readonly offset: () => number;
}

/** Runs that filters find, kept new by the feed. Make the caller anew when the filters change. */
export function useRunList(filters: RunFilters, { onChange, offset }: Options): LiveRunList {
  const key = JSON.stringify(searchOf(filters));
  const [before] = useState(() => (left?.key === key ? left : undefined));
  const [reading] = useState(() => new RunReading(filters, before?.kept));
  const runs = useSyncExternalStore(reading.subscribe, reading.runs);
  const keep = useEffectEvent(() => {
    const { kept } = reading;
    if (kept !== undefined) left = { key, kept, offset: offset() };
  });
  useEffect(() => {
    reading.open();
    return () => {
      keep();
      reading.close();
    };
  }, [reading]);
  useLive(
    { topic: "runs", filter: liveFilterOf(filters), ...(before !== undefined && { after: before.kept.position }) },
    {
      onStart: () => reading.readNewest(),
      onData: (changes, position) => {
        reading.take(changes, position);
        onChange();
      },
      onError: (error) => reading.fail(error),
    },
    { isPaced: true },
  );
  const { readMore, readAnew, release, hold } = reading;
  return { ...runs, offset: before?.offset ?? 0, readMore, readAnew, release, hold };
}
