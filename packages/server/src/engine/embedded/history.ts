import type { Event, EventBody, Json, Outcome, RunUsage, StepKind } from "@tutti/core";

/** A step that ended before the process did. */
export interface StepRecord {
  readonly type: "step";
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly outcome: Outcome;
}

/** Somebody, or the run's deadline, ended all branches at this place of the log. */
export interface Closing {
  readonly type: "closing";
  readonly code: "cancelled" | "deadline_exceeded";
  readonly reason: string;
}

/** What is known of a step that has not ended: its failed attempts, its last heartbeat, and until when it waits. */
export interface StepProgress {
  readonly attempts: number;
  readonly until: string | null | undefined;
  /** When it began to wait. */
  readonly since: string | undefined;
  readonly retryAt: string | undefined;
  readonly detail: Json | undefined;
}

/** A signal that came, in order of arrival. */
export interface ReceivedSignal {
  readonly name: string;
  readonly value: Json;
  readonly id?: string | undefined;
  readonly tainted?: readonly string[] | undefined;
}

/** An answer to an approval. */
export type ApprovalAnswer = Pick<
  Extract<EventBody, { readonly type: "approval.answered" }>,
  "approved" | "by" | "reason" | "argsHash" | "edited"
>;

const NO_PROGRESS: StepProgress = { attempts: 0, until: undefined, since: undefined, retryAt: undefined, detail: undefined };

/** A run's events read as what a replay needs. Mutable only while it is read in. */
export class History {
  /** Ended steps and the closing, in the order in which they were recorded: a replay delivers them in that order. */
  readonly records: (StepRecord | Closing)[] = [];
  readonly signals: ReceivedSignal[] = [];
  /** Signals already consumed, by name. */
  readonly consumed = new Map<string, number>();
  readonly answers = new Map<string, readonly ApprovalAnswer[]>();
  /** Tools by the keys of the steps that policy let call them. */
  readonly calls = new Map<string, string>();
  /** Calls by tool in the runs that ended steps waited for. */
  readonly childCalls: Readonly<Record<string, number>>[] = [];
  /** What the ended steps cost. */
  readonly usages: RunUsage[] = [];
  /** Sources of untrusted content that came into the run. */
  readonly tainted = new Set<string>();
  /** The version somebody resumed the run on. */
  version: string | undefined;
  queue: Extract<EventBody, { readonly type: "run.queued" }> | undefined;
  isAdmitted = true;
  startedAtMs: number | undefined;
  lastSeq = 0;
  lastEvent: Event | undefined;
  /** How the run ended, if it did. */
  end: EventBody | undefined;
  readonly #byKey = new Map<string, StepRecord>();
  readonly #progress = new Map<string, StepProgress>();
  readonly #begun = new Set<string>();
  readonly #branchPoints = new Set<string>();

  /** Reads one event in; `value` is what it carries, fetched from wherever it stands. */
  add(event: Event, value: Json): void {
    this.lastSeq = event.seq;
    this.lastEvent = event;
    if ("tainted" in event) for (const source of event.tainted ?? []) this.tainted.add(source);
    if ((event.type === "step.completed" || event.type === "step.failed") && event.calls !== undefined) this.childCalls.push(event.calls);
    switch (event.type) {
      case "step.completed":
        if (event.usage !== undefined) this.usages.push(event.usage);
        return this.#end(event, { ok: true, output: value });
      case "step.failed":
        if (event.retryAt === null) return this.#end(event, { ok: false, code: event.code, message: event.message });
        return this.#advance(event.key, { attempts: event.attempt, retryAt: event.retryAt });
      case "step.waiting":
        return this.#advance(event.key, { until: event.until, since: event.at, retryAt: undefined });
      case "step.cancelled":
        this.#progress.delete(event.key);
        this.#begun.add(event.key);
        return;
      case "step.progressed":
        return this.#advance(event.key, { detail: value });
      case "policy.decided":
        if (event.action.kind === "tool.call" && event.decision.effect !== "deny") this.calls.set(event.key, event.action.resource);
        this.#begun.add(event.key);
        return;
      case "step.started":
        this.#begun.add(event.key);
        return;
      case "signal.received":
        this.signals.push({ name: event.name, value, id: event.id, tainted: event.tainted });
        return;
      case "approval.answered":
        return this.#answer(event, value);
      case "cancel.requested":
        this.records.push({ type: "closing", code: event.code ?? "cancelled", reason: event.reason });
        return;
      case "run.started":
      case "run.queued":
      case "run.admitted":
      case "run.resumed":
        return this.#begin(event);
      case "run.completed":
      case "run.failed":
      case "run.cancelled":
      case "run.continued":
        this.end = endOf(event, value);
        return;
      case "run.recorded":
      case "run.paused":
      case "approval.used":
      case "approval.seconded":
      case "approval.revoked":
    }
  }

