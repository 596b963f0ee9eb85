import { queryOptions } from "@tanstack/react-query";
import { client } from "../../server.ts";

const HOUR_MS = 3_600_000;
/** What the charts look back on, and how finely. */
const DAY_MS = 24 * HOUR_MS;
const BUCKET_SECONDS = 1800;
const EVERY_MS = 30_000;
/** Entries of a list that only shows the most urgent. */
const SHOWN = 20;
/** Failed runs that are told of. */
const FAILURES = 5;

/** What the page asks for again as soon as something has happened. */
export const whatChanges = (): readonly { readonly queryKey: readonly unknown[] }[] => [
  activityQuery,
  failuresQuery,
  pausedQuery,
  deadLettersQuery,
  supervisedQuery,
  schedulesQuery,
  budgetsQuery,
];

/** The last day in spans of half an hour. */
export const activityQuery = queryOptions({
  queryKey: ["activity", "day"],
  queryFn: ({ signal }) => client.activity({ since: new Date(Date.now() - DAY_MS).toISOString(), bucketSeconds: BUCKET_SECONDS }, signal),
  refetchInterval: EVERY_MS,
});

/** What starts by itself. */
export const schedulesQuery = queryOptions({
  queryKey: ["schedules"],
  queryFn: ({ signal }) => client.schedules(signal),
  refetchInterval: EVERY_MS,
});

/** Runs that stand still until somebody looks. */
export const pausedQuery = queryOptions({
  queryKey: ["runs", "paused"],
  queryFn: ({ signal }) => client.runs({ statuses: ["paused"], limit: SHOWN }, signal),
  refetchInterval: EVERY_MS,
});

/** The newest runs that failed, each with why. */
export const failuresQuery = queryOptions({
  queryKey: ["runs", "failures"],
  queryFn: async ({ signal }) => {
    const { runs } = await client.runs({ statuses: ["failed"], limit: FAILURES }, signal);
    return Promise.all(runs.map(({ id }) => client.run(id, signal)));
  },
  refetchInterval: EVERY_MS,
});

/** What failed for good. */
export const deadLettersQuery = queryOptions({
  queryKey: ["dead letters", "newest"],
  queryFn: ({ signal }) => client.deadLetters({ limit: SHOWN }, signal),
  refetchInterval: EVERY_MS,
});

/** Work under supervision. */
export const supervisedQuery = queryOptions({
  queryKey: ["supervised"],
  queryFn: ({ signal }) => client.supervised(signal),
  refetchInterval: EVERY_MS,
});

/** Keys with budgets, each with what it has left. */
export const budgetsQuery = queryOptions({
  queryKey: ["keys", "budgets"],
  queryFn: async ({ signal }) => {
    const limited = (await client.keys(signal)).filter(({ status, limits }) => status === "active" && (limits.budgets ?? []).length > 0);
    return Promise.all(limited.slice(0, SHOWN).map(({ id }) => client.key(id, signal)));
  },
  refetchInterval: EVERY_MS,
});
