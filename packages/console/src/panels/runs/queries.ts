import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "../../server.ts";
import { boundsOf, SPANS, type RunFilters } from "./run-filters.ts";

/** Bars that the picture over the list may have. */
const BUCKETS = 90;
const STEPS_SECONDS = [10, 30, 60, 300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];

/** How many runs there are of each kind, whatever their status and the text they are searched for. */
export const countsQuery = ({ workflows, parent, principal, time }: Omit<RunFilters, "statuses" | "text">) =>
  queryOptions({
    queryKey: ["runs", "counts", workflows, parent, principal, time],
    queryFn: ({ signal }) =>
      client.runCounts(
        {
          ...boundsOf(time, Date.now()),
          workflows,
          ...(parent !== "all" && { parent }),
          ...(principal !== "" && { principal }),
        },
        signal,
      ),
    placeholderData: keepPreviousData,
  });

/** What happened in the time that the filters name; in the last day when they name none. */
export const activityQuery = ({ time }: RunFilters) =>
  queryOptions({
    queryKey: ["runs", "activity", time],
    queryFn: ({ signal }) => {
      const nowMs = Date.now();
      const { since, until } = boundsOf(time, nowMs);
      const untilMs = until === undefined ? nowMs : Date.parse(until);
      const sinceMs = since === undefined ? untilMs - SPANS["24h"] : Date.parse(since);
      const bucketSeconds = bucketOf((untilMs - sinceMs) / 1000);
      return client.activity({ since: new Date(sinceMs).toISOString(), bucketSeconds, ...(until !== undefined && { until }) }, signal);
    },
    placeholderData: keepPreviousData,
  });

/** The length of a bar: the shortest that needs no more bars than there is room for. */
function bucketOf(spanSeconds: number): number {
  return STEPS_SECONDS.find((seconds) => spanSeconds / seconds <= BUCKETS) ?? Math.ceil(spanSeconds / BUCKETS);
}
