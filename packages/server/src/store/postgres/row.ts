import { canonicalJson, statusAfter, type EventDraft, type Principal, type StepKind, type Wait } from "@tutti/core";

/** One row of a batch: an event, or a run's parking. `extra` is what the tables beside the log take from it, as JSON. */
export interface Row {
  readonly runId: string;
  readonly seq: number;
  readonly status: string;
  readonly mark: "" | "wait" | "woken" | "recorded" | "park";
  readonly extra: string | null;
  readonly body: string;
}

/** An event on its way to the journal. Throws `invalid_input` for what JSON cannot hold. */
export function eventRow(event: EventDraft): Row {
  const status = statusAfter(event) ?? "";
  const extra = { ...extraOf(event), ...(isEnd(event) ? { endedAt: event.at } : {}) };
  return {
    runId: event.runId,
    seq: event.seq,
    status,
    mark: markOf(event),
    extra: Object.keys(extra).length === 0 ? null : toJsonb(extra),
    body: canonicalJson(event),
  };
}

/** A run's parking with all that it waits for; it stands in the batch so that it takes effect in order. */
export function parkRow(runId: string, waits: readonly Wait[]): Row {
  return { runId, seq: 0, status: "", mark: "park", extra: toJsonb(waits.map(withTextApproval)), body: "" };
}

type Extra = Readonly<Record<string, unknown>>;

/** What the other tables need of an event; most need nothing. */
function extraOf(event: EventDraft): Extra {
  if (event.type === "run.started")
    return { ...beginning(event, event.at, event.principal), parentId: event.parent?.runId, deadline: deadlineOf(event) };
  if (event.type === "run.recorded")
    return { ...beginning(event, event.startedAt, event.action.principal), topic: event.outcome.ok ? topicOf(event) : undefined };
  if (event.type === "run.continued") return { nextRunId: event.nextRunId };
  if (event.type === "step.waiting") return withTextApproval({ ...event, since: event.at });
  // What a fork copied was published by the run it comes from.
  if (event.type === "step.completed" && event.kind === "emit") return { topic: event.copied === true ? undefined : topicOf(event) };
  return "key" in event && markOf(event) === "woken" ? { key: event.key } : {};
}

function markOf(event: EventDraft): Row["mark"] {
  if (event.type === "step.waiting") return "wait";
  if (event.type === "approval.answered" || event.type === "step.cancelled") return "woken";
  if (event.type === "run.recorded") return "recorded";
  if (event.type !== "step.completed") return "";
  return event.kind === "sleep" || event.kind === "signal" || event.kind === "approval" ? "woken" : "";
}

function beginning(event: { readonly workflow: string; readonly version: string }, startedAt: string, principal: Principal): Extra {
  return { workflow: event.workflow, version: event.version, startedAt, principalId: principal.id };
}

function topicOf({ kind, name }: { readonly kind: StepKind; readonly name: string }): string | undefined {
  return kind === "emit" ? name : undefined;
}

function deadlineOf({ at, limits }: Extract<EventDraft, { readonly type: "run.started" }>): Extra | undefined {
  if (limits?.timeMs === undefined) return undefined;
  return { key: "", kind: "sleep", name: "deadline", since: at, until: new Date(Date.parse(at) + limits.timeMs).toISOString() };
}

/** Whether the run has ended once this is written; what becomes of a given approval is written after its end. */
function isEnd(event: EventDraft): boolean {
  const status = statusAfter(event);
  return status === "completed" || status === "failed" || status === "cancelled" || status === "continued";
}

/** An approval is kept as text, because a person may have written in it what `jsonb` refuses. */
function withTextApproval({ key, kind, name, since, until, approval }: Omit<Wait, "runId">): Extra {
  return { key, kind, name, since, until, approval: approval === undefined ? undefined : canonicalJson(approval) };
}

/** PostgreSQL's texts hold neither NUL nor lone surrogates. The log itself does, as escapes; what stands beside it shows a substitute. */
function toJsonb(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === "string" ? item.toWellFormed().replaceAll("\0", "\u{fffd}") : item));
}
