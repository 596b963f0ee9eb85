import { statusAfter, type Event, type RunStatus } from "../event.ts";
import type { Clock } from "./clock.ts";
import { criticalPath, slackOf, type PathStep } from "./critical-path.ts";
import { graphRunOf } from "./graph-run.ts";
import { planOf, type Plan } from "./plan.ts";
import { intervalsOf, totalsOf, type Interval, type RunTotals } from "./totals.ts";
import { readTrace, type Span } from "./trace.ts";
import { usesOf, type Use } from "./uses.ts";

/** A run's log, with those of the child runs that are known. An unfinished run is read up to `nowMs` (ms since 1970). */
export interface RunLog {
  readonly events: readonly Event[];
  readonly children?: readonly RunLog[];
  readonly nowMs?: number;
}

/** What a run's log tells of its time. Holds no inputs or outputs, so many of them can be kept. */
export interface RunReading {
  readonly runId: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunStatus;
  /** It began with a copy of another run's log, so it did not do all of its work itself. */
  readonly isFork: boolean;
  readonly isGraph: boolean;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly events: number;
  readonly plan: Plan;
  readonly path: readonly PathStep[];
  readonly slack: ReadonlyMap<string, number | undefined>;
  readonly totals: RunTotals;
  readonly uses: ReadonlyMap<string, Use>;
  /** By key, input tokens that failed attempts of a model step sent for nothing. */
  readonly lostTokens: ReadonlyMap<string, number>;
  /** Child runs by the key of the step that is them. Their times are on this run's clock. */
  readonly children: ReadonlyMap<string, RunReading>;
  readonly intervals: readonly Interval[];
}

const ENDED: ReadonlySet<RunStatus> = new Set(["completed", "failed", "cancelled", "continued"]);

/** Whether a run will do nothing more. */
export function hasEnded(status: RunStatus): boolean {
  return ENDED.has(status);
}

/** Where a run stands after its last event. */
export function statusOf(events: readonly Event[]): RunStatus {
  return events.reduce<RunStatus>((status, event) => statusAfter(event) ?? status, "running");
}

/** Whether a log begins with a copy of another's. */
function isFork([first]: readonly Event[]): boolean {
  return first?.type === "run.started" && first.origin?.type === "fork";
}

/** Which workflow a log is of. */
export function headOf(events: readonly Event[]): { readonly workflow: string; readonly version: string } {
  const [first] = events;
  if (first?.type !== "run.started" && first?.type !== "run.recorded") return { workflow: "", version: "" };
  return { workflow: first.workflow, version: first.version };
}

/** Reads a log. Pure; events of any order or incompleteness give some reading. */
export function readRun(log: RunLog, clock?: Clock): RunReading {
  const { events } = log;
  const status = statusOf(events);
  const ended = hasEnded(status);
  const trace = readTrace(events, {
    ...(log.nowMs !== undefined && !ended && { nowMs: log.nowMs }),
    ...(clock !== undefined && { clock }),
  });
  const endMs = trace.startMs + trace.durationMs;
  const graph = graphRunOf(events, trace.spans);
  const { spans } = graph ?? trace;
  const children = readChildren(log, trace.clock, new Map(spans.map((span) => [span.key, span])));
  const underWay = ended ? [] : [...children].flatMap(([key, child]) => childSpan(key, child, spans));
  const plan = planOf([...spans, ...underWay], { startMs: trace.startMs, endMs, hasEnded: ended, graph });
  const queued = queuedIn(events, trace.clock, endMs);
  const intervals = intervalsOf(plan, queued, new Map([...children].map(([key, child]) => [key, child.intervals])));
  return {
    runId: events[0]?.runId ?? "",
    ...headOf(events),
    status,
    isFork: isFork(events),
    isGraph: graph !== undefined,
    startedAt: events[0]?.at ?? "",
    endedAt: ended ? (events.at(-1)?.at ?? null) : null,
    events: events.length,
    plan,
    path: criticalPath(plan),
    slack: slackOf(plan),
    totals: totalsOf(trace, intervals),
    uses: usesOf(plan.nodes, events),
    lostTokens: lostTokensOf(events),
    children,
    intervals,
  };
}

/** Logs of child runs by their step's key. A run that was spawned has a key too, but nobody waits at it. */
function readChildren(log: RunLog, clock: Clock, spans: ReadonlyMap<string, Span>): ReadonlyMap<string, RunReading> {
  const readings = new Map<string, RunReading>();
  for (const child of log.children ?? []) {
    const [first] = child.events;
    if (first?.type !== "run.started" || first.parent === undefined) continue;
    const span = spans.get(first.parent.key);
    if (span === undefined || span.kind === "workflow")
      readings.set(first.parent.key, readRun({ ...child, ...(log.nowMs !== undefined && { nowMs: log.nowMs }) }, clock));
  }
  return readings;
}

/** A child run's step leaves no event until it ends, so while it has not, it is read from the child's log. */
function childSpan(key: string, { workflow: name, plan: { startMs, endMs } }: RunReading, spans: readonly Span[]): readonly Span[] {
  if (spans.some((span) => span.key === key)) return [];
  const segments = [{ style: "work", fromMs: startMs, toMs: endMs }] as const;
  return [
    {
      key,
      kind: "workflow",
      name,
      status: "running",
      startMs,
      endMs,
      segments,
      attempts: 1,
      decision: undefined,
      failure: undefined,
      isCopied: false,
    },
  ];
}

function queuedIn(events: readonly Event[], clock: Clock, endMs: number): readonly Interval[] {
  const intervals: Interval[] = [];
  let fromMs: number | undefined;
  for (const event of events) {
    if (event.type === "run.queued") fromMs ??= clock(event.at);
    else if (fromMs !== undefined && (event.type === "run.admitted" || hasEnded(statusAfter(event) ?? "running"))) {
      intervals.push({ state: "queued", fromMs, toMs: clock(event.at) });
      fromMs = undefined;
    }
  }
  if (fromMs !== undefined) intervals.push({ state: "queued", fromMs, toMs: endMs });
  return intervals;
}

/** Every attempt sends the same request, so a failed one cost about the input tokens of the one that worked. */
function lostTokensOf(events: readonly Event[]): ReadonlyMap<string, number> {
  const failures = new Map<string, number>();
  const lost = new Map<string, number>();
  for (const event of events) {
    if (event.type === "step.failed" && event.kind === "model") failures.set(event.key, (failures.get(event.key) ?? 0) + 1);
    const failed = event.type === "step.completed" ? failures.get(event.key) : undefined;
    if (event.type === "step.completed" && failed !== undefined)
      lost.set(event.key, failed * (event.usage?.inputTokens ?? inputTokensOf(event.output)));
  }
  return lost;
}

function inputTokensOf(output: unknown): number {
  const usage = fieldOf(output, "usage");
  const tokens = fieldOf(usage, "inputTokens");
  return typeof tokens === "number" ? tokens : 0;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
