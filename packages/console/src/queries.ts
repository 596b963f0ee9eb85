import { queryOptions } from "@tanstack/react-query";
import { client } from "./server.ts";

/** Entries of lists that are read whole. */
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

/** Workflows that can be started. */
export const workflowsQuery = queryOptions({ queryKey: ["workflows"], queryFn: ({ signal }) => client.workflows(signal) });

/** Agents to talk to. */
export const agentsQuery = queryOptions({ queryKey: ["agents"], queryFn: ({ signal }) => client.agents(signal) });

/** Models and agents that answer. */
export const modelsQuery = queryOptions({ queryKey: ["models"], queryFn: ({ signal }) => client.models(signal) });

/** Tools, and whether policy lets this person call them. */
export const toolsQuery = queryOptions({ queryKey: ["tools"], queryFn: ({ signal }) => client.tools(signal) });
