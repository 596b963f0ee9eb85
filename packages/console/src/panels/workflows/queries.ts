import { queryOptions } from "@tanstack/react-query";
import { AppError } from "@tutti/core";
import { client } from "../../server.ts";

/** Runs that are looked at for the lists' last columns. */
const RECENT_RUNS_MAX = 300;
/** Runs of one workflow that its page lists. */
const PAGE_RUNS_MAX = 20;
/** Runs that the question what makes a workflow slow rests on. */
const INSIGHT_RUNS_MAX = 100;

/** The newest runs of all workflows. */
export const recentRunsQuery = queryOptions({
  queryKey: ["workflow-runs", "recent"],
  queryFn: async ({ signal }) => (await client.runs({ limit: RECENT_RUNS_MAX }, signal)).runs,
});

/** How many runs there are, and how long they take. */
export const runCountsQuery = queryOptions({
  queryKey: ["workflow-runs", "counts"],
  queryFn: ({ signal }) => client.runCounts({}, signal),
});

/** The newest runs of one workflow. */
export const runsOfQuery = (workflow: string) =>
  queryOptions({
    queryKey: ["workflow-runs", "of", workflow],
    queryFn: async ({ signal }) => (await client.runs({ workflow, limit: PAGE_RUNS_MAX }, signal)).runs,
  });

/** What makes a workflow slow and what would help. */
export const workflowInsightQuery = (workflow: string) =>
  queryOptions({
    queryKey: ["workflow-insight", workflow],
    queryFn: ({ signal }) => client.workflowInsight(workflow, { runs: INSIGHT_RUNS_MAX }, signal),
  });

/** A saved graph: its newest version, or null when there is none by that name, or cannot be one. */
export const savedGraphQuery = (name: string) =>
  queryOptions({
    queryKey: ["saved-graph", name],
    queryFn: async ({ signal }) => {
      try {
        return await client.savedGraph(name, undefined, signal);
      } catch (thrown) {
        if (["not_found", "invalid_input"].includes(AppError.from(thrown).code)) return null;
        throw thrown;
      }
    },
  });

/** One version of a saved graph. It never changes. */
export const graphVersionQuery = (name: string, version: number) =>
  queryOptions({
    queryKey: ["saved-graph", name, version],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => client.savedGraph(name, version, signal),
  });

/** All versions of a saved graph, newest first. */
export const graphVersionsQuery = (name: string) =>
  queryOptions({ queryKey: ["graph-versions", name], queryFn: ({ signal }) => client.graphVersions(name, signal) });

/** What two versions differ in. */
export const graphDifferenceQuery = (name: string, from: number, to: number) =>
  queryOptions({
    queryKey: ["graph-difference", name, from, to],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => client.graphDifference(name, { from, to }, signal),
  });

/** The graph format; it changes with the server only. */
export const graphSchemaQuery = queryOptions({
  queryKey: ["graph-schema"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => client.graphSchema(signal),
});
