import { scaleLinear } from "d3-scale";
import type { ReactNode } from "react";
import { duration } from "../../../parts/words.ts";
import type { TimeWindow } from "./time-window.ts";

const TICKS = 6;

/** Moments at round times from the run's start. */
export function ticksOf({ fromMs, toMs }: TimeWindow): readonly { readonly ms: number; readonly place: number }[] {
  const scale = scaleLinear().domain([fromMs, toMs]).range([0, 100]);
  return scale.ticks(TICKS).map((ms) => ({ ms, place: scale(ms) }));
}

/** Times over the bars. */
export function Axis({ window }: { readonly window: TimeWindow }): ReactNode {
  return (
    <div aria-hidden className="relative h-full overflow-hidden text-[10px] text-ink-3 tabular-nums" dir="ltr">
      {ticksOf(window).map(({ ms, place }) => (
        <span
          key={ms}
          className="absolute inset-y-0 flex items-center border-l border-line ps-1 whitespace-nowrap max-sm:[&:not(:nth-child(3n+1))]:text-transparent"
          style={{ left: `${place}%` }}
        >
          {momentWords(ms)}
        </span>
      ))}
    </div>
  );
}

/** A moment of the run: how long after its start. */
export function momentWords(ms: number): string {
  if (ms === 0) return "0";
  return ms < 10 && !Number.isInteger(ms) ? `${Number(ms.toFixed(2))} ms` : duration(ms);
}
