import type { Action, Decision, Event, StepKind } from "@tutti/core";

/** A step as the waterfall draws it. Times are in ms since the run started, on a clock that stands still while no process ran the run. */
export interface Span {
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly status: "completed" | "failed" | "running" | "waiting" | "refused";
  readonly startMs: number;
  readonly endMs: number;
  readonly segments: readonly Segment[];
  readonly attempts: number;
  readonly decision: Decision | undefined;
  readonly failure: string | undefined;
}

/** One stretch of a span: work that counted, an attempt that failed or was cut off, or waiting. */
export interface Segment {
  readonly style: "work" | "lost" | "wait";
  readonly fromMs: number;
  readonly toMs: number;
}

/** A run's steps in the order of the workflow's code, and how long it ran and stood still. */
export interface Trace {
  readonly spans: readonly Span[];
  readonly durationMs: number;
  readonly downtimeMs: number;
  readonly resumes: number;
}

interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A time of day, or one some ms later, on the run's own clock. */
type Clock = (at: string, plusMs?: number) => number;

interface Draft {
  kind: StepKind;
  name: string;
  status: Span["status"];
  /** When the attempt or the wait that is under way began. */
  openSinceMs: number | undefined;
  readonly segments: Segment[];
  attempts: number;
  decision: Decision | undefined;
  failure: string | undefined;
}

/** Reads the steps out of a run's events. Pure; events of any order or incompleteness give some trace. */
export function readTrace(events: readonly Event[]): Trace {
  const [first] = events;
  // A recorded run is written when its one step has ended.
  const originMs = timeOf(first?.type === "run.recorded" ? first.startedAt : (first?.at ?? ""));
  const gaps = readGaps(events);
  const clock: Clock = (at, plusMs = 0) => Math.max(0, withoutGaps(timeOf(at) + plusMs, gaps) - originMs);
  const drafts = new Map<string, Draft>();
  for (const event of events) {
    if (event.type === "run.resumed") for (const draft of drafts.values()) interrupt(draft, clock(event.at));
    else if (isStepEvent(event)) apply(draftOf(drafts, event), event, clock);
  }
  const lastMs = clock(events.at(-1)?.at ?? "");
  const spans = [...drafts].toSorted(([a], [b]) => compareKeys(a, b)).map(([key, draft]) => close(key, draft, lastMs));
  return {
    spans,
    durationMs: Math.max(lastMs, ...spans.map((span) => span.endMs)),
    downtimeMs: gaps.reduce((sum, gap) => sum + gap.toMs - gap.fromMs, 0),
    resumes: gaps.length,
  };
}

function isStepEvent(event: Event): event is StepEvent {
  return "key" in event && event.key !== "" && event.type !== "approval.answered";
}

/** How deep in branches a key lies: "2" is 0, "3.0.1" (third place, branch 0, step 1) is 1. */
export function depthOf(key: string): number {
  return Math.floor((key.split(".").length - 1) / 2);
}

type StepEvent = Exclude<Extract<Event, { readonly key: string }>, { readonly type: "approval.answered" }>;

function draftOf(drafts: Map<string, Draft>, event: StepEvent): Draft {
  const known = drafts.get(event.key);
  if (known !== undefined) return known;
  const what = event.type === "policy.decided" ? { kind: kindOf(event.action), name: event.action.resource } : event;
  const draft: Draft = {
    kind: what.kind,
    name: what.name,
    status: "running",
    openSinceMs: undefined,
    segments: [],
    attempts: 0,
    decision: undefined,
    failure: undefined,
  };
  drafts.set(event.key, draft);
  return draft;
}

function apply(draft: Draft, event: StepEvent, clock: Clock): void {
  switch (event.type) {
    case "run.recorded":
      draft.decision = event.decision;
      addAttempt(draft, event, clock);
      draft.status = event.outcome.ok ? "completed" : "failed";
      if (!event.outcome.ok) draft.failure = `${event.outcome.code}: ${event.outcome.message}`;
      return;
    case "policy.decided":
      draft.decision = event.decision;
      draft.openSinceMs ??= clock(event.at);
      if (event.decision.effect === "deny") draft.status = "refused";
      return;
    case "step.started":
      draft.openSinceMs = clock(event.at);
      draft.status = "running";
      draft.attempts = Math.max(draft.attempts, event.attempt);
      return;
    case "step.waiting":
      draft.openSinceMs = clock(event.at);
      draft.status = "waiting";
      return;
    case "step.failed":
      addAttempt(draft, event, clock);
      draft.failure = `${event.code}: ${event.message}`;
      draft.status = event.retryAt === null ? "failed" : "waiting";
      if (event.retryAt !== null) draft.openSinceMs = clock(event.at);
      return;
    case "step.completed":
      addAttempt(draft, event, clock);
      draft.status = "completed";
  }
}

