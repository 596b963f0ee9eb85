import type { Event } from "../event.ts";
import { Frontier } from "./step-key.ts";

/** A stretch in which nobody ran the run: no process did, or it was paused. In ms since 1970. */
export interface Gap {
  readonly type: "down" | "paused";
  readonly fromMs: number;
  readonly toMs: number;
}

/** A time of day, or one some ms later, in ms since the run started, on a clock that stands still in the gaps. */
export type Clock = (at: string, plusMs?: number) => number;

/** The clock of a run whose events these are. */
export function clockOf(events: readonly Event[], gaps: readonly Gap[]): Clock {
  const [first] = events;
  // A recorded run is written when its one step has ended.
  const originMs = timeOf(first?.type === "run.recorded" ? first.startedAt : (first?.at ?? ""));
  return (at, plusMs = 0) => Math.max(0, withoutGaps(timeOf(at) + plusMs, gaps) - originMs);
}

/** A time in ms since 1970; what cannot be read is 0. */
export function timeOf(at: string): number {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? 0 : ms;
}

/**
 * Stretches in which nobody ran the run: from the last event before a `run.resumed` to that event, and from a pause on. While the run
 * waited for a time, a signal or an answer, it lost nothing by standing still: that is no gap until the wait's end.
 */
export function readGaps(events: readonly Event[], endMs: number): readonly Gap[] {
  const gaps: Gap[] = [];
  const open = new Open();
  let before: Event | undefined;
  for (const event of events) {
    if (event.type === "run.resumed" && before !== undefined) {
      const gap = open.gap(timeOf(before.at), timeOf(event.at));
      if (gap.toMs > gap.fromMs) gaps.push(gap);
    }
    open.see(event);
    before = event;
  }
  if (open.pausedAtMs !== undefined && endMs > open.pausedAtMs) gaps.push({ type: "paused", fromMs: open.pausedAtMs, toMs: endMs });
  return gaps;
}

/** What is open while a log is read: the pause, the attempts under way, and until when the others wait. */
class Open {
  pausedAtMs: number | undefined;
  readonly #attempts = new Set<string>();
  readonly #waits = new Map<string, number>();
  readonly #frontier = new Frontier();

  see(event: Event): void {
    const { type } = event;
    if ("kind" in event) this.#frontier.see(event.key);
    if (type === "run.paused") this.pausedAtMs ??= timeOf(event.at);
    else if (type === "run.queued") this.#waits.set("", Infinity);
    else if (type === "run.admitted") this.#waits.delete("");
    else if (type === "step.started") this.#attempts.add(event.key);
    else if (type === "step.waiting") this.#waits.set(event.key, event.until === null ? Infinity : timeOf(event.until));
    else if (type === "run.resumed") {
      this.pausedAtMs = undefined;
      this.#attempts.clear();
    } else if (type === "step.failed" || type === "step.completed") {
      this.#attempts.delete(event.key);
      this.#waits.delete(event.key);
      if (type === "step.failed" && event.retryAt !== null) this.#waits.set(event.key, timeOf(event.retryAt));
    }
  }

  gap(beforeMs: number, resumedMs: number): Gap {
    const toMs = Math.max(beforeMs, resumedMs);
    if (this.pausedAtMs !== undefined) return { type: "paused", fromMs: this.pausedAtMs, toMs };
    const isOpen = (key: string): boolean => !this.#frontier.hasLeft(key);
    const waits = [...this.#waits].filter(([key]) => isOpen(key));
    if (waits.length === 0 || [...this.#attempts].some(isOpen)) return { type: "down", fromMs: beforeMs, toMs };
    const untilMs = waits.reduce((soonest, [, ms]) => Math.min(soonest, ms), Infinity);
    return { type: "down", fromMs: Math.min(toMs, Math.max(beforeMs, untilMs)), toMs };
  }
}

function withoutGaps(atMs: number, gaps: readonly Gap[]): number {
  let cutMs = 0;
  for (const gap of gaps) if (atMs > gap.fromMs) cutMs += Math.min(atMs, gap.toMs) - gap.fromMs;
  return atMs - cutMs;
}
