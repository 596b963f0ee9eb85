import type { Event, StepKind } from "@tutti/core";
import { amendmentWords } from "@tutti/core/graph";
import { formatDuration } from "./duration.ts";
import { sign } from "./look.ts";
import { piece, type Piece, type Terminal } from "./terminal.ts";
import { printable } from "./terminal-text.ts";

/** What an event says to somebody who watches a run; `undefined` for what only a log needs. */
export function eventLine(event: Event, terminal: Terminal): readonly Piece[] | undefined {
  const line = describe(event);
  if (line === undefined) return undefined;
  const { mark, style, text, detail = "" } = line;
  return [piece(`${sign(mark, terminal)} `, style), piece(printable(text)), piece(detail === "" ? "" : `  ${printable(detail)}`, "dim")];
}

interface EventLine {
  readonly mark: Parameters<typeof sign>[0];
  readonly style: Piece["style"];
  readonly text: string;
  readonly detail?: string;
}

function describe(event: Event): EventLine | undefined {
  switch (event.type) {
    case "run.started":
      return { mark: "started", style: "cyan", text: `${event.workflow} ${event.version} started`, detail: `by ${event.principal.id}` };
    case "run.recorded":
      if (event.outcome.ok) return { mark: "done", style: "green", text: event.name, detail: formatDuration(event.durationMs) };
      return { mark: "failed", style: "red", text: `${event.name} failed`, detail: `${event.outcome.code}: ${event.outcome.message}` };
    case "policy.decided":
      if (event.decision.effect === "allow") return undefined;
      return {
        mark: "failed",
        style: "red",
        text: `${event.action.resource} ${event.decision.effect === "deny" ? "denied" : "asks"}`,
        detail: `${event.decision.rule}: ${event.decision.reason}`,
      };
    case "run.queued":
      return { mark: "waits", style: "dim", text: `queued in ${event.queue}` };
    case "run.admitted":
    case "step.started":
    case "step.cancelled":
    case "step.progressed":
    case "signal.received":
    case "approval.used":
    case "approval.seconded":
    case "approval.revoked":
      return undefined;
    case "approval.answered":
      return {
        mark: event.approved ? "done" : "failed",
        style: event.approved ? "green" : "red",
        text: `${event.approved ? "approved" : "refused"} by ${event.by}`,
        detail: event.reason,
      };
    case "step.waiting":
      return {
        mark: "waits",
        style: "yellow",
        text: `${event.name} waits`,
        detail: event.until === null ? `for the ${event.kind} ${event.name}` : `until ${event.until}`,
      };
    case "step.failed":
      return {
        mark: event.retryAt === null ? "failed" : "again",
        style: "red",
        text: `${nameOf(event)} failed (attempt ${event.attempt})`,
        detail: `${event.code}: ${event.message}`,
      };
    case "step.completed":
      return { mark: "done", style: "green", text: nameOf(event), detail: amendmentWords(event.name, event.output) ?? howLong(event) };
    case "cancel.requested":
      return { mark: "waits", style: "yellow", text: "cancelling", detail: event.reason };
    case "run.resumed":
      return { mark: "started", style: "cyan", text: "goes on", detail: event.reason };
    case "run.paused":
      return { mark: "waits", style: "yellow", text: "paused", detail: `${event.code}: ${event.message}` };
    case "run.completed":
      return { mark: "done", style: "green", text: "completed" };
    case "run.failed":
      return { mark: "failed", style: "red", text: "failed", detail: `${event.code}: ${event.message}` };
    case "run.cancelled":
      return { mark: "failed", style: "yellow", text: "cancelled", detail: event.reason };
    case "run.continued":
      return { mark: "done", style: "green", text: "goes on as a new run", detail: event.nextRunId };
  }
}

function howLong({ durationMs, attempt }: { readonly durationMs: number; readonly attempt: number }): string {
  return `${formatDuration(durationMs)}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
}

/** An undone step is not the step again. */
function nameOf({ kind, name }: { readonly kind: StepKind; readonly name: string }): string {
  return kind === "undo" ? `undo ${name}` : name;
}
