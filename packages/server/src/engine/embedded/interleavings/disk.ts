import { createHash } from "node:crypto";
import {
  AppError,
  canonicalJson,
  hashInput,
  statusAfter,
  type Event,
  type EventDraft,
  type Json,
  type RunFilter,
  type RunRecord,
  type RunStatus,
  type Wait,
  type WaitFilter,
} from "@tutti/core";

/** One thing that is written in one piece. */
export type Write =
  | { readonly type: "append"; readonly events: readonly EventDraft[] }
  | { readonly type: "park"; readonly runId: string; readonly waits: readonly Wait[] };

interface StoredRun {
  readonly num: number;
  readonly first: EventDraft;
  readonly drafts: EventDraft[];
  /** The same, hashed as far as somebody has looked. */
  readonly events: Event[];
  readonly waits: Map<string, Wait>;
  status: RunStatus;
  endedAt: string | null;
  isParked: boolean;
  /** The events without what differs from run to run though nothing else does, as far as somebody has looked. */
  readonly trace: string[];
}

interface Position {
  readonly runId: string;
  readonly seq: number;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
/** What a store has on disk: all that a crash leaves. A test part: it does in memory what the journal of SQLite does, in the same order. */
export class Disk {
  readonly #runs = new Map<string, StoredRun>();
  readonly #log: Position[] = [];
  readonly blobs = new Map<string, string>();
  readonly settings = new Map<string, Json>();

  /** The same again, which goes its own way from here. */
  clone(): Disk {
    const copy = new Disk();
    for (const [id, run] of this.#runs)
      copy.#runs.set(id, {
        ...run,
        drafts: [...run.drafts],
        events: [...this.eventsOf(id)],
        trace: [...this.#tracesOf(run)],
        waits: new Map(run.waits),
      });
    copy.#log.push(...this.#log);
    for (const [hash, text] of this.blobs) copy.blobs.set(hash, text);
    for (const [name, value] of this.settings) copy.settings.set(name, value);
    return copy;
  }

  /** Writes all of it or nothing. */
  write(write: Write): void {
    if (write.type === "park") return this.#park(write.runId, write.waits);
    this.#requireFits(write.events);
    for (const event of write.events) if (event.seq > this.draftsOf(event.runId).length) this.#add(event);
  }

  /** A run's events before they are hashed. */
  draftsOf(runId: string): readonly EventDraft[] {
    return this.#runs.get(runId)?.drafts ?? [];
  }

  eventsOf(runId: string): readonly Event[] {
    const run = this.#runs.get(runId);
    if (run === undefined) return [];
    const { drafts, events } = run;
    for (const draft of drafts.slice(events.length))
      events.push({ ...draft, hash: sha256(hashInput(events.at(-1)?.hash, canonicalJson(draft))) });
    return events;
  }

  /** What is known of a run, for comparing states. */
  traceOf(runId: string): string {
    const run = this.#runs.get(runId);
    return run === undefined ? "" : `${this.#tracesOf(run).join("")}${run.isParked ? "parked" : ""}`;
  }

  hasEnded(runId: string): boolean {
    return this.#runs.get(runId)?.endedAt != null;
  }

  /** In the order in which they began. */
  get runIds(): readonly string[] {
    return [...this.#runs.keys()];
  }

  log(afterPosition: number): readonly { readonly position: number; readonly event: Event }[] {
    return this.#log.flatMap(({ runId, seq }, index) => {
      const event = this.eventsOf(runId)[seq - 1];
      return index < afterPosition || event === undefined ? [] : [{ position: index + 1, event }];
    });
  }

  record(runId: string): RunRecord | undefined {
    const run = this.#runs.get(runId);
    if (run === undefined || !("workflow" in run.first)) return undefined;
    const { first, status, endedAt } = run;
    const principal = first.type === "run.started" ? first.principal : first.action.principal;
    return {
      id: runId,
      workflow: first.workflow,
      version: first.version,
      status,
      startedAt: first.type === "run.recorded" ? first.startedAt : first.at,
      endedAt,
      parentId: first.type === "run.started" ? (first.parent?.runId ?? null) : null,
      principalId: principal.id,
      events: run.drafts.length,
      head: this.eventsOf(runId).at(-1)?.hash ?? "",
    };
  }

