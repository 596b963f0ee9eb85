import { z } from "zod";
import { count, Failure, json } from "./values.ts";

const stepKind = z.enum([
  "step",
  "undo",
  "model",
  "tool",
  "workflow",
  "spawn",
  "send",
  "sleep",
  "signal",
  "approval",
  "now",
  "emit",
  "patch",
]);

/** What can be told of a run's standing. */
export const runStatus = z.enum(["queued", "running", "waiting", "paused", "completed", "failed", "cancelled", "continued"]);

/** A run as the API shows it. */
export const Run = z
  .object({
    id: z.string(),
    workflow: z.string(),
    version: z.string(),
    status: runStatus,
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    parentId: z.string().nullable(),
    principalId: z.string(),
    events: z.int(),
    head: z.string(),
  })
  .meta({ id: "Run", description: "A run. `head` is the hash of its last event." });

/** A run that was changed. */
export const OneRun = z.object({ run: Run });

/** A run that was begun, and where to look at it. */
export const StartedRun = z.object({ run: Run, url: z.string() });

/** Runs, newest first. */
export const RunPage = z.object({
  runs: z.array(Run),
  nextBefore: z.string().nullable(),
  scanned: count.exactOptional().describe("Of a search by text: how many events it looked through."),
});

/** Something that a step waits for. */
export const OpenWait = z.object({ key: z.string(), kind: stepKind, name: z.string(), until: z.string().nullable() });

/** Where a run stands. */
export const RunDetails = z.object({
  run: Run,
  output: json.exactOptional(),
  error: Failure.exactOptional(),
  waitingFor: z.array(OpenWait),
});

/** What a second run of a workflow over its log comes to. */
export const Replayed = z.discriminatedUnion("matches", [
  z.object({ matches: z.literal(true), steps: count, output: json }),
  z.object({ matches: z.literal(false), steps: count, reason: z.string() }),
]);

/** An event, by what all events have; the rest depends on its type. */
const RunEvent = z
  .looseObject({ type: z.string(), runId: z.string(), seq: z.int().min(1), at: z.string(), hash: z.string() })
  .meta({ id: "Event", description: "What happened in a run. What else it holds depends on its type; docs/runs.md lists them." });

/** A page of a run's events. */
export const EventPage = z.object({ events: z.array(RunEvent) });

/** Whether a log is what was journaled. */
export const Verdict = z.discriminatedUnion("valid", [
  z.object({ valid: z.literal(true), events: count, head: z.string() }),
  z.object({ valid: z.literal(false), events: count, atSeq: z.int(), reason: z.string() }),
]);

/** A run's receipt. */
export const Receipt = z.object({
  run: Run,
  algorithm: z.string(),
  head: z.string(),
  verdict: Verdict,
  events: z.array(RunEvent),
});

/** A part of the log of all runs. */
export const TrustPage = z.object({
  events: z.array(z.object({ position: z.int(), event: RunEvent })),
  nextAfter: z.int().nullable(),
});

/** A run's events. */
export const Trace = z.object({ run: Run, events: z.array(RunEvent) });

/** What a run says of itself. */
export const QueryAnswer = z.object({ value: json });

/** A queue, its bounds, and how full it is. */
export const Queue = z.object({
  name: z.string(),
  workflows: z.array(z.string()).optional(),
  keyBy: z.enum(["tenant", "principal", "workflow"]).optional(),
  concurrency: z.int(),
  concurrencyPerKey: z.int().optional(),
  ratePerSecond: z.number().optional(),
  queuedMax: z.int(),
  queued: count,
  running: count,
  oldestAt: z.string().nullable(),
  keys: z.array(z.object({ key: z.string(), queued: count, running: count })),
});
