import { causesOf, namesOf, spreadOf, type Cause, type NameInsight, type Spread } from "./causes.ts";
import { estimate, meanOf, quantile, type Estimate } from "./estimate.ts";
import type { RunReading } from "./read-run.ts";
import { replayPlan, type Change } from "./replay.ts";
import { proposals, type Proposal } from "./proposals.ts";

/** Steps of different names that are listed, those with the largest share first. */
const NAMES_MAX = 200;
/** Estimates that are listed, the largest first. */
const ESTIMATES_MAX = 12;
/** What would save less than this share of the runs' time is not worth a line. */
const SHARE_MIN = 0.01;

/** What makes a workflow slow and what would help, from many of its runs. Times are in ms. */
export interface WorkflowInsight {
  readonly workflow: string;
  readonly runs: RunCounts;
  /** From start to end, over the completed runs. */
  readonly wall: Spread;
  /** What decided how long the runs took, the largest share first; the shares add up to 1. */
  readonly slow: readonly Cause[];
  readonly steps: readonly NameInsight[];
  /** What would help most first. */
  readonly help: readonly WhatIf[];
  readonly bounds: { readonly events: number; readonly names: number; readonly namesMax: number; readonly estimatesMax: number };
}

/** The runs it rests on. Durations and estimates come from completed runs that are no forks; failure rates from all. */
export interface RunCounts {
  readonly read: number;
  readonly completed: number;
  readonly failed: number;
  readonly forks: number;
  readonly oldest: string | null;
  readonly newest: string | null;
}

/** One thing that could be different, and what it would save. */
export interface WhatIf {
  readonly change: Change;
  /** What to do, as a sentence. */
  readonly title: string;
  /** What must hold for it, when the logs cannot tell. */
  readonly assumption?: string;
  /** Per run, on the mean, with the range in which nine in ten resamples of the runs lie. */
  readonly savedMs: Estimate;
  /** Of the runs' time. */
  readonly savedShare: number;
  readonly p50Ms: { readonly now: number; readonly changed: number };
  /** How many runs it rests on, and how many of them it would change. */
  readonly runs: number;
  readonly runsChanged: number;
}

/** Puts many readings of one workflow's runs together; `asked` are changes to estimate whatever they save. Pure. */
export function workflowInsight(workflow: string, readings: readonly RunReading[], asked: readonly Proposal[] = []): WorkflowInsight {
  const completed = readings.filter(({ status, isFork }) => !isFork && (status === "completed" || status === "continued"));
  const names = namesOf(readings, completed);
  const slow = causesOf(completed);
  const given = asked.map((proposal) => whatIf(proposal, completed));
  const found = proposals({ readings: completed, slow, names })
    .map((proposal) => whatIf(proposal, completed))
    .filter(({ savedShare }) => savedShare >= SHARE_MIN)
    .toSorted((a, b) => b.savedMs.mean - a.savedMs.mean)
    .slice(0, ESTIMATES_MAX);
  return {
    workflow,
    runs: countsOf(readings, completed.length),
    wall: spreadOf(completed.map(({ totals }) => totals.wallMs)),
    slow: slow.slice(0, NAMES_MAX),
    steps: names.slice(0, NAMES_MAX),
    help: [...given, ...found],
    bounds: {
      events: readings.reduce((sum, { events }) => sum + events, 0),
      names: names.length,
      namesMax: NAMES_MAX,
      estimatesMax: ESTIMATES_MAX,
    },
  };
}

/** How long completed runs would have taken with one thing changed. */
function whatIf({ change, title, assumption }: Proposal, readings: readonly RunReading[]): WhatIf {
  const nowMs: number[] = [];
  const changedMs: number[] = [];
  for (const { plan, totals } of readings) {
    const stoodMs = totals.downMs + totals.pausedMs;
    nowMs.push(replayPlan(plan, { type: "nothing" }) + stoodMs);
    changedMs.push(replayPlan(plan, change, totals.queuedMs) + stoodMs);
  }
  const saved = nowMs.map((ms, run) => ms - (changedMs[run] ?? ms));
  const savedMs = estimate(saved);
  const meanMs = meanOf(nowMs);
  return {
    change,
    title,
    ...(assumption !== undefined && { assumption }),
    savedMs,
    savedShare: meanMs === 0 ? 0 : savedMs.mean / meanMs,
    p50Ms: { now: quantile(nowMs, 0.5), changed: quantile(changedMs, 0.5) },
    runs: readings.length,
    runsChanged: saved.filter((ms) => ms !== 0).length,
  };
}

function countsOf(readings: readonly RunReading[], completed: number): RunCounts {
  const failed = readings.filter(({ status }) => status === "failed").length;
  const started = readings.map(({ startedAt }) => startedAt).toSorted();
  return {
    read: readings.length,
    completed,
    failed,
    forks: readings.filter(({ isFork }) => isFork).length,
    oldest: started[0] ?? null,
    newest: started.at(-1) ?? null,
  };
}
