import type { Event, EventBody, Json, Outcome, StepKind } from "@tutti/core";

/** A step that ended before the process did. */
export interface StepRecord {
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly outcome: Outcome;
}

/** What is known of a step that has not ended: its failed attempts, and until when it waits. */
export interface StepProgress {
  readonly attempts: number;
  readonly until: string | null | undefined;
  readonly retryAt: string | undefined;
}

/** A signal that came, in order of arrival. */
export interface ReceivedSignal {
  readonly name: string;
  readonly value: Json;
}

/** A run's events read as what a replay needs. Mutable only while it is read in. */
export class History {
  /** Ended steps in the order in which they were recorded: a replay delivers them in that order. */
  readonly records: StepRecord[] = [];
  readonly signals: ReceivedSignal[] = [];
  /** Signals already consumed, by name. */
  readonly consumed = new Map<string, number>();
  cancelReason: string | undefined;
  lastSeq = 0;
  lastEvent: Event | undefined;
  /** How the run ended, if it did. */
  end: EventBody | undefined;
  readonly #byKey = new Map<string, StepRecord>();
  readonly #progress = new Map<string, StepProgress>();
  readonly #branchPoints = new Set<string>();

  /** Reads one event in; `value` is what it carries, fetched from wherever it stands. */
  add(event: Event, value: Json): void {
    this.lastSeq = event.seq;
    this.lastEvent = event;
    switch (event.type) {
      case "step.completed":
        return this.#end(event, { ok: true, output: value });
      case "step.failed":
        if (event.retryAt === null) return this.#end(event, { ok: false, code: event.code, message: event.message });
        this.#progress.set(event.key, { attempts: event.attempt, until: undefined, retryAt: event.retryAt });
        return;
      case "step.waiting":
        this.#progress.set(event.key, { attempts: 0, until: event.until, retryAt: undefined });
        return;
      case "signal.received":
        this.signals.push({ name: event.name, value });
        return;
      case "cancel.requested":
        this.cancelReason = event.reason;
        return;
      case "run.completed":
        this.end = { type: event.type, output: value };
        return;
      case "run.failed":
        this.end = { type: event.type, code: event.code, message: event.message };
        return;
      case "run.cancelled":
        this.end = { type: event.type, reason: event.reason };
        return;
      case "run.started":
      case "run.recorded":
      case "run.resumed":
      case "run.paused":
      case "policy.decided":
      case "step.started":
    }
  }

  record(key: string): StepRecord | undefined {
    return this.#byKey.get(key);
  }

  progress(key: string): StepProgress | undefined {
    return this.#progress.get(key);
  }

  /** Whether the recorded run had branches at `key`, where a step is asked for now. */
  branchedAt(key: string): boolean {
    return this.#branchPoints.has(key);
  }

  #end(step: { readonly key: string; readonly kind: StepKind; readonly name: string }, outcome: Outcome): void {
    const record = { key: step.key, kind: step.kind, name: step.name, outcome };
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
