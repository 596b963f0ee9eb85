import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { WorkflowEntry } from "@tutti/client";
import { CalendarPlus, GitBranch } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { latePart } from "../../late.tsx";
import { Badge } from "../../parts/badge.tsx";
import { buttonLook } from "../../parts/button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { workflowsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { InsightPanel } from "./insight-panel.tsx";
import { savedGraphQuery } from "./queries.ts";
import { RecentRuns } from "./recent-runs.tsx";
import { StartForm } from "./start-form.tsx";
import { useGoToRun } from "./start-window.tsx";
import { TEMPLATES } from "./templates.ts";
import { Link } from "@tanstack/react-router";

const EditTab = latePart(() => import("./edit-tab.tsx"), "EditTab");
const HistoryTab = latePart(() => import("./history-tab.tsx"), "HistoryTab");

type Tab = "about" | "insight" | "edit" | "history";

/** One workflow: what it is, start it, how it does; and, where it is a graph that is kept here, its editor and its versions. */
export function WorkflowPage(): ReactNode {
  const { name } = useParams({ from: "/workflows/$name" });
  const search = useSearch({ from: "/workflows/$name" });
  const workflows = useQuery(workflowsQuery);
  const saved = useQuery(savedGraphQuery(name));
  const template = TEMPLATES.find(({ id }) => id === search["template"]);
  return (
    <Queried query={workflows} lines={8}>
      {(all) => (
        <Queried query={saved} lines={8}>
          {(graph) => {
            const entry = all.find((one) => one.name === name);
            if (entry === undefined && graph === null && template === undefined) return <Unknown name={name} />;
            return (
              <WorkflowTabs
                key={name}
                name={name}
                entry={entry}
                isGraph={graph !== null || template !== undefined}
                tab={(search["tab"] as Tab | undefined) ?? (entry === undefined ? "edit" : "about")}
              />
            );
          }}
        </Queried>
      )}
    </Queried>
  );
}

interface WorkflowTabsProps {
  readonly name: string;
  readonly entry: WorkflowEntry | undefined;
  /** Kept here, so that it can be edited. */
  readonly isGraph: boolean;
  readonly tab: Tab;
}

function WorkflowTabs({ name, entry, isGraph, tab }: WorkflowTabsProps): ReactNode {
  const navigate = useNavigate({ from: "/workflows/$name" });
  const tabs = useMemo(
    () => [
      ...(entry === undefined
        ? []
        : [
            { id: "about" as const, title: "Start and runs", content: () => <About entry={entry} /> },
            { id: "insight" as const, title: "Insight", content: () => <InsightPanel workflow={name} /> },
          ]),
      ...(isGraph
        ? [
            { id: "edit" as const, title: "Edit", content: () => <EditTab name={name} /> },
            { id: "history" as const, title: "Versions", content: () => <HistoryTab name={name} /> },
          ]
        : []),
    ],
    [entry, isGraph, name],
  );
  const actions = useMemo(
    () =>
      tabs.map(({ id, title }, index): ShellAction => ({
        id: `workflow tab ${id}`,
        title: `${name}: ${title}`,
        group: "This workflow",
        keys: String(index + 1),
        run: () => navigate({ search: (before) => ({ ...before, tab: id }) }),
      })),
    [tabs, name, navigate],
  );
  useActions(actions);
  return (
    <Page
      title={name}
      about={entry?.description ?? "A graph that is not saved yet."}
      isFull={tab === "edit"}
      actions={
        <>
          {entry !== undefined && (
            <Link to="/schedules" search={{ form: "new", workflow: name }} className={buttonLook()}>
              <CalendarPlus aria-hidden className="size-3.5" />
              Schedule
            </Link>
          )}
        </>
      }
    >
      <Tabs
        label="Views of this workflow"
        tab={tabs.some(({ id }) => id === tab) ? tab : (tabs[0]?.id ?? "about")}
        onTab={(next) => void navigate({ search: (before) => ({ ...before, tab: next }) })}
        tabs={tabs}
      />
    </Page>
  );
}

function About({ entry }: { readonly entry: WorkflowEntry }): ReactNode {
  const { name, kind, source, version, inputSchema } = entry;
  const goToRun = useGoToRun();
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)]">
      <Panel title="Start">
        <StartForm workflow={name} schema={inputSchema} start={(input) => client.startRun({ workflow: name, input })} onStarted={goToRun} />
      </Panel>
      <div className="flex min-w-0 flex-col gap-4">
        <Panel title="About">
          <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-[13px]">
            <dt className="text-ink-2">Kind</dt>
            <dd>
              <Badge accent="blue">{kind}</Badge>
            </dd>
            <dt className="text-ink-2">Version</dt>
            <dd dir="auto">{version}</dd>
            <dt className="text-ink-2">Source</dt>
            <dd dir="auto">{source}</dd>
            {kind === "agent" && (
              <>
                <dt className="text-ink-2">Agent</dt>
                <dd>
                  <Link to="/agents/$name" params={{ name }} className="text-blue hover:underline">
                    Talk to it
                  </Link>
                </dd>
              </>
            )}
          </dl>
          {inputSchema !== null && (
            <details className="mt-3 text-[13px]">
              <summary className="cursor-pointer text-ink-2">Input as JSON Schema</summary>
              <div className="mt-2">
                <JsonView value={inputSchema} label="the input's schema" />
              </div>
            </details>
          )}
        </Panel>
        <RecentRuns workflow={name} empty="Start one beside this." />
      </div>
    </div>
  );
}

function Unknown({ name }: { readonly name: string }): ReactNode {
  return (
    <Page title={name}>
      <Empty icon={GitBranch} title="No workflow is called that">
        <Link to="/workflows" className="text-blue underline">
          See all workflows
        </Link>
        , or load the plugin that brings it.
      </Empty>
    </Page>
  );
}
