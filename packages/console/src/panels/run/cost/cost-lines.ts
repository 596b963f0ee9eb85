import type { Event, RunUsage, StepKind } from "@tutti/core";
import { plus } from "../run-facts.ts";

/** What steps of one kind and name cost together. */
export interface CostLine {
  readonly kind: StepKind;
  readonly name: string;
  readonly steps: number;
  readonly durationMs: number;
  readonly usage: RunUsage;
  readonly failedAttempts: number;
  readonly lostMs: number;
}

const NOTHING: RunUsage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** What a run's steps cost, by kind and name, the dearest first, then the longest. Copied steps cost this run nothing. Pure. */
export function costLines(events: readonly Event[]): readonly CostLine[] {
  const lines = new Map<string, CostLine>();
  for (const event of events) {
    if (event.type !== "step.completed" && event.type !== "step.failed") continue;
    if (event.type === "step.completed" && event.copied === true) continue;
    const id = `${event.kind} ${event.name}`;
    const known = lines.get(id) ?? {
      kind: event.kind,
      name: event.name,
      steps: 0,
      durationMs: 0,
      usage: NOTHING,
      failedAttempts: 0,
      lostMs: 0,
    };
    lines.set(
      id,
      event.type === "step.failed"
        ? { ...known, failedAttempts: known.failedAttempts + 1, lostMs: known.lostMs + event.durationMs }
        : {
            ...known,
            steps: known.steps + 1,
            durationMs: known.durationMs + event.durationMs,
            usage: plus(known.usage, event.usage ?? NOTHING),
          },
    );
  }
  return [...lines.values()].toSorted((a, b) => b.usage.costUsd - a.usage.costUsd || b.durationMs - a.durationMs);
}
