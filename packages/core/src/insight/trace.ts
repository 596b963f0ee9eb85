import type { Event, StepKind } from "../event.ts";
import type { Action, Decision } from "../policy/decide.ts";
import { clockOf, readGaps, timeOf, type Clock, type Gap } from "./clock.ts";
import { compareKeys } from "./step-key.ts";

/** A step as its run's log tells it. Times are in ms since the run started, on a clock that stands still while nobody ran the run. */
export interface Span {
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly status: "completed" | "failed" | "running" | "waiting" | "refused" | "cancelled";
  readonly startMs: number;
  readonly endMs: number;
  readonly segments: readonly Segment[];
  readonly attempts: number;
  readonly decision: Decision | undefined;
  readonly failure: string | undefined;
  /** Another run did it, and this one began with a copy of its log: here it took no time. */
  readonly isCopied: boolean;
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
  /** 0, unless the log is read on another's clock. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly downtimeMs: number;
  readonly resumes: number;
  readonly gaps: readonly Gap[];
  readonly clock: Clock;
}

/** How a log is read: up to which moment when it has not ended (ms since 1970), and on whose clock: its own unless given. */
export interface TraceOptions {
  readonly nowMs?: number;
  readonly clock?: Clock;
}

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
  isCopied: boolean;
}

/** Reads the steps out of a run's events. Pure; events of any order or incompleteness give some trace. */
export function readTrace(events: readonly Event[], options: TraceOptions = {}): Trace {
  const lastAt = events.at(-1)?.at ?? "";
  const endMs = Math.max(timeOf(lastAt), options.nowMs ?? 0);
  const gaps = readGaps(events, endMs);
  const clock = options.clock ?? clockOf(events, gaps);
  const drafts = new Map<string, Draft>();
  const open = new Set<Draft>();
  let resumes = 0;
  for (const event of events) {
    if (event.type === "run.resumed") {
      resumes += 1;
      const atMs = clock(event.at);
      for (const draft of open) interrupt(draft, atMs);
    } else if (isStepEvent(event)) {
      const draft = draftOf(drafts, event);
      apply(draft, event, clock);
      if (draft.openSinceMs === undefined) open.delete(draft);
      else open.add(draft);
    }
  }
  const lastMs = clock(lastAt, endMs - timeOf(lastAt));
  const startMs = options.clock === undefined ? 0 : clock(events[0]?.at ?? "");
  const spans = [...drafts].toSorted(([a], [b]) => compareKeys(a, b)).map(([key, draft]) => close(key, draft, lastMs));
  return {
    spans,
    startMs,
    durationMs: spans.reduce((latestMs, span) => Math.max(latestMs, span.endMs), lastMs) - startMs,
    downtimeMs: gaps.reduce((sum, gap) => sum + gap.toMs - gap.fromMs, 0),
    resumes,
    gaps,
    clock,
  };
}

/** Whether a step has given nothing: it has not ended, or its branch has, before it did. */
export function isOpen({ status }: Span): boolean {
  return status === "running" || status === "waiting" || status === "cancelled";
}

/** Whether a step only waits for something outside: a time, a signal, an answer. */
export function isWait({ kind }: Pick<Span, "kind">): boolean {
  return kind === "sleep" || kind === "signal" || kind === "approval";
}

type StepEvent = Exclude<Extract<Event, { readonly key: string }>, { readonly type: "approval.answered" }>;

function isStepEvent(event: Event): event is StepEvent {
  return "key" in event && event.key !== "" && event.type !== "approval.answered";
}

function draftOf(drafts: Map<string, Draft>, event: StepEvent): Draft {
  const known = drafts.get(event.key);
  if (known !== undefined) {
    // A decision comes first and names what it allows; what the step is, the step itself says.
    if (event.type !== "policy.decided") [known.kind, known.name] = [event.kind, event.name];
    return known;
  }
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
    isCopied: false,
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
    case "step.progressed":
      return;
    case "step.cancelled": {
      const endMs = clock(event.at);
      const fromMs = draft.openSinceMs ?? endMs;
      draft.segments.push({ style: draft.status === "waiting" ? "wait" : "lost", fromMs, toMs: Math.max(fromMs, endMs) });
      draft.openSinceMs = undefined;
      draft.status = "cancelled";
      return;
    }
    case "step.failed":
      addAttempt(draft, event, clock);
      draft.failure = `${event.code}: ${event.message}`;
      draft.status = event.retryAt === null ? "failed" : "waiting";
      if (event.retryAt !== null) draft.openSinceMs = clock(event.at);
      return;
    case "step.completed":
      addAttempt(draft, event, clock);
      draft.status = "completed";
      draft.isCopied = event.copied === true;
  }
}

/** An event that ends an attempt. */
type Attempt = Extract<Event, { readonly durationMs: number }>;

function addAttempt(draft: Draft, event: Attempt, clock: Clock): void {
  const fromMs = clock(event.startedAt);
  const previous = draft.segments.at(-1);
  // Between two attempts the step waits for its retry.
  if (previous !== undefined && previous.toMs < fromMs) draft.segments.push({ style: "wait", fromMs: previous.toMs, toMs: fromMs });
  draft.segments.push({ style: styleOf(event), fromMs, toMs: Math.max(fromMs, clock(event.startedAt, Math.max(0, event.durationMs))) });
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
  const openSinceMs = draft.openSinceMs ?? segments.at(-1)?.toMs ?? 0;
  if (draft.status === "running" || draft.status === "waiting")
    segments.push({ style: draft.status === "waiting" ? "wait" : "work", fromMs: openSinceMs, toMs: Math.max(openSinceMs, lastMs) });
  // What was refused took no time, but a place in time.
  if (draft.status === "refused") segments.push({ style: "lost", fromMs: openSinceMs, toMs: openSinceMs });
  const { kind, name, status, attempts, decision, failure, isCopied } = draft;
  const startMs = segments.reduce((first, { fromMs }) => Math.min(first, fromMs), segments[0]?.fromMs ?? openSinceMs);
  const endMs = segments.reduce((last, { toMs }) => Math.max(last, toMs), startMs);
  return { key, kind, name, status, startMs, endMs, segments, attempts, decision, failure, isCopied };
}

function kindOf(action: Action): StepKind {
  if (action.kind === "tool.call") return "tool";
  if (action.kind === "model.generate") return "model";
  return action.kind === "run.start" ? "workflow" : "step";
}

function styleOf(event: Attempt): Segment["style"] {
  if (event.type === "step.failed" || (event.type === "run.recorded" && !event.outcome.ok)) return "lost";
  return isWait(event) ? "wait" : "work";
}
