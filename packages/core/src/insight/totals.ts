import { leavesOf, type Plan } from "./plan.ts";
import { isWait, type Segment, type Span, type Trace } from "./trace.ts";

/** Where a run's time went. Every moment counts once, so the parts add up to `wallMs`. */
export interface RunTotals {
  readonly wallMs: number;
  /** Waiting for a place in a queue. */
  readonly queuedMs: number;
  /** At least one step was at work. */
  readonly runningMs: number;
  /** None was, but at least one had failed or was going to be tried again. */
  readonly retryingMs: number;
  /** All that was open waited for a time, a signal or an answer. */
  readonly waitingMs: number;
  /** Nothing was open: the workflow's own code, the engine and the journal. */
  readonly overheadMs: number;
  /** No process ran the run, and it was not waiting either. */
  readonly downMs: number;
  readonly pausedMs: number;
}

/** The states that steps can put a run in, the strongest first. */
const STATES = ["running", "retrying", "queued", "waiting"] as const;

/** A stretch of a run's clock. */
export interface Interval {
  readonly state: (typeof STATES)[number];
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a run did when. A step that is a child run whose log is known is seen through to the child's steps. */
export function intervalsOf(
  plan: Plan,
  queued: readonly Interval[],
  children: ReadonlyMap<string, readonly Interval[]>,
): readonly Interval[] {
  return [...queued, ...leavesOf(plan.nodes).flatMap(({ span }) => children.get(span.key) ?? intervalsOfSpan(span))];
}

/** Adds up a run's time. Pure. */
export function totalsOf({ startMs, durationMs, downtimeMs, gaps }: Trace, intervals: readonly Interval[]): RunTotals {
  const spentMs = { running: 0, retrying: 0, queued: 0, waiting: 0 };
  const within = (ms: number): number => Math.max(startMs, Math.min(ms, startMs + durationMs));
  const turns = intervals.flatMap(({ state, fromMs, toMs }) => [
    { atMs: within(fromMs), state, change: 1 },
    { atMs: within(toMs), state, change: -1 },
  ]);
  const open = { running: 0, retrying: 0, queued: 0, waiting: 0 };
  let atMs = startMs;
  for (const turn of turns.toSorted((a, b) => a.atMs - b.atMs)) {
    const state = STATES.find((one) => open[one] > 0);
    if (state !== undefined) spentMs[state] += turn.atMs - atMs;
    atMs = turn.atMs;
    open[turn.state] += turn.change;
  }
  const busyMs = spentMs.running + spentMs.retrying + spentMs.queued + spentMs.waiting;
  const pausedMs = gaps.reduce((sum, gap) => (gap.type === "paused" ? sum + gap.toMs - gap.fromMs : sum), 0);
  return {
    wallMs: durationMs + downtimeMs,
    queuedMs: spentMs.queued,
    runningMs: spentMs.running,
    retryingMs: spentMs.retrying,
    waitingMs: spentMs.waiting,
    overheadMs: Math.max(0, durationMs - busyMs),
    downMs: downtimeMs - pausedMs,
    pausedMs,
  };
}

function intervalsOfSpan(span: Span): readonly Interval[] {
  return span.segments.map((segment) => ({ state: stateOf(segment, span), fromMs: segment.fromMs, toMs: segment.toMs }));
}

function stateOf({ style }: Segment, span: Span): Interval["state"] {
  if (style === "work") return "running";
  return style === "wait" && isWait(span) ? "waiting" : "retrying";
}
