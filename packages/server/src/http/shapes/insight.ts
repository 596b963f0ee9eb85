import { z } from "zod";
import { runStatus } from "./runs.ts";
import { count, json } from "./values.ts";

const ms = z.number();
const truncated = z.array(z.string()).describe("Which bounds cut something off.");
const step = { kind: z.string(), name: z.string() };
const stepStatus = z.string();

const Totals = z.object({
  wallMs: ms,
  queuedMs: ms,
  runningMs: ms,
  retryingMs: ms,
  waitingMs: ms,
  overheadMs: ms,
  downMs: ms,
  pausedMs: ms,
});

const Fork = z.object({
  key: z.string(),
  startMs: ms,
  durationMs: ms,
  lanes: z.number(),
  branches: count,
  listed: z.array(z.object({ index: z.int(), queuedMs: ms, durationMs: ms, isJoined: z.boolean() })),
});

/** A step holds the insight of the run that it is, where its log is known: the shape is its own part. */
const Insight = z
  .object({
    runId: z.string(),
    workflow: z.string(),
    version: z.string(),
    status: runStatus,
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    totals: Totals,
    retries: z.object({ attempts: count, lostMs: ms, backoffMs: ms, tokens: z.number() }),
    path: z.array(z.object({ key: z.string(), ...step, startMs: ms, onPathMs: ms, lagMs: ms, share: z.number() })),
    steps: z.array(
      z.object({
        key: z.string(),
        ...step,
        status: stepStatus,
        startMs: ms,
        durationMs: ms,
        lagMs: ms,
        attempts: count,
        segments: z.array(z.looseObject({})),
        lostMs: ms,
        backoffMs: ms,
        lostTokens: z.number(),
        isOnPath: z.boolean(),
        slackMs: ms.nullable(),
        child: z.looseObject({ runId: z.string() }).exactOptional().describe("The same of the run that the step is."),
      }),
    ),
    forks: z.array(Fork),
    bounds: z.looseObject({ events: count, steps: count }),
  })
  .meta({ id: "RunInsight", description: "Where a run's time went. Times are in milliseconds on the run's own clock." });

/** What a run's log tells. */
export const RunInsightAnswer = z.object({ insight: Insight, truncated });

const Spread = z.object({ p50Ms: ms, p95Ms: ms, meanMs: ms });
const WhatIf = z.object({
  change: z.looseObject({ type: z.string() }),
  title: z.string(),
  assumption: z.string().exactOptional(),
  savedMs: z.object({ mean: z.number(), low: z.number(), high: z.number() }),
  savedShare: z.number(),
  p50Ms: z.object({ now: ms, changed: ms }),
  runs: count,
  runsChanged: count,
});

/** What many runs of a workflow tell. */
export const WorkflowInsightAnswer = z.object({
  insight: z.object({
    workflow: z.string(),
    runs: z.object({
      read: count,
      completed: count,
      failed: count,
      forks: count,
      oldest: z.string().nullable(),
      newest: z.string().nullable(),
    }),
    wall: Spread,
    slow: z.array(z.looseObject({ type: z.string(), meanMs: ms, share: z.number() })),
    steps: z.array(
      z.object({
        ...step,
        count,
        duration: Spread,
        work: Spread,
        pathShare: z.number(),
        failureRate: z.number(),
        failedAttempts: count,
        retryMs: ms,
        lostTokens: z.number(),
      }),
    ),
    help: z.array(WhatIf),
    bounds: z.object({ events: count, names: count, namesMax: count, estimatesMax: count }),
  }),
  truncated,
});

/** What an unfinished run waits for. */
export const WaitingAnswer = z.object({
  runId: z.string(),
  status: runStatus,
  at: z.string(),
  waiting: z.array(
    z.object({
      key: z.string(),
      type: z.enum(["signal", "approval", "sleep", "child", "retry", "step", "queue", "pause", "cancel", "deadline", "nothing", "ended"]),
      name: z.string(),
      since: z.string().nullable(),
      until: z.string().nullable(),
      sentence: z.string(),
    }),
  ),
  truncated,
});

const JsonDiff = z.object({
  differences: z.array(z.object({ path: z.string(), a: json.exactOptional(), b: json.exactOptional() })),
  more: count,
});
const RunSide = z.object({
  runId: z.string(),
  workflow: z.string(),
  version: z.string(),
  status: runStatus,
  durationMs: ms,
  forkOf: z.string().nullable(),
});
const StepSide = z.object({ ...step, status: stepStatus, durationMs: ms, attempts: count, failure: z.string().exactOptional() });
const StepDiff = z.object({
  key: z.string(),
  type: z.enum(["only-a", "only-b", "other-step", "other-end", "other-output"]),
  a: StepSide.exactOptional(),
  b: StepSide.exactOptional(),
  output: JsonDiff.exactOptional(),
});

/** How two runs differ. */
export const RunDiffAnswer = z.object({
  diff: z.object({
    a: RunSide,
    b: RunSide,
    isSame: z.boolean(),
    input: JsonDiff,
    end: JsonDiff,
    firstKey: z.string().nullable(),
    steps: z.array(StepDiff),
    timing: z.array(z.object({ key: z.string(), ...step, aMs: ms, bMs: ms })),
    counts: z.record(z.string(), count),
    bounds: z.object({ stepsMax: count, timingMs: ms, timingShare: z.number() }),
  }),
  truncated,
});
