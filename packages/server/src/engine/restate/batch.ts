import type { EventDraft, Json } from "@tutti/core";

/** What one turn of a run's handler journals in Restate. */
export interface Batch {
  readonly events: readonly EventDraft[];
  /** The mail that some of these events tell of: it must not be done again. */
  readonly applied?: number;
  readonly reply?: { readonly mail: number; readonly outcome: Outcome };
  /** Nothing is left to do before mail comes or this moment, in ms since 1970; `null` when only mail can change anything. */
  readonly idleUntilMs?: number | null;
}

/** What came of a mail. `isEnded`: nothing, because the run ended first. */
export type Outcome =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly isEnded?: true };

/** A letter to a run. "wake" looks whether it can go on and is not answered. */
export type Mail = { readonly type: "call"; readonly call: Call } | { readonly type: "wake" };

/** A method of the engine that is done where the run is. `args` are as JSON carries them. */
export interface Call {
  readonly method: "signal" | "cancel" | "answer" | "query" | "resume" | "recover";
  readonly args: readonly Json[];
}

/** Whether an event is a run's last. */
export function isEnd({ type }: EventDraft): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled" || type === "run.continued";
}

/** Whoever steers a run is decided on first, and that decision stands beside what they did. */
export function tellsOfMail(event: EventDraft): event is Extract<EventDraft, { readonly type: "policy.decided" }> {
  return event.type === "policy.decided" && event.action.kind.startsWith("run.");
}

/** What came of a mail, read from the events it left, for one whose answer was lost in a crash. */
export function outcomeOf(events: readonly EventDraft[]): Outcome {
  const decided = events.find(tellsOfMail);
  if (decided === undefined || decided.decision.effect === "allow") return { ok: true, value: null };
  return { ok: false, code: "denied", message: decided.decision.reason };
}
