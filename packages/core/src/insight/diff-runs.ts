import type { Event, RunStatus, StepKind } from "../event.ts";
import type { Json } from "../json.ts";
import { diffJson, isSameJson, type JsonDiff } from "./json-diff.ts";
import { headOf, statusOf } from "./read-run.ts";
import { compareKeys } from "./step-key.ts";
import { readTrace, type Span } from "./trace.ts";

/** Differing steps that are listed; the rest is counted. */
const STEPS_MAX = 500;
/** A step took another time when it differs by at least so much, and by this share of the longer one. */
const TIMING_MS = 20;
const TIMING_SHARE = 0.25;

/** Two runs, step by step. Empty of differences when they did the same. */
export interface RunDiff {
  readonly a: RunSide;
  readonly b: RunSide;
  /** Whether input, steps and end are the same; times do not count. */
  readonly isSame: boolean;
  readonly input: JsonDiff;
  readonly end: JsonDiff;
  /** The first step, in the order of the code, in which they differ. */
  readonly firstKey: string | null;
  readonly steps: readonly StepDiff[];
  /** Steps that gave the same in another time. */
  readonly timing: readonly TimingDiff[];
  readonly counts: Readonly<Record<"same" | StepDiff["type"] | "timing", number>>;
  readonly bounds: { readonly stepsMax: number; readonly timingMs: number; readonly timingShare: number };
}

/** One of the two. */
interface RunSide {
  readonly runId: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly durationMs: number;
  /** The run whose log this one begins with a part of. */
  readonly forkOf: string | null;
}

/** A step in which two runs differ. */
export type StepDiff = { readonly key: string } & (
  | { readonly type: "only-a"; readonly a: StepSide }
  | { readonly type: "only-b"; readonly b: StepSide }
  /** Another step stands in the same place of the code. */
  | { readonly type: "other-step"; readonly a: StepSide; readonly b: StepSide }
  /** The same step ended in another way: it failed in one, or is not over. */
  | { readonly type: "other-end"; readonly a: StepSide; readonly b: StepSide }
  | { readonly type: "other-output"; readonly a: StepSide; readonly b: StepSide; readonly output: JsonDiff }
);

/** A step as one of the two runs has it. */
export interface StepSide {
  readonly kind: StepKind;
  readonly name: string;
  readonly status: Span["status"];
  readonly durationMs: number;
  readonly attempts: number;
  readonly failure?: string;
}

/** The same step, slower in one. */
export interface TimingDiff {
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly aMs: number;
  readonly bMs: number;
}

/** Compares two runs' logs, step by step, by the steps' places in the code. Pure. */
export function diffRuns(a: readonly Event[], b: readonly Event[]): RunDiff {
  const left = readSide(a);
  const right = readSide(b);
  const keys = [...new Set([...left.steps.keys(), ...right.steps.keys()])].toSorted(compareKeys);
  const diffs = keys.map((key) => ({ key, diff: diffStep(key, left.steps.get(key), right.steps.get(key)) }));
  const steps = diffs.flatMap(({ diff }) => (diff === undefined ? [] : [diff]));
  const timing = diffs.flatMap(({ key, diff }) => (diff === undefined ? timingOf(key, left.steps.get(key), right.steps.get(key)) : []));
  const input = diffJson(inputOf(a), inputOf(b));
  const end = diffJson(endOf(a), endOf(b));
  const count = (type: StepDiff["type"]): number => steps.filter((step) => step.type === type).length;
  return {
    a: left.side,
    b: right.side,
    isSame: steps.length === 0 && input.differences.length === 0 && end.differences.length === 0,
    input,
    end,
    firstKey: steps[0]?.key ?? null,
    steps: steps.slice(0, STEPS_MAX),
    timing: timing.slice(0, STEPS_MAX),
    counts: {
      same: keys.length - steps.length,
      "only-a": count("only-a"),
      "only-b": count("only-b"),
      "other-step": count("other-step"),
      "other-end": count("other-end"),
      "other-output": count("other-output"),
      timing: timing.length,
    },
    bounds: { stepsMax: STEPS_MAX, timingMs: TIMING_MS, timingShare: TIMING_SHARE },
  };
}

interface RecordedStep {
  readonly span: Span;
  readonly output: Json | undefined;
}

function readSide(events: readonly Event[]): { readonly side: RunSide; readonly steps: ReadonlyMap<string, RecordedStep> } {
  const { spans, durationMs } = readTrace(events);
  const outputs = new Map<string, Json>();
  for (const event of events) {
    if (event.type === "step.completed") outputs.set(event.key, event.output);
    else if (event.type === "run.recorded" && event.outcome.ok) outputs.set(event.key, event.outcome.output);
  }
  const [first] = events;
  return {
    side: {
      runId: first?.runId ?? "",
      ...headOf(events),
      status: statusOf(events),
      durationMs,
      forkOf: first?.type === "run.started" && first.origin?.type === "fork" ? first.origin.runId : null,
    },
    steps: new Map(spans.map((span) => [span.key, { span, output: outputs.get(span.key) }])),
  };
}

function diffStep(key: string, a: RecordedStep | undefined, b: RecordedStep | undefined): StepDiff | undefined {
  if (a === undefined) return b && { key, type: "only-b", b: sideOf(b) };
  if (b === undefined) return { key, type: "only-a", a: sideOf(a) };
  const sides = { a: sideOf(a), b: sideOf(b) };
  if (sides.a.kind !== sides.b.kind || sides.a.name !== sides.b.name) return { key, type: "other-step", ...sides };
  if (sides.a.status !== sides.b.status || sides.a.failure !== sides.b.failure) return { key, type: "other-end", ...sides };
  if (isSameJson(a.output ?? null, b.output ?? null)) return undefined;
  return { key, type: "other-output", ...sides, output: diffJson(a.output ?? null, b.output ?? null) };
}

function sideOf({ span: { kind, name, status, startMs, endMs, attempts, failure } }: RecordedStep): StepSide {
  // A failure that a later attempt made good is a matter of attempts, not of how the step ended.
  const isFailed = status === "failed" || status === "refused";
  return { kind, name, status, durationMs: endMs - startMs, attempts, ...(isFailed && failure !== undefined && { failure }) };
}

function timingOf(key: string, a: RecordedStep | undefined, b: RecordedStep | undefined): readonly TimingDiff[] {
  if (a === undefined || b === undefined || a.span.isCopied || b.span.isCopied) return [];
  const aMs = a.span.endMs - a.span.startMs;
  const bMs = b.span.endMs - b.span.startMs;
  const byMs = Math.abs(aMs - bMs);
  if (byMs < TIMING_MS || byMs < Math.max(aMs, bMs) * TIMING_SHARE) return [];
  return [{ key, kind: a.span.kind, name: a.span.name, aMs, bMs }];
}

function inputOf([first]: readonly Event[]): Json {
  if (first?.type === "run.started") return first.input;
  return first?.type === "run.recorded" ? (first.action.input ?? null) : null;
}

/** How a run ended, as a value that can be compared; null while it has not. */
function endOf(events: readonly Event[]): Json {
  const last = events.at(-1);
  if (last?.type === "run.completed") return { type: "completed", output: last.output };
  if (last?.type === "run.failed") return failed(last);
  if (last?.type === "run.cancelled") return { type: "cancelled", reason: last.reason };
  if (last?.type === "run.continued") return { type: "continued" };
  if (last?.type !== "run.recorded") return null;
  return last.outcome.ok ? { type: "completed", output: last.outcome.output } : failed(last.outcome);
}

function failed({ code, message }: { readonly code: string; readonly message: string }): Json {
  return { type: "failed", code, message };
}
