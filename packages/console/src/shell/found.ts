import { useQuery } from "@tanstack/react-query";
import { useNavigate, type NavigateFn } from "@tanstack/react-router";
import type { RunRecord } from "@tutti/core";
import { useSettled } from "../parts/use-settled.ts";
import { shortId } from "../parts/words.ts";
import { agentsQuery, toolsQuery, workflowsQuery } from "../queries.ts";
import { client } from "../server.ts";
import type { ShellAction } from "./actions.ts";
import { OPERATIONS, type Which } from "./api/operations.ts";
import { SETTINGS } from "./places.ts";

/** A window that the palette opens over the page. */
export type PaletteWindow = { readonly operation: string } | { readonly tool: string };

/** Something is done with a thing that is chosen first. */
export interface Choosing extends Which {
  /** What is done. */
  readonly title: string;
  /** The page of all such things; of runs, its filters say which. */
  readonly to: string;
}

interface Ways {
  readonly open: (window: PaletteWindow) => void;
  readonly choose: (choosing: Choosing) => void;
}

/** Everything that is found by a text: what has a name of its own, runs that hold the text, and every operation of the API. */
export function useFound(text: string, ways: Ways): readonly FoundAction[] {
  const navigate = useNavigate();
  const named = useNamed(navigate, ways.open);
  const runs = useRuns(text, navigate);
  return [...named, ...runs, ...operationActions(navigate, ways)];
}

/** Something that was found. */
export interface FoundAction extends ShellAction {
  /** It leads to another list of the palette, which stays open. */
  readonly isStep?: boolean;
}

function useNamed(navigate: NavigateFn, open: Ways["open"]): readonly ShellAction[] {
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

/** The way to the whole list: offered whatever the text is, after everything else. */
export const EVERY_RUN = "runs with text";
/** A shorter text stands in nearly every run. */
export const TEXT_MIN = 3;
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

function operationActions(navigate: NavigateFn, { open, choose }: Ways): readonly FoundAction[] {
  return Object.entries(OPERATIONS).flatMap(([operation, entry]): readonly FoundAction[] => {
    if (entry.at === "programs") return [];
    const own = { id: `api ${operation}`, group: "Do", words: `${entry.words ?? ""} ${operation}` };
    const { title } = entry;
    if (entry.at === "window") return [{ ...own, title: `${title} …`, run: () => open({ operation }) }];
    const { to, which } = entry;
    if (which !== undefined) return [{ ...own, title: `${title} …`, isStep: true, run: () => choose({ ...which, title, to }) }];
    return [{ ...own, title, run: () => navigate(addressOf(to)) }];
  });
}

/** An address as it is written, "/runs?status=failed", and what else is to stand in it, as the router takes it. */
export function addressOf(
  address: string,
  more: Readonly<Record<string, string>> = {},
): { readonly to: string; readonly search: Readonly<Record<string, string>> } {
  const { pathname, searchParams } = new URL(address, "http://page");
  return { to: pathname, search: { ...Object.fromEntries(searchParams), ...more } };
}
