import { queryOptions } from "@tanstack/react-query";
import type { Event } from "@tutti/core";
import { queryClient } from "../../query-client.ts";
import { client } from "../../server.ts";

/** Events that one request brings; the server gives no more. */
const PAGE = 1000;
/** Pages that are asked for at once. */
const PAGES_AT_ONCE = 4;
/** Events of one run that a page keeps; a browser that holds more becomes slow. */
export const EVENTS_MAX = 60_000;
/** Other runs that are listed to be opened or compared. */
const RUNS_MAX = 50;
/** How long what was true of a run under way is kept once more has happened. */
const PASSING_MS = 15_000;
/** How long a run's events are kept after its page was left. */
const KEPT_MS = 60_000;

/** A run as the server lists it. */
export const recordQuery = (runId: string) =>
  queryOptions({ queryKey: ["run", runId, "record"], queryFn: async ({ signal }) => (await client.run(runId, signal)).run });

/** All events of a run until now. What comes after is told by its feed, which puts it here too. */
export const logQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run", runId, "log"],
    queryFn: async ({ signal }) => {
      const read = await readLog(runId, signal);
      // The feed may have been faster.
      return joined(queryClient.getQueryData<readonly Event[]>(["run", runId, "log"]) ?? [], read);
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
    // Events never change: comparing thousands of them with themselves would only take time.
    structuralSharing: false,
  });

/** What an unfinished run waits for, in the server's words: it knows queues and other runs. `events` is how far its log has come. */
export const waitingQuery = (runId: string, events: number) =>
  queryOptions({
    queryKey: ["run", runId, "waiting", events],
    gcTime: PASSING_MS,
    queryFn: ({ signal }) => client.waitingFor(runId, signal),
  });

/** What the run's time went into. */
export const insightQuery = (runId: string, events: number) =>
  queryOptions({
    queryKey: ["run", runId, "insight", events],
    gcTime: PASSING_MS,
    queryFn: ({ signal }) => client.runInsight(runId, signal),
  });

/** What makes runs of the workflow slow, and what would help. */
export const proposalsQuery = (workflow: string) =>
  queryOptions({ queryKey: ["workflow", workflow, "insight"], queryFn: ({ signal }) => client.workflowInsight(workflow, {}, signal) });

/** The runs that a run started. */
export const childrenQuery = (runId: string, events: number) =>
  queryOptions({
    queryKey: ["run", runId, "children", events],
    gcTime: PASSING_MS,
    queryFn: async ({ signal }) =>
      (await client.runs({ parent: runId, limit: RUNS_MAX }, signal)).runs.filter(({ parentId }) => parentId === runId),
  });

/** Other runs of the same workflow, newest first. */
export const siblingsQuery = (workflow: string) =>
  queryOptions({
    queryKey: ["runs", "of", workflow],
    queryFn: async ({ signal }) => (await client.runs({ workflow, limit: RUNS_MAX }, signal)).runs,
  });

/** How two runs differ. */
export const diffQuery = (a: string, b: string) =>
  queryOptions({ queryKey: ["run", a, "diff", b], queryFn: ({ signal }) => client.diffRuns(a, b, signal) });

/** The run's graph with the values that stand in blobs. */
export const graphQuery = (runId: string, events: number) =>
  queryOptions({ queryKey: ["run", runId, "graph", events], gcTime: PASSING_MS, queryFn: ({ signal }) => client.graphOf(runId, signal) });

/** The receipt with unredacted events: only those hash to what the chain says. */
export const receiptQuery = (runId: string, events: number) =>
  queryOptions({
    queryKey: ["run", runId, "receipt", events],
    queryFn: ({ signal }) => client.receipt(runId, { full: true }, signal),
    structuralSharing: false,
    gcTime: KEPT_MS,
  });

/** Reads a run's log before its page asks for it. What goes wrong is told when it does. */
export function readAhead(runId: string): Promise<void> {
  return queryClient.prefetchQuery(logQuery(runId));
}

/** What there was when it was asked for; the feed tells what comes after it. */
async function readLog(runId: string, signal: AbortSignal): Promise<readonly Event[]> {
  const [{ run }, first] = await Promise.all([client.run(runId, signal), client.events(runId, { limit: PAGE }, signal)]);
  queryClient.setQueryData(recordQuery(runId).queryKey, run);
  const pages: (readonly Event[])[] = [first];
  // The first page may be older than what is known of the run: nothing is read beyond one that was not full.
  const count = first.length < PAGE ? 1 : Math.ceil(Math.min(run.events, EVENTS_MAX) / PAGE);
  let next = 1;
  const lane = async (): Promise<void> => {
    for (let page = next++; page < count; page = next++)
      pages[page] = await client.events(runId, { after: page * PAGE, limit: PAGE }, signal);
  };
  await Promise.all(Array.from({ length: PAGES_AT_ONCE }, lane));
  return pages.flat();
}

/** Two parts of one log, each event once: the second goes on where the first ends, or overlaps it. Pure. */
export function joined(known: readonly Event[], more: readonly Event[]): readonly Event[] {
  const lastSeq = known.at(-1)?.seq ?? 0;
  const news = (more[0]?.seq ?? 0) > lastSeq ? more : more.filter(({ seq }) => seq > lastSeq);
  return news.length === 0 ? known : [...known, ...news];
}
