import type { Event, Json } from "@tutti/core";
import { amendmentWords } from "@tutti/core/graph";
import { standsIn } from "../../event-text.ts";
import { dollars, duration } from "../../../parts/words.ts";
import type { Accent } from "../../../parts/tones.ts";

/** Characters of a value that stand in a line. */
const VALUE_LENGTH_MAX = 160;

/** What an event is about, in a few words beside its type. Pure. */
export function eventWords(event: Event): string {
  switch (event.type) {
    case "run.started":
      return `${event.workflow}@${event.version} by ${event.principal.id}, input ${short(event.input)}`;
    case "run.queued":
      return `in ${event.queue}${event.queueKey === "" ? "" : ` for ${event.queueKey}`}, priority ${event.priority}`;
    case "run.admitted":
      return `after ${duration(event.waitedMs)}`;
    case "run.recorded":
      return `${event.name}: ${event.outcome.ok ? "completed" : `${event.outcome.code}: ${event.outcome.message}`}`;
    case "policy.decided":
      return `${event.decision.effect} ${event.action.kind} ${event.action.resource}: ${event.decision.reason}`;
    case "step.started":
      return event.attempt === 1 ? event.name : `${event.name}, attempt ${event.attempt}`;
    case "step.waiting":
      return event.until === null ? event.name : `${event.name}, until ${event.until}`;
    case "step.cancelled":
      return event.name;
    case "step.progressed":
      return `${event.name}: ${short(event.detail)}`;
    case "step.failed":
      return `${event.name}, attempt ${event.attempt}: ${event.code}: ${event.message}`;
    case "step.completed":
      return `${event.name} in ${duration(event.durationMs)}${event.usage === undefined ? "" : ` for ${dollars(event.usage.costUsd)}`}: ${amendmentWords(event.name, event.output) ?? short(event.output)}`;
    case "signal.received":
      return `${event.name}: ${short(event.value)}`;
    case "approval.answered":
      return `${event.approved ? "approved" : "refused"} by ${event.by}: ${event.reason}`;
    case "approval.used":
      return `by ${event.by.runId} at ${event.by.key}`;
    case "approval.seconded":
    case "approval.revoked":
      return `by ${event.principal.id}: ${event.reason}`;
    case "cancel.requested":
    case "run.resumed":
    case "run.cancelled":
      return event.reason;
    case "run.paused":
    case "run.failed":
      return `${event.code}: ${event.message}`;
    case "run.completed":
      return short(event.output);
    case "run.continued":
      return `as ${event.nextRunId}`;
  }
}

/** The colour of an event's type. */
export function eventAccent({ type }: Event): Accent {
  if (type === "step.failed" || type === "run.failed" || type === "step.cancelled" || type === "run.cancelled") return "red";
  if (type === "step.waiting" || type === "run.paused" || type === "cancel.requested" || type === "run.queued") return "orange";
  if (type === "step.completed" || type === "run.completed") return "green";
  if (type === "policy.decided" || type.startsWith("approval.")) return "violet";
  return type.startsWith("run.") || type === "signal.received" ? "blue" : "grey";
}

/** Events of the type that have the words, in any case. Pure. */
export function foundEvents(events: readonly Event[], { type, text }: { readonly type: string; readonly text: string }): readonly Event[] {
  const wanted = text.trim();
  if (type === "" && wanted === "") return events;
  return events.filter((event) => (type === "" || event.type === type) && standsIn(event, wanted));
}

function short(value: Json): string {
  if (typeof value === "object" && value !== null && "$blob" in value) return "a large value";
  const text = JSON.stringify(value);
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}…`;
}
