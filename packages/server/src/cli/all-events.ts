import type { Client } from "@tutti/client";
import type { Event } from "@tutti/core";

const PAGE = 1000;
/** A run of more events is shown in part; its receipt has them all. */
const EVENTS_MAX = 100_000;

/** A run's events, at most the first 100,000. */
export async function allEvents(client: Client, runId: string, signal: AbortSignal): Promise<readonly Event[]> {
  const events: Event[] = [];
  while (events.length < EVENTS_MAX) {
    const page = await client.events(runId, { after: events.length, limit: PAGE }, signal);
    events.push(...page);
    if (page.length < PAGE) break;
  }
  return events;
}
