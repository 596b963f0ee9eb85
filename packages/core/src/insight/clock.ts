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
  const cutMs: number[] = [];
  for (const { fromMs, toMs } of gaps) cutMs.push((cutMs.at(-1) ?? 0) + toMs - fromMs);
  return (at, plusMs = 0) => {
    const ms = timeOf(at) + plusMs;
    const next = firstAfter(gaps, ms);
    const before = gaps[next - 1];
    const insideMs = before === undefined ? 0 : Math.max(0, before.toMs - ms);
    return Math.max(0, ms - (cutMs[next - 1] ?? 0) + insideMs - originMs);
  };
}

/** The place of the first gap that begins after a moment, or at it. */
function firstAfter(gaps: readonly Gap[], ms: number): number {
  let low = 0;
  for (let high = gaps.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((gaps[middle]?.fromMs ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
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
      gaps.push(open.gap(timeOf(before.at), timeOf(event.at)));
    }
    open.see(event);
    before = event;
  }
  if (open.pausedAtMs !== undefined) gaps.push({ type: "paused", fromMs: open.pausedAtMs, toMs: endMs });
  return apart(gaps);
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

/** In order, and none over another: no moment is cut out twice. */
function apart(gaps: readonly Gap[]): readonly Gap[] {
  const result: Gap[] = [];
  for (const { type, fromMs, toMs } of gaps.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const startMs = Math.max(fromMs, result.at(-1)?.toMs ?? fromMs);
    if (toMs > startMs) result.push({ type, fromMs: startMs, toMs });
  }
  return result;
}
