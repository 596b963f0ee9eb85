import type { Event } from "@tutti/core";

const SECONDS = 60;
const KINDS = ["events", "started", "completed", "failed", "cancelled"] as const;
type Kind = (typeof KINDS)[number];

/** How many events of each kind the log got in the last minute, by when they happened. */
export class MinuteCounts {
  /** By second of the minute: which second that is, and its counts. */
  readonly #seconds: { second: number; readonly counts: Record<Kind, number> }[] = Array.from({ length: SECONDS }, () => ({
    second: -1,
    counts: empty(),
  }));

  add(event: Event): void {
    const second = Math.floor(Date.parse(event.at) / 1000);
    const place = this.#seconds[second % SECONDS];
    if (place === undefined || place.second > second) return;
    if (place.second < second) {
      place.second = second;
      for (const kind of KINDS) place.counts[kind] = 0;
    }
    place.counts.events += 1;
    for (const kind of kindsOf(event)) place.counts[kind] += 1;
  }

  sums(nowMs: number): Readonly<Record<Kind, number>> {
    const since = Math.floor(nowMs / 1000) - SECONDS;
    const sums = empty();
    for (const { second, counts } of this.#seconds) if (second > since) for (const kind of KINDS) sums[kind] += counts[kind];
    return sums;
  }

  clear(): void {
    for (const place of this.#seconds) place.second = -1;
  }
}

const KINDS_OF: Partial<Record<Event["type"], readonly Kind[]>> = {
  "run.started": ["started"],
  "run.completed": ["completed"],
  "run.failed": ["failed"],
  "run.cancelled": ["cancelled"],
};

function kindsOf(event: Event): readonly Kind[] {
  if (event.type === "run.recorded") return ["started", event.outcome.ok ? "completed" : "failed"];
  return KINDS_OF[event.type] ?? [];
}

function empty(): Record<Kind, number> {
  return { events: 0, started: 0, completed: 0, failed: 0, cancelled: 0 };
}
