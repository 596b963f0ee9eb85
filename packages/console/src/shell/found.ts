import { useQuery } from "@tanstack/react-query";
import { useNavigate, type NavigateFn } from "@tanstack/react-router";
import type { RunRecord } from "@tutti/core";
import { useSettled } from "../parts/use-settled.ts";
import { shortId } from "../parts/words.ts";
import { agentsQuery, toolsQuery, workflowsQuery } from "../queries.ts";
import { client } from "../server.ts";
import type { ShellAction } from "./actions.ts";
import { OPERATIONS } from "./api/operations.ts";
import { SETTINGS } from "./places.ts";

/** A window that the palette opens over the page. */
export type PaletteWindow = { readonly operation: string } | { readonly tool: string };

type Open = (window: PaletteWindow) => void;

/** Everything that is found by a text: what has a name of its own, runs that hold the text, and every operation of the API. */
export function useFound(text: string, open: Open): readonly ShellAction[] {
  const navigate = useNavigate();
  const named = useNamed(navigate, open);
  const runs = useRuns(text, navigate);
  return [...named, ...runs, ...operationActions(navigate, open)];
}

function useNamed(navigate: NavigateFn, open: Open): readonly ShellAction[] {
  const { data: workflows = [] } = useQuery(workflowsQuery);
  const { data: agents = [] } = useQuery(agentsQuery);
  const { data: tools = [] } = useQuery(toolsQuery);
  const { data: schedules = [] } = useQuery({ queryKey: ["schedules"], queryFn: ({ signal }) => client.schedules(signal) });
  return [
    ...workflows.map(({ name, description }): ShellAction => ({
      id: `workflow ${name}`,
      title: `Workflow ${name}`,
      group: "Workflows",
      words: `start run ${description}`,
      run: () => navigate({ to: "/workflows/$name", params: { name } }),
    })),
    ...agents.map(({ name, description }): ShellAction => ({
      id: `agent ${name}`,
      title: `Agent ${name}`,
      group: "Agents",
      words: `talk chat ${description}`,
      run: () => navigate({ to: "/agents/$name", params: { name } }),
    })),
    ...tools.map(({ name, description }): ShellAction => ({
      id: `tool ${name}`,
      title: `Call the tool ${name}`,
      group: "Tools",
      words: description,
      run: () => open({ tool: name }),
    })),
    ...schedules.map(({ name, workflow }): ShellAction => ({
      id: `schedule ${name}`,
      title: `Schedule ${name}`,
      group: "Schedules",
      words: workflow,
      run: () => navigate({ to: "/schedules", search: { name } }),
    })),
    ...SETTINGS.map(({ id, title, about }): ShellAction => ({
      id: `settings ${id}`,
      title: `Settings: ${title}`,
      group: "Settings",
      words: about,
      run: () => navigate({ to: "/settings/$section", params: { section: id } }),
    })),
  ];
}

/** The way to the list of runs with the text: offered whatever the text is, after everything else. */
export const EVERY_RUN = "runs with text";
const TEXT_MIN = 3;
const RUNS_SHOWN = 6;

function useRuns(text: string, navigate: NavigateFn): readonly ShellAction[] {
  const asked = useSettled(text.trim());
  const { data, isPending } = useQuery({
    queryKey: ["palette runs", asked],
    queryFn: ({ signal }) => client.runs({ text: asked, limit: RUNS_SHOWN }, signal),
    enabled: asked.length >= TEXT_MIN,
  });
  // All at once, so that the first of them is what Enter chooses.
  if (asked.length < TEXT_MIN || isPending) return [];
  return [
    ...(data?.runs ?? []).map((run) => runAction(run, text, navigate)),
    {
      id: EVERY_RUN,
      title: "Every run with this text",
      group: "Everywhere",
      words: text,
      run: () => navigate({ to: "/runs", search: { q: asked } }),
    },
  ];
}

function runAction({ id, workflow, status }: RunRecord, text: string, navigate: NavigateFn): ShellAction {
  return {
    id: `run ${id}`,
    title: `Run ${shortId(id)} of ${workflow}, ${status}`,
    group: "Runs",
    // The server has found the text in it; where, does not stand here.
    words: text,
    run: () => navigate({ to: "/runs/$runId", params: { runId: id } }),
  };
}

function operationActions(navigate: NavigateFn, open: Open): readonly ShellAction[] {
  return Object.entries(OPERATIONS).flatMap(([operation, entry]): readonly ShellAction[] => {
    if (entry.at === "programs") return [];
    const run = entry.at === "page" ? () => goTo(navigate, entry.to) : () => open({ operation });
    const title = entry.at === "window" ? `${entry.title} …` : entry.title;
    return [{ id: `api ${operation}`, title, group: "Do", words: `${entry.words ?? ""} ${operation}`, run }];
  });
}

/** Goes to an address as it is written: "/runs?status=failed". */
function goTo(navigate: NavigateFn, address: string): unknown {
  const { pathname, searchParams } = new URL(address, "http://page");
  return navigate({ to: pathname, search: Object.fromEntries(searchParams) });
}
