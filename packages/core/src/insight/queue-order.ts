import type { Event } from "../event.ts";

/** How a run came to wait for a place in a queue. */
export type QueuedEvent = Extract<Event, { readonly type: "run.queued" }>;

/**
 * How many of the queued runs go before this one, as queues admit: smaller priorities first; among equals keys take turns; within a key,
 * first come, first served. A bound per key can let others pass. `undefined` when the run is not among them. Pure.
 */
export function aheadInQueue(runId: string, queued: readonly QueuedEvent[]): number | undefined {
  const own = queued.find((one) => one.runId === runId);
  if (own === undefined) return undefined;
  const counts = new Map<string, number>();
  const inOrder = queued
    .filter(({ queue }) => queue === own.queue)
    .toSorted(byArrival)
    .map((one) => {
      const row = `${one.priority} ${one.queueKey}`;
      const turn = counts.get(row) ?? 0;
      counts.set(row, turn + 1);
      return { one, turn };
    })
    .toSorted((a, b) => a.one.priority - b.one.priority || a.turn - b.turn || byArrival(a.one, b.one));
  return inOrder.findIndex(({ one }) => one.runId === runId);
}

/** Run ids sort by time. */
function byArrival(a: QueuedEvent, b: QueuedEvent): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.runId < b.runId ? -1 : 1;
}
