import { scaleLinear } from "d3-scale";
import type { TimeWindow } from "./time-window.ts";

/** A moment over the bars, and how far along it stands, in parts of a hundred. */
export interface Tick {
  readonly ms: number;
  readonly place: number;
  /** Nearer to the end its words would be cut. */
  readonly hasRoom: boolean;
}

/** The longest moment, such as "12 m 30 s", with room beside it. */
const TICK_PX = 84;
const TICKS_MAX = 8;
const WORDS_PX = 52;

/** As many moments at round times from the run's start as have room beside each other. Pure. */
export function ticksOf({ fromMs, toMs }: TimeWindow, widthPx: number): readonly Tick[] {
  const pxOf = scaleLinear().domain([fromMs, toMs]).range([0, widthPx]);
  for (let wanted = TICKS_MAX; wanted > 1; wanted -= 1) {
    const ticks = pxOf.ticks(wanted);
    const [first = 0, second = Number.POSITIVE_INFINITY] = ticks.map(pxOf);
    if (second - first < TICK_PX) continue;
    return ticks.map((ms) => ({ ms, place: (pxOf(ms) / Math.max(1, widthPx)) * 100, hasRoom: widthPx - pxOf(ms) >= WORDS_PX }));
  }
  return [{ ms: fromMs, place: 0, hasRoom: true }];
}
