import type { Event, Json } from "@tutti/core";
import { fieldsOf } from "../../parts/json-fields.ts";

/** An event and its place in the whole log. */
export interface LoggedEvent {
  readonly position: number;
  readonly event: Json;
}

/** Every type of event there is. A new one that is missing here does not compile. */
const ABOUT: Readonly<Record<Event["type"], readonly string[]>> = {
  "run.started": ["workflow", "version"],
  "run.queued": ["queue", "queueKey"],
  "run.admitted": ["waitedMs"],
  "run.recorded": ["workflow", "name"],
  "run.resumed": ["reason"],
  "run.paused": ["code", "message"],
  "run.completed": [],
  "run.failed": ["code", "message"],
  "run.cancelled": ["reason"],
  "run.continued": ["nextRunId"],
  "policy.decided": ["action", "decision"],
  "step.started": ["name", "kind", "attempt"],
  "step.waiting": ["name", "kind", "until"],
  "step.cancelled": ["name"],
  "step.progressed": ["name", "detail"],
  "step.failed": ["name", "code", "message"],
  "step.completed": ["name", "kind", "durationMs"],
  "signal.received": ["name"],
  "approval.answered": ["approved", "by", "reason"],
  "approval.used": ["argsHash"],
  "approval.seconded": ["reason"],
  "approval.revoked": ["reason"],
  "cancel.requested": ["reason"],
};

/** The names of all types of events. */
export const EVENT_TYPES = Object.keys(ABOUT).toSorted();

/** Characters of a value that stand in a row. */
const SHOWN = 120;

/** An event in one line: what tells it from others of its type. */
export function summaryOf(event: Json): string {
  const fields = fieldsOf(event);
  const names = Object.entries(ABOUT).find(([type]) => type === fields["type"])?.[1] ?? [];
  return names.flatMap((name) => (fields[name] === undefined ? [] : [`${name} ${inWords(fields[name])}`])).join(" · ");
}

/** A text that an event holds under a name; "" where it holds none. */
export function fieldOf(event: Json, name: string): string {
  const value = fieldsOf(event)[name];
  return typeof value === "string" ? value : "";
}

/** Events as JSON Lines: one a line, with its place in the log. */
export function asLines(events: readonly LoggedEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

function inWords(value: Json): string {
  const fields = fieldsOf(value);
  const named = fields["kind"] ?? fields["effect"];
  const text = typeof named === "string" ? named : typeof value === "string" ? value : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