  record(key: string): StepRecord | undefined {
    return this.#byKey.get(key);
  }

  progress(key: string): StepProgress | undefined {
    return this.#progress.get(key);
  }

  /** Whether a step at `key` said that it had begun, and nothing since. */
  isOpen(key: string): boolean {
    return this.#progress.get(key)?.until !== undefined && !this.#byKey.has(key);
  }

  /** Whether anything of a step at `key` is in the log. */
  knows(key: string): boolean {
    return this.#byKey.has(key) || this.#progress.has(key) || this.#begun.has(key) || this.#branchPoints.has(key);
  }

  /** Whether the recorded run had branches at `key`, where a step is asked for now. */
  branchedAt(key: string): boolean {
    return this.#branchPoints.has(key);
  }

  #begin(event: Extract<Event, { readonly type: "run.started" | "run.queued" | "run.admitted" | "run.resumed" }>): void {
    if (event.type === "run.started") this.startedAtMs = Date.parse(event.at);
    else if (event.type === "run.resumed") this.version = event.version ?? this.version;
    else if (event.type === "run.queued") this.queue = event;
    this.isAdmitted = event.type !== "run.queued";
  }

  #answer(event: Extract<Event, { readonly type: "approval.answered" }>, input: Json): void {
    const { key, edited } = event;
    const answer = edited === undefined ? event : { ...event, edited: { ...edited, input } };
    this.answers.set(key, [...(this.answers.get(key) ?? []), answer]);
  }

  #advance(key: string, change: Partial<StepProgress>): void {
    this.#progress.set(key, { ...(this.#progress.get(key) ?? NO_PROGRESS), ...change });
  }

  #end(step: { readonly key: string; readonly kind: StepKind; readonly name: string }, outcome: Outcome): void {
    const record: StepRecord = { type: "step", key: step.key, kind: step.kind, name: step.name, outcome };
    this.records.push(record);
    this.#byKey.set(step.key, record);
    for (let at = step.key.lastIndexOf("."); at !== -1; at = step.key.lastIndexOf(".", at - 1))
      this.#branchPoints.add(step.key.slice(0, at));
    if (step.kind === "signal" && outcome.ok && isReceived(outcome.output))
      this.consumed.set(step.name, (this.consumed.get(step.name) ?? 0) + 1);
  }
}

/** What a wait for a signal records: whether one came in time, and its value. */
export type SignalOutput = { readonly received: true; readonly value: Json } | { readonly received: false };

function isReceived(output: Json): boolean {
  return typeof output === "object" && output !== null && "received" in output && output.received === true;
}

/** A run's end as the workflow gave it: without what the run cost, and with its output in place. */
function endOf(
  event: Extract<Event, { readonly type: "run.completed" | "run.failed" | "run.cancelled" | "run.continued" }>,
  value: Json,
): EventBody {
  switch (event.type) {
    case "run.completed":
      return { type: event.type, output: value };
    case "run.failed":
      return { type: event.type, code: event.code, message: event.message };
    case "run.cancelled":
      return { type: event.type, reason: event.reason };
    case "run.continued":
      return { type: event.type, nextRunId: event.nextRunId };
  }
}
