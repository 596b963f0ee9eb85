import { useEffect, useEffectEvent, useState, useSyncExternalStore } from "react";
import { useLive } from "../../feed.ts";
import { keepRead, readBefore } from "../../kept-state.ts";
import { liveFilterOf, searchOf, type RunFilters } from "./run-filters.ts";
import { RunReading, type KeptRuns, type ReadRuns } from "./run-reading.ts";

/** A list that was left: coming back finds it where it was. */
interface LeftRuns {
  readonly kept: KeptRuns;
  readonly offset: number;
}

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
  const key = `runs ${JSON.stringify(searchOf(filters))}`;
  const [before] = useState(() => readBefore<LeftRuns>(key));
  const [reading] = useState(() => new RunReading(filters, before?.kept));
  const runs = useSyncExternalStore(reading.subscribe, reading.runs);
  const leave = useEffectEvent(() => {
    const { kept } = reading;
    if (kept !== undefined) keepRead(key, { kept, offset: offset() } satisfies LeftRuns);
  });
  useEffect(() => {
    reading.open();
    return () => {
      leave();
      reading.close();
    };
  }, [reading]);
  useLive(
    { topic: "runs", filter: liveFilterOf(filters), ...(before !== undefined && { after: before.kept.position }) },
    {
      onStart: (_, position) => reading.readNewest(position),
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
