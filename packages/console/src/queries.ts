import { queryOptions, skipToken, useQuery } from "@tanstack/react-query";
import type { Json } from "@tutti/core";
import { client } from "./server.ts";
import { wholeValue } from "./stored-values.ts";

/** Entries of lists that are read whole; as many approvals are in a frame of their feed. */
const LIST_MAX = 200;

/** What the server is. */
export const statusQuery = queryOptions({ queryKey: ["status"], queryFn: ({ signal }) => client.status(signal) });

/** How its parts are. */
export const healthQuery = queryOptions({ queryKey: ["health"], queryFn: ({ signal }) => client.health(signal) });

/** What runs ask of people. */
export const approvalsQuery = queryOptions({
  queryKey: ["approvals"],
  queryFn: ({ signal }) => client.approvals({ limit: LIST_MAX }, signal),
});

/** How many approvals the feed counted last: lists are cut sooner than this number is. */
export const approvalsTotalQuery = queryOptions<number>({ queryKey: ["approvals total"], queryFn: skipToken });

/** How many approvals wait, also when the list of them is full; counted up to `COUNTED_APPROVALS_MAX`. */
export function useApprovalsTotal(): number {
  const { data: list = [] } = useQuery(approvalsQuery);
  const { data: counted = 0 } = useQuery(approvalsTotalQuery);
  return list.length < LIST_MAX ? list.length : Math.max(list.length, counted);
}

/** Workflows that can be started. */
export const workflowsQuery = queryOptions({ queryKey: ["workflows"], queryFn: ({ signal }) => client.workflows(signal) });

/** Agents to talk to. */
export const agentsQuery = queryOptions({ queryKey: ["agents"], queryFn: ({ signal }) => client.agents(signal) });

/** Models and agents that answer. */
export const modelsQuery = queryOptions({ queryKey: ["models"], queryFn: ({ signal }) => client.models(signal) });

/** The providers' models with all that is known of them. */
export const catalogQuery = queryOptions({ queryKey: ["catalog"], queryFn: ({ signal }) => client.catalog(signal) });

/** Tools, and whether policy lets this person call them. */
export const toolsQuery = queryOptions({ queryKey: ["tools"], queryFn: ({ signal }) => client.tools(signal) });

/** What a run was started with. It never changes. */
export const runInputQuery = (runId: string) =>
  queryOptions({
    queryKey: ["run-input", runId],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }): Promise<Json> => {
      const [first] = await client.events(runId, { limit: 1 }, signal);
      return first?.type === "run.started" ? wholeValue(first.input, signal) : null;
    },
  });
