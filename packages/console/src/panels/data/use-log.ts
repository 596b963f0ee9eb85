import { useMemo, useState } from "react";
import { useLive } from "../../feed.ts";
import { useKeptState } from "../../kept-state.ts";
import { useNewestWork } from "../../newest-work.ts";
import { fieldsOf } from "../../parts/json-fields.ts";
import { complain } from "../../parts/toasts.tsx";
import { standsIn } from "../event-text.ts";
import { readBack } from "./log-history.ts";
import { fieldOf, type LoggedEvent } from "./logged-event.ts";

/** Events that are kept in the page. */
const KEPT_MAX = 20_000;
/** Events that one look back wants to find. */
const ENOUGH = 300;

interface LogFilter {
  readonly type: string;
  readonly run: string;
  /** Looked for when older events are read; it does not change what is kept. */
  readonly text: string;
}

/** Events, newest first. */
export interface Log {
  readonly events: readonly LoggedEvent[];
  /** How many came while nobody followed. */
  readonly fresh: number;
  /** The oldest position that was looked at; 1 when the whole log was. */
  readonly lookedFrom: number;
  readonly isReading: boolean;
  readonly readOlder: () => void;
}

interface Kept {
  readonly events: readonly LoggedEvent[];
  readonly later: readonly LoggedEvent[];
  readonly lookedFrom: number;
}

const NOTHING: Kept = { events: [], later: [], lookedFrom: 1 };

/** The log as it grows, and as far back as somebody wants to see it. */
export function useLog({ type, run, text }: LogFilter, isFollowing: boolean): Log {
  const [log, setLog] = useKeptState(`log ${type} ${run}`, NOTHING);
  const [isReading, setReading] = useState(false);
  const reading = useNewestWork();
  const isWanted = (entry: LoggedEvent): boolean =>
    (type === "" || fieldOf(entry.event, "type") === type) && (run === "" || fieldOf(entry.event, "runId") === run);
  const read = async (before: number, wants: (entry: LoggedEvent) => boolean): Promise<void> => {
    const signal = reading.begin();
    setReading(true);
    try {
      const part = await readBack({ before, isWanted: wants, enough: ENOUGH }, signal);
      setLog((known) => ({ ...known, events: [...known.events, ...part.events].slice(0, KEPT_MAX), lookedFrom: part.nextBefore }));
    } catch (thrown) {
      if (!signal.aborted) complain(thrown);
    } finally {
      if (!signal.aborted) setReading(false);
    }
  };
  const filter = { ...(type !== "" && { types: [type] }), ...(run !== "" && { runId: run }) };
  useLive(
    { topic: "log", filter },
    {
      onStart: async (_, position) => {
        setLog(() => ({ ...NOTHING, lookedFrom: position + 1 }));
        await read(position + 1, isWanted);
      },
      onData: ({ events }) =>
        setLog((known) => {
          const later = [...events.toReversed(), ...known.later].slice(0, KEPT_MAX);
          return isFollowing ? { ...known, events: [...later, ...known.events].slice(0, KEPT_MAX), later: [] } : { ...known, later };
        }),
    },
  );
  const events = useMemo(() => (isFollowing ? [...log.later, ...log.events] : log.events), [log, isFollowing]);
  return {
    events,
    fresh: isFollowing ? 0 : log.later.length,
    lookedFrom: log.lookedFrom,
    isReading,
    readOlder: () => {
      if (!isReading && log.lookedFrom > 1 && log.events.length < KEPT_MAX)
        void read(log.lookedFrom, (entry) => isWanted(entry) && standsIn(fieldsOf(entry.event), text));
    },
  };
}
