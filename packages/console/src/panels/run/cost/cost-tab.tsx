import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Event } from "@tutti/core";
import type { WorkflowInsight } from "@tutti/core/insight";
import { useMemo, type ReactNode } from "react";
import { KindIcon } from "../../../parts/kinds.tsx";
import { Panel } from "../../../parts/page.tsx";
import { Queried } from "../../../parts/queried.tsx";
import { Rows, type Column } from "../../../parts/rows.tsx";
import { Stat } from "../../../parts/stat.tsx";
import { Empty } from "../../../parts/states.tsx";
import { count, dollars, duration } from "../../../parts/words.ts";
import { insightQuery, proposalsQuery } from "../queries.ts";
import type { RunFacts } from "../run-facts.ts";
import { useCalm } from "../use-calm.ts";
import { costLines, type CostLine } from "./cost-lines.ts";

/** What the run cost in money, tokens and time, what of it was for nothing, and what would help. */
export function CostTab({ events, facts }: { readonly events: readonly Event[]; readonly facts: RunFacts }): ReactNode {
  const lines = useMemo(() => costLines(events), [events]);
  const insight = useQuery({ ...insightQuery(facts.runId, useCalm(events.length)), placeholderData: (before) => before });
  const retries = insight.data?.insight.retries;
  const totals = insight.data?.insight.totals;
  return (
    <div className="flex flex-col gap-4 pb-4">
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Stat label="Cost" value={dollars(facts.usage.costUsd)} about="for models whose price is known" />
        <Stat
          label="Tokens"
          value={count(facts.usage.inputTokens + facts.usage.outputTokens)}
          about={`${count(facts.usage.inputTokens)} in, ${count(facts.usage.outputTokens)} out`}
        />
        <Stat
          label="Lost to failed attempts"
          value={retries === undefined ? "…" : duration(retries.lostMs + retries.backoffMs)}
          accent={retries !== undefined && retries.attempts > 0 ? "red" : "grey"}
          about={retries === undefined ? "" : `${count(retries.attempts)} attempts, about ${count(retries.tokens)} tokens`}
        />
        <Stat
          label="Waited"
          value={totals === undefined ? "…" : duration(totals.waitingMs + totals.queuedMs)}
          about={totals === undefined ? "" : `${duration(totals.queuedMs)} of it in a queue; at work ${duration(totals.runningMs)}`}
        />
      </div>
      <section aria-label="By model and step" className="flex h-96 flex-col">
        <Rows
          label="Cost by model and step"
          rows={lines}
          columns={COLUMNS}
          idOf={idOf}
          empty={<Empty title="No step has ended yet">Costs stand here as steps end.</Empty>}
        />
      </section>
      <Proposals workflow={facts.workflow} />
    </div>
  );
}

const idOf = ({ kind, name }: CostLine): string => `${kind} ${name}`;

const COLUMNS: readonly Column<CostLine>[] = [
  {
    id: "name",
    title: "Model or step",
    width: "minmax(14rem,1fr)",
    cell: ({ kind, name }) => (
      <span className="flex items-center gap-1.5">
        <KindIcon kind={kind} />
        <bdi className="truncate">{name}</bdi>
        <span className="text-xs text-ink-3">{kind}</span>
      </span>
    ),
  },
  { id: "steps", title: "Steps", width: "5rem", isNumber: true, cell: ({ steps }) => count(steps) },
  { id: "time", title: "Time", width: "6rem", isNumber: true, cell: ({ durationMs }) => duration(durationMs) },
  { id: "in", title: "Tokens in", width: "7rem", isNumber: true, cell: ({ usage }) => count(usage.inputTokens) },
  { id: "out", title: "Tokens out", width: "7rem", isNumber: true, cell: ({ usage }) => count(usage.outputTokens) },
  { id: "cost", title: "Cost", width: "6rem", isNumber: true, cell: ({ usage }) => dollars(usage.costUsd) },
  {
    id: "lost",
    title: "Failed attempts",
    width: "9rem",
    isNumber: true,
    cell: ({ failedAttempts, lostMs }) => (failedAttempts === 0 ? "" : `${count(failedAttempts)}, ${duration(lostMs)}`),
  },
];

/** What makes runs of the workflow slow, and what would help, from many of its runs. */
function Proposals({ workflow }: { readonly workflow: string }): ReactNode {
  const query = useQuery(proposalsQuery(workflow));
  return (
    <Panel
      title="What makes it slow, and what would help"
      actions={
        <Link to="/workflows/$name" params={{ name: workflow }} search={{ tab: "insight" }} className="text-xs text-blue underline">
          All about this workflow
        </Link>
      }
    >
      <Queried query={query} lines={3}>
        {({ insight: { help, slow, runs } }) =>
          help.length === 0 && slow.length === 0 ? (
            <Empty title="Too little to go by">
              Proposals come from completed runs of the workflow; {count(runs.completed)} have completed.
            </Empty>
          ) : (
            <div className="flex flex-col gap-3 text-[13px]">
              <p className="text-xs text-ink-3">From {count(runs.completed)} completed runs.</p>
              <ul className="flex flex-col gap-1">
                {slow.slice(0, CAUSES_SHOWN).map((cause) => (
                  <li key={cause.type === "step" ? `${cause.kind} ${cause.name}` : cause.type} className="flex items-center gap-2">
                    <span
                      aria-hidden
                      className="h-2 rounded-sm bg-orange forced-color-adjust-none"
                      style={{ width: `${Math.max(1, cause.share * 120)}px` }}
                    />
                    <span className="tabular-nums">{Math.round(cause.share * 100)} %</span>
                    <bdi className="truncate">{cause.type === "step" ? cause.name : cause.type}</bdi>
                  </li>
                ))}
              </ul>
              <ul className="flex flex-col gap-2">
                {help.map((one) => (
                  <Helping key={one.title} one={one} />
                ))}
              </ul>
            </div>
          )
        }
      </Queried>
    </Panel>
  );
}

const CAUSES_SHOWN = 6;

function Helping({ one: { title, assumption, savedMs, savedShare } }: { readonly one: WorkflowInsight["help"][number] }): ReactNode {
  return (
    <li className="rounded-md border border-line bg-ground p-2.5">
      <p className="font-medium break-words" dir="auto">
        {title}
      </p>
      <p className="text-xs text-ink-2">
        saves about {duration(savedMs.mean)} a run ({Math.round(savedShare * 100)} %)
        {assumption !== undefined && <bdi>, if {assumption}</bdi>}
      </p>
    </li>
  );
}
