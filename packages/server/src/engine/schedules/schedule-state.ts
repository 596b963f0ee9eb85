import { z } from "zod";
import { scheduleSchema, type ScheduleSpec } from "./schedule-spec.ts";
import { dueTicks, jitterOf, nextTick } from "./ticks.ts";

/** Runs of one schedule under way at once, with `overlap: allow`. */
const ACTIVE_MAX = 100;
/** Missed ticks that are remembered one by one; the rest is a number. */
const MISSES_MAX = 20;
/** How far back one looks for ticks that are not made up for: they are only counted, up to here. */
const COUNTED_MAX = 100;

const tickSchema = z.object({
  atMs: z.number(),
  /** Its time came, it is made up for, or somebody asked for it. */
  why: z.enum(["time", "late", "manual"]),
  runId: z.string(),
});

const activeSchema = tickSchema.extend({ isSupervised: z.boolean() });

const missSchema = z.object({ atMs: z.number(), reason: z.enum(["late", "overlap", "queue full", "replaced", "too many"]) });

const lastSchema = z.object({
  atMs: z.number(),
  why: tickSchema.shape.why,
  runId: z.string(),
  status: z.enum(["running", "completed", "failed", "cancelled"]),
  error: z.object({ code: z.string(), message: z.string() }).exactOptional(),
});

/** All that a schedule knows. It is carried from run to run, so it is bounded. */
export const stateSchema = z.object({
  /** The id of the schedule's first run; it stays the same for as long as the schedule lives. */
  id: z.string(),
  spec: scheduleSchema,
  /** Ticks up to here are settled. It never goes back. */
  cursorMs: z.number(),
  paused: z.object({ reason: z.string(), sinceMs: z.number() }).nullable(),
  active: z.array(activeSchema),
  queue: z.array(tickSchema),
  counts: z.object({ started: z.int(), completed: z.int(), failed: z.int(), cancelled: z.int(), missed: z.int() }),
  last: lastSchema.nullable(),
  /** Newest last. */
  misses: z.array(missSchema),
});

/** What a schedule knows. */
export type ScheduleState = z.output<typeof stateSchema>;

/** One time at which a schedule starts its workflow. */
export type Tick = z.output<typeof tickSchema>;

/** A tick whose run is under way. */
export type ActiveTick = z.output<typeof activeSchema>;

type Miss = z.output<typeof missSchema>;

/** How the run of a tick ended. */
export type TickEnd = Pick<NonNullable<ScheduleState["last"]>, "error"> & { readonly status: "completed" | "failed" | "cancelled" };

/** A schedule that has done nothing yet. */
export function newSchedule(id: string, spec: ScheduleSpec, nowMs: number): ScheduleState {
  const counts = { started: 0, completed: 0, failed: 0, cancelled: 0, missed: 0 };
  return { id, spec, cursorMs: nowMs, paused: null, active: [], queue: [], counts, last: null, misses: [] };
}

/** What is to be done now, and when to look again. */
export type Plan = {
  /** In order; `late` ones are made up for. */
  readonly due: readonly Pick<Tick, "atMs" | "why">[];
  readonly missed: readonly Miss[];
  /** Whether more were missed than are counted. */
  readonly hasMore: boolean;
  readonly cursorMs: number;
  /** When the next tick starts; `null` when none comes. */
  readonly wakeMs: number | null;
};

/** Which ticks have come since the last look, and which of them to start. Pure. */
export function planTicks({ id, spec, cursorMs, paused }: ScheduleState, nowMs: number): Plan {
  // A pause is no fault: its ticks are neither missed nor made up for.
  if (paused !== null) return { due: [], missed: [], hasMore: false, cursorMs: Math.max(cursorMs, nowMs), wakeMs: null };
  const startsMs = (atMs: number): number => atMs + jitterOf(id, atMs, spec.jitterMs);
  const lookBackMax = spec.catchUp === "all" ? spec.catchUpMax + COUNTED_MAX : COUNTED_MAX;
  const { ticks, hasMore } = dueTicks(spec, { afterMs: cursorMs, untilMs: nowMs }, lookBackMax);
  // Jitter may hold back a tick whose time has come; it holds back the later ones too, so that they stay in order.
  const held = ticks.findIndex((atMs) => startsMs(atMs) > nowMs);
  const ripe = held === -1 ? ticks : ticks.slice(0, held);
  const nextMs = held === -1 ? nextTick(spec, Math.max(cursorMs, nowMs)) : ticks[held];
  const due = ripe
    .slice(-startsMax(spec))
    .map((atMs) => ({ atMs, why: nowMs - startsMs(atMs) > spec.lateMaxMs ? ("late" as const) : ("time" as const) }));
  const started = spec.catchUp === "skip" ? due.filter(({ why }) => why === "time") : due;
  const missed = ripe.filter((atMs) => !started.some((tick) => tick.atMs === atMs)).map((atMs): Miss => ({ atMs, reason: "late" }));
  return {
    due: started,
    missed,
    hasMore,
    cursorMs: ripe.at(-1) ?? cursorMs,
    wakeMs: nextMs === undefined ? null : startsMs(nextMs),
  };
}

function startsMax({ catchUp, catchUpMax }: ScheduleSpec): number {
  return catchUp === "all" ? catchUpMax : 1;
}

/** What becomes of a tick: it starts, waits for the run before it, takes that run's place, or does not happen. Pure. */
export function judgeTick({ spec, active, queue }: ScheduleState): "start" | "queue" | "replace" | Miss["reason"] {
  if (active.length === 0) return "start";
  switch (spec.overlap) {
    case "allow":
      return active.length < ACTIVE_MAX ? "start" : "too many";
    case "queue":
      return queue.length < spec.queueMax ? "queue" : "queue full";
    case "cancel":
      return "replace";
    case "skip":
      return "overlap";
  }
}

/** The state with ticks that did not happen. Pure. */
export function withMisses(state: ScheduleState, misses: readonly Miss[]): ScheduleState {
  if (misses.length === 0) return state;
  const counts = { ...state.counts, missed: state.counts.missed + misses.length };
  return { ...state, counts, misses: [...state.misses, ...misses].slice(-MISSES_MAX) };
}

/** The state once a tick's run is under way. Pure. */
export function withStarted(state: ScheduleState, tick: ActiveTick): ScheduleState {
  const { atMs, why, runId } = tick;
  return {
    ...state,
    active: [...state.active, tick],
    counts: { ...state.counts, started: state.counts.started + 1 },
    last: { atMs, why, runId, status: "running" },
  };
}

/** The state once a tick's run has ended, or could not be started. Pure. */
export function withEnded(state: ScheduleState, tick: Tick, end: TickEnd): ScheduleState {
  const isLast = state.last === null || state.last.runId === tick.runId || state.last.atMs <= tick.atMs;
  return {
    ...state,
    active: state.active.filter(({ runId }) => runId !== tick.runId),
    counts: { ...state.counts, [end.status]: state.counts[end.status] + 1 },
    last: isLast ? { atMs: tick.atMs, why: tick.why, runId: tick.runId, ...end } : state.last,
  };
}
