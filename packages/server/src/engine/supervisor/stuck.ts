import type { Event } from "@tutti/core";

/** A step that says nothing any more. */
export interface StuckStep {
  readonly step: string;
  readonly attempt: number;
  readonly since: string;
  readonly message: string;
}

/** Steps whose newest attempt was ended because it gave no sign of life, and that have not succeeded since. Pure. */
export function stuckSteps(events: readonly Event[]): readonly StuckStep[] {
  const stuck = new Map<string, StuckStep>();
  for (const event of events) {
    if (event.type === "step.failed" && event.code === "stuck")
      stuck.set(event.key, {
        step: event.name,
        attempt: event.attempt,
        since: stuck.get(event.key)?.since ?? event.startedAt,
        message: event.message,
      });
    else if (event.type === "step.completed" || event.type === "step.failed" || event.type === "step.progressed") stuck.delete(event.key);
  }
  return [...stuck.values()];
}
