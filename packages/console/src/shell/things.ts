import type { WorkflowEntry } from "@tutti/client";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ago, shortId } from "../parts/words.ts";
import { useSettled } from "../parts/use-settled.ts";
import { filtersOf } from "../panels/runs/run-filters.ts";
import { workflowsQuery } from "../queries.ts";
import { client } from "../server.ts";
import type { ShellAction } from "./actions.ts";
import { addressOf, EVERY_RUN, TEXT_MIN, type Choosing } from "./found.ts";
import type { Which } from "./api/operations.ts";

/** One of the things, and where it is opened. */
interface Found {
  readonly id: string;
  readonly title: string;
  readonly words?: string;
}

/** Things that are offered at a time; a text finds the others. */
const SHOWN = 30;

const ADDRESSES: Readonly<Record<Which["thing"], (id: string) => string>> = {
  run: (id) => `/runs/${encodeURIComponent(id)}`,
  schedule: (id) => `/schedules?name=${encodeURIComponent(id)}`,
  "dead letter": (id) => `/dead-letters?letter=${encodeURIComponent(id)}`,
  agent: (id) => `/agents/${encodeURIComponent(id)}`,
  workflow: (id) => `/workflows/${encodeURIComponent(id)}`,
  graph: (id) => `/workflows/${encodeURIComponent(id)}`,
  key: (id) => `/settings/budgets?key=${encodeURIComponent(id)}`,
  plugin: (id) => `/settings/plugins?plugin=${encodeURIComponent(id)}`,
  "MCP server": (id) => `/settings/mcp?server=${encodeURIComponent(id)}`,
  "supervised work": (id) => `/queues?tab=supervised&work=${encodeURIComponent(id)}`,
};

/** The things that can be chosen, and behind them the way to the page of all of them. */
export function useThings({ thing, to: all, search, isOfGraph }: Choosing, text: string): readonly ShellAction[] {
  const navigate = useNavigate();
  const { data: workflows } = useQuery({ ...workflowsQuery, enabled: isOfGraph === true });
  const to = isOfGraph ? `${all}&workflow=${encodeURIComponent(graphsOf(workflows ?? []).join(","))}` : all;
  const asked = useSettled(text.length < TEXT_MIN ? "" : text);
  const { data: things = [], isPending } = useQuery({
    queryKey: ["things", thing, to, asked],
    queryFn: ({ signal }) => LISTS[thing]({ to, text: asked }, signal),
    enabled: isOfGraph !== true || workflows !== undefined,
    // Runs begin and end while somebody chooses.
    staleTime: 0,
  });
  if (isPending) return [];
  const group = things.length === 0 ? `There is no such ${thing} now` : `Which ${thing}?`;
  return [
    ...things.map(({ id, title, words = "" }): ShellAction => ({
      id: `which ${id}`,
      title,
      group,
      // The server has found the text in it; where, does not stand here.
      words: `${words} ${id} ${thing === "run" ? text : ""}`,
      run: () => navigate(addressOf(ADDRESSES[thing](id), search)),
    })),
    { id: EVERY_RUN, title: "Show the list", group, words: text, run: () => navigate(addressOf(to)) },
  ];
}

/** The workflows whose runs are runs of graphs. */
function graphsOf(workflows: readonly WorkflowEntry[]): readonly string[] {
  return [...new Set(["tutti.graph", ...workflows.flatMap(({ name, kind }) => (kind === "graph" ? [name] : []))])];
}

interface Asked {
  readonly to: string;
  readonly text: string;
}

const LISTS: Readonly<Record<Which["thing"], (asked: Asked, signal: AbortSignal) => Promise<readonly Found[]>>> = {
  run: async ({ to, text }, signal) => {
    const { statuses, workflows } = filtersOf(Object.fromEntries(new URL(to, "http://page").searchParams));
    const { runs } = await client.runs({ statuses, workflows, limit: SHOWN, ...(text !== "" && { text }) }, signal);
    return runs.map(({ id, workflow, status, startedAt }) => ({
      id,
      title: `${workflow} ${shortId(id)}, ${status}, started ${ago(Date.parse(startedAt) - Date.now())}`,
    }));
  },
  schedule: async (_, signal) =>
    (await client.schedules(signal)).map(({ name, workflow, status }) => ({ id: name, title: `${name}, ${status}`, words: workflow })),
  "dead letter": async (_, signal) =>
    (await client.deadLetters({ limit: SHOWN }, signal)).map(({ id, source, workflow = "", error }) => ({
      id,
      title: `${source}: ${error.code}`,
      words: `${workflow} ${error.message}`,
    })),
  agent: async (_, signal) => (await client.agents(signal)).map(({ name, description }) => ({ id: name, title: name, words: description })),
  workflow: async (_, signal) =>
    (await client.workflows(signal)).map(({ name, description }) => ({ id: name, title: name, words: description })),
  graph: async (_, signal) =>
    (await client.workflows(signal))
      .filter(({ kind, source }) => kind === "graph" && source === "graph")
      .map(({ name, description }) => ({ id: name, title: name, words: description })),
  key: async (_, signal) =>
    (await client.keys(signal))
      .filter(({ status }) => status === "active")
      .map(({ id, name, user = "", team = "" }) => ({ id, title: name, words: `${user} ${team}` })),
  plugin: async (_, signal) =>
    (await client.folderPlugins(signal)).map(({ name, status, description }) => ({
      id: name,
      title: `${name}, ${status}`,
      words: description,
    })),
  "MCP server": async (_, signal) =>
    (await client.mcpServers(signal)).map(({ name, state, transport }) => ({ id: name, title: `${name}, ${state}`, words: transport })),
  "supervised work": async (_, signal) =>
    (await client.supervised(signal)).map(({ name, status, workflow }) => ({ id: name, title: `${name}, ${status}`, words: workflow })),
};
