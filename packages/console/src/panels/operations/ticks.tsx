import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failure, Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";

const ZONED: Intl.DateTimeFormatOptions = {
  weekday: "short",
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
};

interface TicksProps {
  readonly title: string;
  readonly query: UseQueryResult<readonly string[]>;
  /** The zone that the calendar is of; the reader's own unless given. */
  readonly timeZone?: string | undefined;
}

/** When something is due: in the schedule's own time zone, and how far away that is. */
export function Ticks({ title, query, timeZone }: TicksProps): ReactNode {
  const clock = new Intl.DateTimeFormat(undefined, { ...ZONED, ...(timeZone !== undefined && { timeZone }) });
  return (
    <section aria-label={title} aria-live="polite">
      <h3 className="pb-1 text-xs font-semibold text-ink-2">{title}</h3>
      {query.error !== null && query.data === undefined ? (
        <Failure error={query.error} />
      ) : query.data === undefined ? (
        <Loading lines={4} />
      ) : query.data.length === 0 ? (
        <p className="text-[13px] text-ink-2">It is never due.</p>
      ) : (
        <ol className="flex flex-col text-[13px]">
          {query.data.map((at) => (
            <li key={at} className="flex flex-wrap justify-between gap-x-3 border-b border-line/60 py-1">
              <span className="tabular-nums">{clock.format(new Date(at))}</span>
              <span className="text-ink-2">
                <Moment at={at} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
