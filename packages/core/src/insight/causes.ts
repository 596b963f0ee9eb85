import { meanOf, quantile } from "./estimate.ts";
import { leavesOf } from "./plan.ts";
import type { RunReading } from "./read-run.ts";
import { isNamed, lossOf, stepId, workOf, type StepName } from "./replay.ts";
import { failedAttempts } from "./run-insight.ts";
import type { Span } from "./trace.ts";

/** How a duration varies. */
export interface Spread {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly meanMs: number;
}

/** A part of the runs' time: a step on the critical path, or what was no step. `meanMs` is per run. */
export type Cause = { readonly meanMs: number; readonly share: number } & (
  | ({ readonly type: "step" } & StepName)
  | { readonly type: "queue" | "down" | "paused" | "overhead" }
);

/** All runs of the steps of one kind and name. */
export interface NameInsight extends StepName {
  readonly count: number;
  readonly duration: Spread;
  /** The same without failed attempts and their back-off. */
  readonly work: Spread;
  /** Of the completed runs' time. */
  readonly pathShare: number;
  /** Steps that ended as failed, of those that ended. */
  readonly failureRate: number;
  readonly failedAttempts: number;
  /** What failed attempts and their back-off took, per run. */
  readonly retryMs: number;
  readonly lostTokens: number;
}

/** What the runs' time went into, along their critical paths. */
export function causesOf(readings: readonly RunReading[]): readonly Cause[] {
  const runs = Math.max(1, readings.length);
  const wallMs = readings.reduce((sum, { totals }) => sum + totals.wallMs, 0);
  const steps = new Map<string, StepName & { ms: number }>();
  const others = { queue: 0, down: 0, paused: 0, overhead: 0 };
  for (const { path, totals } of readings) {
    let pathMs = 0;
    for (const { leaf, onPathMs } of path) {
      const { kind, name } = leaf.span;
      const known = steps.get(stepId(leaf.span)) ?? { kind, name, ms: 0 };
      known.ms += onPathMs;
      steps.set(stepId(leaf.span), known);
      pathMs += onPathMs;
    }
    others.queue += totals.queuedMs;
    others.down += totals.downMs;
    others.paused += totals.pausedMs;
    others.overhead += Math.max(0, totals.wallMs - pathMs - totals.queuedMs - totals.downMs - totals.pausedMs);
  }
  const part = (ms: number): { readonly meanMs: number; readonly share: number } => ({
    meanMs: ms / runs,
    share: wallMs === 0 ? 0 : ms / wallMs,
  });
  return [
    ...[...steps.values()].map(({ kind, name, ms }) => ({ type: "step" as const, kind, name, ...part(ms) })),
    ...(["queue", "down", "paused", "overhead"] as const).map((type) => ({ type, ...part(others[type]) })),
  ]
    .filter(({ meanMs }) => meanMs > 0)
    .toSorted((a, b) => b.meanMs - a.meanMs);
}

/** What is known of the steps of each name, those with the largest share of the completed runs first. */
export function namesOf(readings: readonly RunReading[], completed: readonly RunReading[]): readonly NameInsight[] {
  const byName = new Map<string, { readonly step: StepName; readonly spans: Span[]; lostTokens: number }>();
  for (const { plan, lostTokens } of readings) {
    for (const { span } of leavesOf(plan.nodes)) {
      if (span.isCopied) continue;
      const known = byName.get(stepId(span)) ?? { step: { kind: span.kind, name: span.name }, spans: [], lostTokens: 0 };
      known.spans.push(span);
      known.lostTokens += lostTokens.get(span.key) ?? 0;
      byName.set(stepId(span), known);
    }
  }
  const wallMs = completed.reduce((sum, { totals }) => sum + totals.wallMs, 0);
  return [...byName.values()]
    .map(({ step, spans, lostTokens }) => {
      const ended = spans.filter(({ status }) => status === "completed" || status === "failed");
      const retryMs = spans.map(lossOf).reduce((sum, { lostMs, backoffMs }) => sum + lostMs + backoffMs, 0);
      const onPathMs = completed.reduce((sum, reading) => sum + onPathOf(reading, step), 0);
      return {
        ...step,
        count: spans.length,
        duration: spreadOf(ended.map(({ startMs, endMs }) => endMs - startMs)),
        work: spreadOf(ended.map(workOf)),
        pathShare: wallMs === 0 ? 0 : onPathMs / wallMs,
        failureRate: ended.length === 0 ? 0 : ended.filter(({ status }) => status === "failed").length / ended.length,
        failedAttempts: spans.reduce((sum, span) => sum + failedAttempts(span), 0),
        retryMs: retryMs / Math.max(1, readings.length),
        lostTokens,
      };
    })
    .toSorted((a, b) => b.pathShare - a.pathShare || b.duration.meanMs - a.duration.meanMs);
}

function onPathOf({ path }: RunReading, step: StepName): number {
  return path.reduce((sum, { leaf, onPathMs }) => (isNamed(step, leaf.span) ? sum + onPathMs : sum), 0);
}

/** How values vary. */
export function spreadOf(values: readonly number[]): Spread {
  return { p50Ms: quantile(values, 0.5), p95Ms: quantile(values, 0.95), meanMs: meanOf(values) };
}
