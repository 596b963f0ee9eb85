import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { WorkflowEntry } from "@tutti/client";
import { GitBranch, Play, Plus } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { Page } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { Empty } from "../../parts/states.tsx";
import type { Accent } from "../../parts/tones.ts";
import { duration } from "../../parts/words.ts";
import { workflowsQuery } from "../../queries.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { NewWorkflow } from "./new-workflow.tsx";
import { RunDots, useRunsByWorkflow, type RunsOf } from "./recent-runs.tsx";
import { StartWindow } from "./start-window.tsx";

/** What colour each kind of workflow has. */
const KIND_ACCENT: Readonly<Record<WorkflowEntry["kind"], Accent>> = { code: "blue", graph: "violet", agent: "green" };

interface Line {
  readonly workflow: WorkflowEntry;
  readonly runs: RunsOf | undefined;
}

/** All workflows: find one, see how it does, start it. */
export function WorkflowsPage(): ReactNode {
  const query = useQuery(workflowsQuery);
  const search = useSearch({ from: "/workflows" });
  const navigate = useNavigate({ from: "/workflows" });
  const go = (changes: Readonly<Record<string, string | undefined>>): void =>
    void navigate({ search: (before) => ({ ...before, ...changes }), replace: true });
  const [isNew, setNew] = useState(false);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "workflow new", title: "New graph workflow", group: "Workflows", keys: "n", words: "create template", run: () => setNew(true) },
    ],
    [],
  );
  useActions(actions);
  const starting = query.data?.find(({ name }) => name === search["start"]);
  return (
    <Page
      title="Workflows"
      about="Everything that can be started: code, graphs and agents."
      isFull
      actions={
        <Button tone="primary" onClick={() => setNew(true)}>
          <Plus aria-hidden className="size-4" />
          New graph workflow
        </Button>
      }
    >
      <div className="flex flex-wrap gap-3">
        <div className="w-64 max-w-full">
          <TextField
            label="Find"
            type="search"
            placeholder="Name or description"
            value={search["q"] ?? ""}
            onChange={({ target }) => go({ q: target.value })}
          />
        </div>
        <div className="w-40">
          <Choice label="Kind" value={search["kind"] ?? ""} options={KINDS} onChange={({ target }) => go({ kind: target.value })} />
        </div>
      </div>
      <Queried query={query} lines={10}>
        {(workflows) => (
          <WorkflowRows
            workflows={workflows.filter((workflow) => fits(workflow, search))}
            isFiltered={workflows.length > 0}
            onStart={(name) => go({ start: name })}
          />
        )}
      </Queried>
      {starting !== undefined && <StartWindow key={starting.name} workflow={starting} onClose={() => go({ start: undefined })} />}
      <NewWorkflow isOpen={isNew} onClose={() => setNew(false)} taken={query.data?.map(({ name }) => name) ?? []} />
    </Page>
  );
}

const KINDS = [
  { value: "", label: "All" },
  { value: "code", label: "Code" },
  { value: "graph", label: "Graph" },
  { value: "agent", label: "Agent" },
];

function fits(
  { name, description, kind }: WorkflowEntry,
  { q = "", kind: wanted = "" }: Readonly<Record<string, string | undefined>>,
): boolean {
  return (wanted === "" || kind === wanted) && `${name} ${description}`.toLowerCase().includes(q.trim().toLowerCase());
}

interface WorkflowRowsProps {
  readonly workflows: readonly WorkflowEntry[];
  readonly isFiltered: boolean;
  readonly onStart: (name: string) => void;
}

function WorkflowRows({ workflows, isFiltered, onStart }: WorkflowRowsProps): ReactNode {
  const navigate = useNavigate();
  const runs = useRunsByWorkflow();
  const lines = useMemo(() => workflows.map((workflow): Line => ({ workflow, runs: runs.get(workflow.name) })), [workflows, runs]);
  const columns = useColumns(onStart);
  return (
    <Rows
      label="Workflows"
      rows={lines}
      columns={columns}
      idOf={({ workflow }) => workflow.name}
      onOpen={({ workflow }) => void navigate({ to: "/workflows/$name", params: { name: workflow.name } })}
      empty={
        isFiltered ? (
          <Empty title="No workflow fits">Take a filter out to see more.</Empty>
        ) : (
          <Empty icon={GitBranch} title="No workflows yet">
            Press <kbd>n</kbd> for a graph workflow, or load a plugin: <code>tutti plugins enable ./my-plugin</code>
          </Empty>
        )
      }
    />
  );
}

function useColumns(onStart: (name: string) => void): readonly Column<Line>[] {
  const [start] = useState(() => onStart);
  return useMemo(
    () => [
      {
        id: "name",
        title: "Name",
        width: "minmax(120px, 1.2fr)",
        cell: ({ workflow: { name } }) => (
          <Link to="/workflows/$name" params={{ name }} className="font-medium text-ink hover:text-blue">
            {name}
          </Link>
        ),
      },
      { id: "kind", title: "Kind", width: "84px", cell: ({ workflow: { kind } }) => <Badge accent={KIND_ACCENT[kind]}>{kind}</Badge> },
      { id: "description", title: "Description", width: "minmax(200px, 2fr)", fromPx: 560, cell: ({ workflow }) => workflow.description },
      { id: "source", title: "Source", width: "150px", fromPx: 1020, cell: ({ workflow }) => workflow.source },
      { id: "version", title: "Version", width: "76px", fromPx: 1100, cell: ({ workflow }) => workflow.version },
      { id: "recent", title: "Recent runs", width: "236px", fromPx: 790, cell: ({ runs }) => <RunDots runs={runs?.recent ?? []} /> },
      {
        id: "p50",
        title: "p50",
        width: "76px",
        fromPx: 870,
        isNumber: true,
        cell: ({ runs }) => (runs === undefined || runs.p50Ms === null ? "" : duration(runs.p50Ms)),
      },
      {
        id: "start",
        title: <span className="sr-only">Start</span>,
        width: "90px",
        cell: ({ workflow: { name } }) => (
          <Button tone="quiet" onClick={() => start(name)} aria-label={`Start ${name}`}>
            <Play aria-hidden className="size-3.5" />
            Start
          </Button>
        ),
      },
    ],
    [start],
  );
}
