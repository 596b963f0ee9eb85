import { canonicalJson, statusAfter, type EventDraft, type Wait } from "@tutti/core";

/** What the journal does beside writing the event: "" is nothing. */
type RowMark = "" | "wait" | "woken" | "deadline" | "emit" | "park";

/** One event on its way to the journal. `status` is the run's status after it, "" when the event does not change it. */
export interface JournalRow {
  readonly runId: string;
  readonly seq: number;
  readonly status: string;
  readonly mark: RowMark;
  /** The event as canonical JSON; for "park" the waits. */
  readonly body: string;
}

/** How many strings make one row: a flat array of strings is cheaper to copy between threads than an array of objects. */
const STRINGS_A_ROW = 5;

/** Adds an event to a flat batch. */
export function pushEvent(flat: string[], event: EventDraft): void {
  flat.push(event.runId, String(event.seq), statusAfter(event) ?? "", markOf(event), canonicalJson(event));
}

/** Adds a run's parking to a flat batch, so that it takes effect in order. */
export function pushPark(flat: string[], runId: string, waits: readonly Wait[]): void {
  flat.push(runId, "0", "", "park", JSON.stringify(waits));
}

/** How many rows a flat batch has. */
export function rowCount(flat: readonly string[]): number {
  return flat.length / STRINGS_A_ROW;
}

/** The rows of a flat batch. */
export function rowsOf(flat: readonly string[]): readonly JournalRow[] {
  const rows: JournalRow[] = [];
  for (let at = 0; at < flat.length; at += STRINGS_A_ROW) {
    const [runId = "", seq = "", status = "", mark = "", body = ""] = flat.slice(at, at + STRINGS_A_ROW);
    rows.push({ runId, seq: Number(seq), status, mark: mark as RowMark, body });
  }
  return rows;
}

function markOf(event: EventDraft): RowMark {
  if (event.type === "step.completed") return markOfStep(event);
  if (event.type === "step.waiting") return "wait";
  if (event.type === "approval.answered" || event.type === "step.cancelled") return "woken";
  if (event.type === "run.recorded") return event.kind === "emit" && event.outcome.ok ? "emit" : "";
  return event.type === "run.started" && event.limits?.timeMs !== undefined ? "deadline" : "";
}

function markOfStep({ kind, copied }: Extract<EventDraft, { readonly type: "step.completed" }>): RowMark {
  if (kind === "emit") return copied === true ? "" : "emit";
  return kind === "sleep" || kind === "signal" || kind === "approval" ? "woken" : "";
}