  records({ statuses, parked, parentId, orphaned, workflow, beforeId, limit }: RunFilter): readonly RunRecord[] {
    const before = beforeId === undefined ? Infinity : (this.#runs.get(beforeId)?.num ?? Infinity);
    return [...this.#runs]
      .filter(([, run]) => run.num < before && (parked === undefined || !run.isParked))
      .toSorted(([, a], [, b]) => b.num - a.num)
      .flatMap(([id]) => this.record(id) ?? [])
      .filter(({ parentId: id }) => orphaned === undefined || (id !== null && (this.record(id)?.endedAt ?? null) !== null))
      .filter((record) => (statuses?.includes(record.status) ?? true) && (parentId ?? record.parentId) === record.parentId)
      .filter((record) => (workflow ?? record.workflow) === record.workflow)
      .slice(0, limit);
  }

  waits({ runId, kind, name, until, parked, limit }: WaitFilter): readonly Wait[] {
    return [...this.#runs]
      .filter(([id, run]) => (runId ?? id) === id && (parked === undefined || run.isParked))
      .flatMap(([, run]) => [...run.waits.values()])
      .filter((wait) => (kind ?? wait.kind) === wait.kind && (name ?? wait.name) === wait.name)
      .filter((wait) => until === undefined || (wait.until !== null && wait.until <= until))
      .toSorted((a, b) => compare(a.until ?? "~", b.until ?? "~") || compare(a.since, b.since))
      .slice(0, limit);
  }

  #tracesOf({ drafts, trace }: StoredRun): readonly string[] {
    for (const draft of drafts.slice(trace.length)) trace.push(draft.type === "run.resumed" ? "" : traceOf(draft));
    return trace;
  }

  #requireFits(events: readonly EventDraft[]): void {
    const heads = new Map<string, number>();
    for (const event of events) {
      const stored = this.draftsOf(event.runId);
      const head = heads.get(event.runId) ?? stored.length;
      if (event.seq > head + 1) throw new AppError("overloaded", `wanted event ${head + 1} of run ${event.runId}, got event ${event.seq}`);
      if (event.seq > head) heads.set(event.runId, event.seq);
      else if (!isSame(stored[event.seq - 1], event))
        throw new AppError("conflict", `wanted event ${event.seq} of run ${event.runId} as it was written first, got another one`);
    }
  }

  #add(event: EventDraft): void {
    const run = this.#runs.get(event.runId) ?? this.#newRun(event);
    run.drafts.push(event);
    run.isParked = false;
    this.#log.push({ runId: event.runId, seq: event.seq });
    this.#keepWaits(run, event);
    const status = statusAfter(event);
    if (status === undefined) return;
    run.status = status;
    if (isFinal(status)) this.#end(run, event);
  }

  #newRun(first: EventDraft): StoredRun {
    const run: StoredRun = {
      num: this.#runs.size + 1,
      first,
      drafts: [],
      events: [],
      waits: new Map(),
      status: "running",
      endedAt: null,
      isParked: false,
      trace: [],
    };
    this.#runs.set(first.runId, run);
    return run;
  }

  #keepWaits({ waits }: StoredRun, event: EventDraft): void {
    const { runId, at } = event;
    if (event.type === "step.waiting") {
      const { key, kind, name, until, approval } = event;
      waits.set(key, { runId, key, kind, name, since: at, until, ...(approval && { approval }) });
    } else if (event.type === "approval.answered" || event.type === "step.cancelled") waits.delete(event.key);
    else if (event.type === "step.completed" && (event.kind === "sleep" || event.kind === "signal" || event.kind === "approval"))
      waits.delete(event.key);
    else if (event.type === "run.started" && event.limits?.timeMs !== undefined) {
      const until = new Date(Date.parse(at) + event.limits.timeMs).toISOString();
      waits.set("", { runId, key: "", kind: "sleep", name: "deadline", since: at, until });
    }
  }

  #end(run: StoredRun, event: EventDraft): void {
    run.endedAt = event.at;
    run.waits.clear();
    for (const other of this.#runs.values()) {
      for (const [key, wait] of other.waits) {
        if (wait.kind !== "workflow" || wait.name !== event.runId) continue;
        if (event.type === "run.continued") other.waits.set(key, { ...wait, name: event.nextRunId });
        else other.isParked = false;
      }
    }
  }

  #park(runId: string, waits: readonly Wait[]): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    const kept = new Set(["", ...waits.map(({ key }) => key)]);
    for (const wait of waits) if (!run.waits.has(wait.key)) run.waits.set(wait.key, wait);
    for (const key of run.waits.keys()) if (!kept.has(key)) run.waits.delete(key);
    const hasCome = ({ kind, name }: Wait): boolean =>
      kind === "workflow" && this.hasEnded(name) && this.#runs.get(name)?.status !== "continued";
    if (waits.some(hasCome)) return;
    run.isParked = true;
    run.status = "waiting";
  }
}

/** An event without what differs from run to run though nothing else does: when it came, and whose it is. */
export function traceOf(event: EventDraft): string {
  const { at: _at, seq: _seq, runId: _runId, ...body } = event;
  if (body.type === "policy.decided") return `decided ${body.key} ${body.action.kind}`;
  if (!("durationMs" in body)) return JSON.stringify(body);
  const { startedAt: _startedAt, durationMs: _durationMs, ...rest } = body;
  return JSON.stringify(rest);
}

function isSame(stored: EventDraft | undefined, event: EventDraft): boolean {
  if (stored === undefined) return false;
  return canonicalJson(stored) === canonicalJson(event) || (event.seq === 1 && stored.type === "run.recorded");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function isFinal(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled" || status === "continued";
}