/** An event that ends an attempt. */
type Attempt = Extract<Event, { readonly durationMs: number }>;

function addAttempt(draft: Draft, event: Attempt, clock: Clock): void {
  const fromMs = clock(event.startedAt);
  const previous = draft.segments.at(-1);
  // Between two attempts the step waits for its retry.
  if (previous !== undefined && previous.toMs < fromMs) draft.segments.push({ style: "wait", fromMs: previous.toMs, toMs: fromMs });
  draft.segments.push({ style: styleOf(event), fromMs, toMs: clock(event.startedAt, Math.max(0, event.durationMs)) });
  draft.attempts = Math.max(draft.attempts, event.attempt);
  draft.openSinceMs = undefined;
}

/** The process ended while this step was under way: what it had done so far is lost, and a wait goes on. */
function interrupt(draft: Draft, atMs: number): void {
  if (draft.openSinceMs === undefined || draft.status !== "running" || draft.attempts === 0) return;
  draft.segments.push({ style: "lost", fromMs: draft.openSinceMs, toMs: Math.max(draft.openSinceMs, atMs) });
  draft.openSinceMs = undefined;
}

function close(key: string, draft: Draft, lastMs: number): Span {
  const segments = [...draft.segments];
  const isOpen = draft.status === "running" || draft.status === "waiting";
  if (isOpen && draft.openSinceMs !== undefined) {
    segments.push({
      style: draft.status === "waiting" ? "wait" : "work",
      fromMs: draft.openSinceMs,
      toMs: Math.max(draft.openSinceMs, lastMs),
    });
  }
  // What was refused took no time, but a place in time.
  if (draft.status === "refused" && draft.openSinceMs !== undefined)
    segments.push({ style: "lost", fromMs: draft.openSinceMs, toMs: draft.openSinceMs });
  const { kind, name, status, attempts, decision, failure } = draft;
  const fallbackMs = draft.openSinceMs ?? 0;
  const startMs = segments.length === 0 ? fallbackMs : Math.min(...segments.map((segment) => segment.fromMs));
  const endMs = segments.length === 0 ? fallbackMs : Math.max(...segments.map((segment) => segment.toMs));
  return { key, kind, name, status, startMs, endMs, segments, attempts, decision, failure };
}

function kindOf(action: Action): StepKind {
  if (action.kind === "tool.call") return "tool";
  if (action.kind === "model.generate") return "model";
  return action.kind === "run.start" ? "workflow" : "step";
}

function styleOf(event: Attempt): Segment["style"] {
  if (event.type === "step.failed" || (event.type === "run.recorded" && !event.outcome.ok)) return "lost";
  return event.kind === "sleep" || event.kind === "signal" ? "wait" : "work";
}

/** Stretches in which no process ran the run: from the last event before a `run.resumed` to that event. */
function readGaps(events: readonly Event[]): readonly Gap[] {
  const gaps: Gap[] = [];
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (event.type !== "run.resumed" || before === undefined) continue;
    gaps.push({ fromMs: timeOf(before.at), toMs: Math.max(timeOf(before.at), timeOf(event.at)) });
  }
  return gaps;
}

function withoutGaps(atMs: number, gaps: readonly Gap[]): number {
  let cutMs = 0;
  for (const gap of gaps) if (atMs > gap.fromMs) cutMs += Math.min(atMs, gap.toMs) - gap.fromMs;
  return atMs - cutMs;
}

function timeOf(at: string): number {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? 0 : ms;
}

function compareKeys(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (const [index, place] of left.entries()) {
    const difference = place - (right[index] ?? -1);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return left.length - right.length;
}
