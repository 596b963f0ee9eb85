import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { AgentEntry } from "@tutti/client";
import { Bot } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Stat } from "../../parts/stat.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { EFFECT_ACCENT, HEALTH_ACCENT } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";
import { toolsQuery } from "../../queries.ts";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { RecentRuns } from "../workflows/recent-runs.tsx";
import { StartForm } from "../workflows/start-form.tsx";
import { useGoToRun } from "../workflows/start-window.tsx";
import { ChatTab } from "./chat-tab.tsx";
import { agentQuery } from "./queries.ts";

type Tab = "chat" | "about" | "run";
const TABS: readonly { readonly id: Tab; readonly title: string }[] = [
  { id: "chat", title: "Talk" },
  { id: "about", title: "About and runs" },
  { id: "run", title: "Run now" },
];

/** One agent: talk to it, what it can do and what policy says to that, and how it does. */
export function AgentPage(): ReactNode {
  const { name } = useParams({ from: "/agents/$name" });
  const search = useSearch({ from: "/agents/$name" });
  const navigate = useNavigate({ from: "/agents/$name" });
  const query = useQuery(agentQuery(name));
  const tab = TABS.find(({ id }) => id === search["tab"])?.id ?? "chat";
  const actions = useMemo(
    () =>
      TABS.map(({ id, title }, index): ShellAction => ({
        id: `agent tab ${id}`,
        title: `${name}: ${title}`,
        group: "This agent",
        keys: String(index + 1),
        run: () => navigate({ search: (before) => ({ ...before, tab: id }) }),
      })),
    [name, navigate],
  );
  useActions(actions);
  const content: Readonly<Record<Tab, (agent: AgentEntry) => ReactNode>> = {
    chat: (agent) => <ChatTab agent={agent} />,
    about: (agent) => <About agent={agent} />,
    run: (agent) => <RunNow agent={agent.name} />,
  };
  return (
    // With another agent everything begins anew: what was said to one is no business of the next.
    <Page key={name} title={name} about={query.data?.description} isFull={tab === "chat"}>
      <Queried query={query} lines={8} missing={<Unknown />}>
        {(agent) => (
          <Tabs
            label="Views of this agent"
            tab={tab}
            onTab={(next) => void navigate({ search: (before) => ({ ...before, tab: next }) })}
            tabs={TABS.map(({ id, title }) => ({ id, title, content: () => content[id](agent) }))}
          />
        )}
      </Queried>
    </Page>
  );
}

function Unknown(): ReactNode {
  return (
    <Empty icon={Bot} title="No agent is called that">
      <Link to="/agents" className="text-blue underline">
        See all agents
      </Link>
      , or load the plugin that brings it.
    </Empty>
  );
}

function About({ agent }: { readonly agent: AgentEntry }): ReactNode {
  const { load, health, limits, capabilities, version, model, name } = agent;
  return (
    <div className="flex flex-col gap-4">
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Stat label="Health" value={health.status} accent={HEALTH_ACCENT[health.status]} about={health.reason} />
        <Stat label="Running" value={count(load.running)} about={`${count(load.waiting)} waiting, ${count(load.queued)} queued`} />
        <Stat label="Steps at most" value={count(limits.stepsMax)} about="times the model is asked for one answer" />
        <Stat label="Messages kept" value={count(limits.historyMessagesMax)} about="of a long conversation" />
      </div>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title="Tools, and what policy says">
          <Tools capabilities={capabilities} />
        </Panel>
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="About">
            <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-[13px]">
              <dt className="text-ink-2">Version</dt>
              <dd dir="auto">{version}</dd>
              <dt className="text-ink-2">Model</dt>
              <dd dir="auto">
                {capabilities.model === null ? `${model}: none is configured, so it answers by rules` : `${model}: ${capabilities.model}`}
              </dd>
              <dt className="text-ink-2">Skills</dt>
              <dd dir="auto">{capabilities.skills.join(", ") || "none"}</dd>
              <dt className="text-ink-2">Rules</dt>
              <dd>{`${count(capabilities.routes)} questions are answered without a model`}</dd>
            </dl>
          </Panel>
          <RecentRuns workflow={name} empty="Ask it something." />
        </div>
      </div>
    </div>
  );
}

function Tools({ capabilities }: { readonly capabilities: AgentEntry["capabilities"] }): ReactNode {
  const { data: tools = [] } = useQuery(toolsQuery);
  if (capabilities.tools.length === 0) return <p className="text-[13px] text-ink-2">It uses none.</p>;
  return (
    <ul className="-my-2 divide-y divide-line/60">
      {capabilities.tools.map(({ name, isThere, effect }) => {
        const tool = tools.find((one) => one.name === name);
        return (
          <li key={name} className="flex flex-col gap-0.5 py-2 text-[13px]">
            <span className="flex flex-wrap items-center gap-2">
              <span className="font-mono text-xs" dir="auto">
                {name}
              </span>
              {effect !== null && <Badge>{effect}</Badge>}
              {!isThere && <Badge accent="red">not installed</Badge>}
              {tool !== undefined && <Badge accent={EFFECT_ACCENT[tool.allowed.effect]}>{tool.allowed.effect}</Badge>}
            </span>
            {tool !== undefined && <span className="text-xs text-ink-2" dir="auto">{`${tool.allowed.reason} (${tool.allowed.rule})`}</span>}
          </li>
        );
      })}
    </ul>
  );
}

/** The short form of what an agent takes: one message. Whole conversations are given as JSON. */
const MESSAGE_SCHEMA = {
  type: "object",
  properties: { message: { type: "string", maxLength: 100_000, description: "What to ask it." } },
  required: ["message"],
};

function RunNow({ agent }: { readonly agent: string }): ReactNode {
  const goToRun = useGoToRun();
  return (
    <Panel title="Run now">
      <p className="mb-3 text-[13px] text-ink-2">It goes on without this page; its answer stands in the run.</p>
      <StartForm
        workflow={agent}
        schema={MESSAGE_SCHEMA}
        start={(input) => client.startRun({ workflow: agent, input })}
        onStarted={goToRun}
      />
    </Panel>
  );
}
