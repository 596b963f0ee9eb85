import type { ReactNode } from "react";
import { cx } from "../../../parts/class-names.ts";
import type { Bar, TimelineRow } from "./rows.ts";
import { placeOf, type TimeWindow } from "./time-window.ts";

/** Stretches of one line that are drawn: more than a screen has room for would only cost time. */
const BARS_MAX = 120;
/** Shorter than this is not seen. */
const WIDTH_MIN_PX = 2;

/** How each stretch looks: full height is work, half is waiting, hatched was in vain. The same words stand in the legend. */
export const BAR_LOOKS: Readonly<Record<Bar["style"], { readonly word: string; readonly look: string }>> = {
  work: { word: "at work", look: "h-3.5 bg-blue" },
  lost: {
    word: "failed attempt",
    look: "h-3.5 bg-red bg-[repeating-linear-gradient(135deg,transparent_0_3px,var(--ground)_3px_5px)]",
  },
  wait: { word: "waiting", look: "h-1.5 bg-orange" },
  queued: { word: "in a queue", look: "h-1.5 bg-violet" },
  down: { word: "no process ran it", look: "h-1.5 bg-ink-3" },
  paused: { word: "paused", look: "h-1.5 bg-yellow" },
  around: { word: "steps below", look: "h-1 bg-line-strong" },
};

/** A line's stretches within what is in sight. */
export function Bars({ row, window }: { readonly row: TimelineRow; readonly window: TimeWindow }): ReactNode {
  return (
    <div aria-hidden className="relative h-full min-w-0 overflow-hidden" dir="ltr">
      {row.bars.slice(0, BARS_MAX).map((bar, index) => {
        const place = placeOf(bar, window);
        if (place === undefined) return null;
        return (
          <span
            key={index}
            className={cx(
              "absolute top-1/2 -translate-y-1/2 rounded-[3px] forced-color-adjust-none",
              BAR_LOOKS[bar.style].look,
              bar.style === "work" && row.kind === "model" && "bg-violet",
              bar.style === "work" && row.kind === "workflow" && "bg-green",
              row.isOnPath && bar.style !== "around" && "outline-2 outline-offset-1 outline-orange",
            )}
            style={{ insetInlineStart: `${place.start}%`, width: `max(${WIDTH_MIN_PX}px, ${place.width}%)` }}
          />
        );
      })}
    </div>
  );
}
