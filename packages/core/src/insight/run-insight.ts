import type { RunStatus } from "../event.ts";
import { forksOf, leavesOf, type Fork, type Leaf } from "./plan.ts";
import type { RunReading } from "./read-run.ts";
import { lossOf } from "./replay.ts";
import type { RunTotals } from "./totals.ts";
import type { Segment, Span } from "./trace.ts";

/** Steps, path entries and forks of one run that are listed; the totals count all of them. */
const LISTED_MAX = 2000;
/** Branches of one fork that are listed. */
const BRANCHES_MAX = 200;

/** What one run's time went into. All times are in ms; `startMs` counts from the run's start, without the time in which nobody ran it. */
export interface RunInsight {
  readonly runId: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly totals: RunTotals;
  readonly retries: RetryCost;
  /** The steps that decided when the run ended, in order. */
  readonly path: readonly PathEntry[];
  readonly steps: readonly StepInsight[];
  readonly forks: readonly ForkInsight[];
  readonly bounds: InsightBounds;
}

/** What failed attempts cost, their back-off included. Tokens are an estimate: what the attempt that worked sent, for each that did not. */
export interface RetryCost {
  readonly attempts: number;
  readonly lostMs: number;
  readonly backoffMs: number;
  readonly tokens: number;
}

/** One step of the critical path. `lagMs` went by between the step before it and its start. */
export interface PathEntry {
  readonly key: string;
  readonly kind: Span["kind"];
  readonly name: string;
  readonly startMs: number;
  readonly onPathMs: number;
  readonly lagMs: number;
  /** Of the run's time on its own clock. */
  readonly share: number;
}

/** One step; `child` is the run that it is, when its log is known. */
export interface StepInsight {
  readonly key: string;
  readonly kind: Span["kind"];
  readonly name: string;
  readonly status: Span["status"];
  readonly startMs: number;
  readonly durationMs: number;
  /** Between the end of what it followed and its start. */
  readonly lagMs: number;
  readonly attempts: number;
  readonly segments: readonly Segment[];
  readonly lostMs: number;
  readonly backoffMs: number;
  readonly lostTokens: number;
  readonly isOnPath: boolean;
  /** How much longer it could have taken without making the run longer; null in a branch that was cut off. */
  readonly slackMs: number | null;
  readonly child?: RunInsight;
}

/** Branches of one place. `lanes` of them ran at once; `queuedMs` is how long a branch waited for one to be free. */
export interface ForkInsight {
  readonly key: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly lanes: number;
  readonly branches: number;
  readonly listed: readonly {
    readonly index: number;
    readonly queuedMs: number;
    readonly durationMs: number;
    readonly isJoined: boolean;
  }[];
}

/** What the insight rests on, and how much of it is listed. */
interface InsightBounds {
  readonly events: number;
  readonly steps: number;
  readonly pathSteps: number;
  readonly forks: number;
  readonly listedMax: number;
}

/** What one run's time went into. Pure. */
export function runInsight(reading: RunReading): RunInsight {
  const { runId, workflow, version, status, startedAt, endedAt, totals, plan, path } = reading;
  const leaves = leavesOf(plan.nodes);
  const forks = forksOf(plan.nodes);
  return {
    runId,
    workflow,
    version,
    status,
    startedAt,
    endedAt,
    totals,
    retries: retryCostOf(reading),
    path: pathOf(reading),
    steps: stepsOf(reading, leaves.slice(0, LISTED_MAX)),
    forks: forks.slice(0, LISTED_MAX).map(forkInsight),
    bounds: { events: reading.events, steps: leaves.length, pathSteps: path.length, forks: forks.length, listedMax: LISTED_MAX },
  };
}

/** What failed attempts of a run cost, those of its known child runs included. */
function retryCostOf(reading: RunReading): RetryCost {
  const cost = { attempts: 0, lostMs: 0, backoffMs: 0, tokens: 0 };
  for (const { span } of leavesOf(reading.plan.nodes)) {
    const child = reading.children.get(span.key);
    const own = { attempts: failedAttempts(span), ...lossOf(span), tokens: reading.lostTokens.get(span.key) ?? 0 };
    // A child's own attempts are what its step lost; its end as a failure is not another one.
    const spent = child === undefined ? own : retryCostOf(child);
    cost.attempts += spent.attempts;
    cost.lostMs += spent.lostMs;
    cost.backoffMs += spent.backoffMs;
    cost.tokens += spent.tokens;
  }
  return cost;
}

/** Attempts of a step that failed or were cut off. */
export function failedAttempts({ segments }: Span): number {
  return segments.filter(({ style, fromMs, toMs }) => style === "lost" && toMs > fromMs).length;
}

function pathOf({ plan, path }: RunReading): readonly PathEntry[] {
  const durationMs = plan.endMs - plan.startMs;
  return path.slice(0, LISTED_MAX).map(({ leaf: { span, lagMs }, onPathMs }) => ({
    key: span.key,
    kind: span.kind,
    name: span.name,
    startMs: span.startMs,
    onPathMs,
    lagMs: Math.max(0, lagMs),
    share: durationMs === 0 ? 0 : onPathMs / durationMs,
  }));
}

function stepsOf(reading: RunReading, leaves: readonly Leaf[]): readonly StepInsight[] {
  const onPath = new Set(reading.path.map(({ leaf }) => leaf.span.key));
  return leaves.map(({ span, lagMs }) => {
    const { key, kind, name, status, startMs, endMs, attempts, segments } = span;
    const child = reading.children.get(key);
    const isOnPath = onPath.has(key);
    return {
      key,
      kind,
      name,
      status,
      startMs,
      durationMs: endMs - startMs,
      lagMs: Math.max(0, lagMs),
      attempts,
      segments,
      ...lossOf(span),
      lostTokens: reading.lostTokens.get(key) ?? 0,
      isOnPath,
      slackMs: isOnPath ? 0 : (reading.slack.get(key) ?? null),
      ...(child !== undefined && { child: runInsight(child) }),
    };
  });
}

function forkInsight({ key, startMs, endMs, lanes, branches }: Fork): ForkInsight {
  const listed = branches.slice(0, BRANCHES_MAX).map((branch) => ({
    index: branch.index,
    queuedMs: branch.readyMs - startMs,
    durationMs: branch.endMs - branch.readyMs,
    isJoined: branch.isJoined,
  }));
  return { key, startMs, durationMs: endMs - startMs, lanes, branches: branches.length, listed };
}
