import type { ReactNode } from "react";
import { duration } from "../../../parts/words.ts";
import type { Tick } from "./ticks.ts";

/** Times over the bars. */
export function Axis({ ticks }: { readonly ticks: readonly Tick[] }): ReactNode {
  return (
    <div aria-hidden className="relative h-full overflow-hidden text-[10px] text-ink-3 tabular-nums" dir="ltr">
      {ticks.map(({ ms, place, hasRoom }) => (
        <span
          key={ms}
          className="absolute inset-y-0 flex items-center border-l border-line ps-1 whitespace-nowrap"
          style={{ left: `${place}%` }}
        >
          {hasRoom && momentWords(ms)}
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
