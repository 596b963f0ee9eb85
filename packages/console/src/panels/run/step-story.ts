import type { Event, Json, RunUsage, StepKind } from "@tutti/core";

/** One attempt of a step, as far as it has come. */
export interface AttemptStory {
  readonly attempt: number;
  readonly state: "completed" | "failed" | "running";
  readonly startedAt: string;
  readonly durationMs: number | undefined;
  readonly output: Json | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly retryAt: string | undefined;
  readonly calls: Readonly<Record<string, number>>;
  readonly tainted: readonly string[];
  /** What it said of itself while it was at work. */
  readonly progress: readonly { readonly at: string; readonly detail: Json }[];
}

type Decided = Extract<Event, { readonly type: "policy.decided" | "run.recorded" }>;
type Answered = Extract<Event, { readonly type: "approval.answered" }>;
type Waited = Extract<Event, { readonly type: "step.waiting" }>;

/** All that a log says of one step. */
export interface StepStory {
  readonly key: string;
  readonly kind: StepKind | undefined;
  readonly name: string;
  readonly attempts: readonly AttemptStory[];
  /** What policies saw; only tools and models have their input in the log. */
  readonly input: Json | undefined;
  readonly output: Json | undefined;
  readonly decisions: readonly Decided[];
  readonly waits: readonly Waited[];
  readonly answers: readonly Answered[];
  readonly usage: RunUsage | undefined;
  readonly tainted: readonly string[];
  readonly firstSeq: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads the story of the step at `key`; `undefined` when the log does not know it. Pure. */
export function storyOf(events: readonly Event[], key: string): StepStory | undefined {
  const own = events.filter((event) => "key" in event && event.key === key);
  const [first] = own;
  if (first === undefined) return undefined;
  const named = own.find((event) => "kind" in event);
  const decisions = own.filter((event) => event.type === "policy.decided" || event.type === "run.recorded");
  const completed = own.findLast((event) => event.type === "step.completed");
  const recorded = own.findLast((event) => event.type === "run.recorded");
  return {
    key,
    kind: named?.kind,
    name: named?.name ?? decisions[0]?.action.resource ?? "",
    attempts: attemptsOf(own),
    input: decisions.at(-1)?.action.input,
    output: completed?.output ?? recorded?.outcome.output,
    decisions,
    waits: own.filter((event) => event.type === "step.waiting"),
    answers: own.filter((event) => event.type === "approval.answered"),
    usage: completed?.usage,
    tainted: [...new Set(own.flatMap((event) => ("tainted" in event ? (event.tainted ?? []) : [])))],
    firstSeq: first.seq,
  };
}

function attemptsOf(own: readonly Event[]): readonly AttemptStory[] {
  const attempts = new Map<string, Mutable<AttemptStory>>();
  let turn = 0;
  for (const event of own) {
    // After a standstill the count of attempts may begin anew.
    if (event.type === "step.started" && attempts.has(`${turn}/${event.attempt}`)) turn += 1;
    if (!("attempt" in event)) continue;
    const id = `${turn}/${event.attempt}`;
    const known = attempts.get(id) ?? newAttempt(event.attempt, "startedAt" in event ? event.startedAt : event.at);
    attempts.set(id, known);
    apply(known, event);
  }
  return [...attempts.values()];
}

function newAttempt(attempt: number, startedAt: string): Mutable<AttemptStory> {
  return {
    attempt,
    state: "running",
    startedAt,
    durationMs: undefined,
    output: undefined,
    error: undefined,
    retryAt: undefined,
    calls: {},
    tainted: [],
    progress: [],
  };
}

function apply(attempt: Mutable<AttemptStory>, event: Extract<Event, { readonly attempt: number }>): void {
  if ("durationMs" in event) [attempt.startedAt, attempt.durationMs] = [event.startedAt, event.durationMs];
  if ("calls" in event) attempt.calls = event.calls ?? {};
  if ("tainted" in event) attempt.tainted = event.tainted ?? [];
  switch (event.type) {
    case "step.progressed":
      attempt.progress = [...attempt.progress, { at: event.at, detail: event.detail }];
      return;
    case "step.failed":
      attempt.state = "failed";
      attempt.error = { code: event.code, message: event.message };
      attempt.retryAt = event.retryAt ?? undefined;
      return;
    case "step.completed":
      attempt.state = "completed";
      attempt.output = event.output;
      return;
    case "run.recorded":
      attempt.state = event.outcome.ok ? "completed" : "failed";
      attempt.output = event.outcome.output;
      if (!event.outcome.ok) attempt.error = { code: event.outcome.code, message: event.outcome.message };
      return;
    case "step.started":
  }
}
