import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { AgentEntry } from "@tutti/client";
import { Bot, MessageSquare } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Badge, StatusBadge } from "../../parts/badge.tsx";
import { buttonLook } from "../../parts/button.tsx";
import { Hint } from "../../parts/hint.tsx";
import { Page } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { HEALTH_ACCENT } from "../../parts/tones.ts";
import { queryClient } from "../../query-client.ts";
import { agentsQuery } from "../../queries.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { useThrottled } from "../../throttled.ts";
import { RunDots, useRunsByWorkflow, type RunsOf } from "../workflows/recent-runs.tsx";
import { several } from "../../parts/words.ts";

/** How often what agents do now is read anew while runs come and go. */
const LOAD_EVERY_MS = 2000;

interface Line {
  readonly agent: AgentEntry;
  readonly runs: RunsOf | undefined;
}

/** All agents: how they are, what they do now, and a way to talk to each. */
export function AgentsPage(): ReactNode {
  const query = useQuery(agentsQuery);
  const navigate = useNavigate();
  const agents = query.data;
  const actions = useMemo(
    () =>
      (agents ?? []).map(({ name }): ShellAction => ({
        id: `talk ${name}`,
        title: `Talk to ${name}`,
        group: "Agents",
        words: "chat",
        run: () => navigate({ to: "/agents/$name", params: { name }, search: { tab: "chat" } }),
      })),
    [agents, navigate],
  );
  useActions(actions);
  return (
    <Page title="Agents" about="Workflows in which a model picks the next step. Talk to them, and see how they do." isFull>
      <Queried query={query} lines={8}>
        {(all) => <AgentRows agents={all} />}
      </Queried>
    </Page>
  );
}

function AgentRows({ agents }: { readonly agents: readonly AgentEntry[] }): ReactNode {
  const navigate = useNavigate();
  const runs = useRunsByWorkflow(useThrottled(() => void queryClient.invalidateQueries(agentsQuery), LOAD_EVERY_MS));
  const lines = useMemo(() => agents.map((agent): Line => ({ agent, runs: runs.get(agent.name) })), [agents, runs]);
  return (
    <Rows
      label="Agents"
      rows={lines}
      columns={COLUMNS}
      idOf={({ agent }) => agent.name}
      onOpen={({ agent }) => void navigate({ to: "/agents/$name", params: { name: agent.name } })}
      empty={
        <Empty icon={Bot} title="No agents yet">
          An agent is one YAML file in a plugin: <code>tutti plugins new my-agent</code>
        </Empty>
      }
    />
  );
}

/** Each stands from the width on at which those that matter more have their room. */
const COLUMNS: readonly Column<Line>[] = [
  { id: "name", title: "Name", width: "minmax(120px, 1.4fr)", cell: ({ agent }) => <Named agent={agent} /> },
  { id: "health", title: "Health", width: "92px", cell: ({ agent }) => <Health agent={agent} /> },
  { id: "description", title: "Description", width: "minmax(180px, 2fr)", fromPx: 560, cell: ({ agent }) => agent.description },
  { id: "now", title: "Now, or last run", width: "190px", fromPx: 740, cell: ({ agent }) => <Now agent={agent} /> },
  { id: "recent", title: "Recent runs", width: "236px", fromPx: 980, cell: ({ runs }) => <RunDots runs={runs?.recent ?? []} /> },
  { id: "model", title: "Model", width: "150px", fromPx: 1130, cell: ({ agent }) => agent.capabilities.model ?? "none: answers by rules" },
  {
    id: "can",
    title: "Can",
    width: "170px",
    fromPx: 1300,
    cell: ({ agent: { capabilities } }) => capabilityWords(capabilities),
  },
  {
    id: "talk",
    title: <span className="sr-only">Talk</span>,
    width: "88px",
    cell: ({ agent: { name } }) => (
      <Link to="/agents/$name" params={{ name }} search={{ tab: "chat" }} aria-label={`Talk to ${name}`} className={buttonLook("quiet")}>
        <MessageSquare aria-hidden className="size-3.5" />
        Talk
      </Link>
    ),
  },
];

/** Who it is; of one that is not well, why not. */
function Named({ agent: { name, health } }: { readonly agent: AgentEntry }): ReactNode {
  return (
    <span className="flex flex-col leading-tight">
      <Link to="/agents/$name" params={{ name }} className="truncate font-medium text-ink hover:text-blue">
        {name}
      </Link>
      {health.status !== "ok" && (
        <span title={health.reason} className="truncate text-[11px] text-ink-2">
          {health.reason}
        </span>
      )}
    </span>
  );
}

/** How it is; of one that is not well, the way to where that is mended. */
function Health({ agent: { health, capabilities } }: { readonly agent: AgentEntry }): ReactNode {
  const badge = <Badge accent={HEALTH_ACCENT[health.status]}>{health.status}</Badge>;
  if (health.status === "ok") return badge;
  const todo = capabilities.model === null ? "Set up a model" : "Add what it needs";
  return (
    <Hint text={`${todo}: ${health.reason}`}>
      <Link
        to="/settings/$section"
        params={{ section: capabilities.model === null ? "models" : "plugins" }}
        aria-label={`${health.status}. ${todo}`}
        className="inline-flex h-7 items-center hover:underline"
      >
        {badge}
      </Link>
    </Hint>
  );
}

/** What an agent does; of one that does nothing, what it did last. */
function Now({ agent: { load, lastRun } }: { readonly agent: AgentEntry }): ReactNode {
  const words = loadWords(load);
  if (words !== "" || lastRun === null) return words;
  return (
    <span className="flex items-center gap-2 text-ink-2">
      <StatusBadge status={lastRun.status} />
      <Moment at={lastRun.startedAt} />
    </span>
  );
}

function capabilityWords({ tools, skills, routes }: AgentEntry["capabilities"]): string {
  return [
    several(tools.length, "tool"),
    ...(skills.length === 0 ? [] : [several(skills.length, "skill")]),
    ...(routes === 0 ? [] : [several(routes, "rule")]),
  ].join(", ");
}

/** What an agent does now, in a few words; none when it does nothing. */
function loadWords(load: AgentEntry["load"]): string {
  const words = (["running", "waiting", "queued", "paused"] as const).flatMap((status) =>
    load[status] === 0 ? [] : [`${load[status]} ${status}`],
  );
  return words.join(", ");
}
