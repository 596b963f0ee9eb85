import { useQuery } from "@tanstack/react-query";
import type { Cause, WorkflowInsight } from "@tutti/core/insight";
import { Gauge } from "lucide-react";
import type { ReactNode } from "react";
import { Queried } from "../../parts/queried.tsx";
import { Stat } from "../../parts/stat.tsx";
import { Empty } from "../../parts/states.tsx";
import { count, duration } from "../../parts/words.ts";
import { workflowInsightQuery } from "./queries.ts";

/** Lines of each list that are shown. */
const LINES_MAX = 8;

/** What makes a workflow slow and what would help, as far as its runs tell. */
export function InsightPanel({ workflow }: { readonly workflow: string }): ReactNode {
  const query = useQuery(workflowInsightQuery(workflow));
  return (
    <Queried query={query} lines={6}>
      {({ insight, truncated }) =>
        insight.runs.completed === 0 ? (
          <Empty icon={Gauge} title="Nothing to tell yet">
            This is read from runs that have completed. Start the workflow a few times, then come back.
          </Empty>
        ) : (
          <div className="flex flex-col gap-4">
            <Numbers insight={insight} />
            <div className="grid gap-4 lg:grid-cols-2">
              <Slow causes={insight.slow} />
              <Help insight={insight} />
            </div>
            {truncated.length > 0 && <p className="text-xs text-ink-3">{`Not everything was read: ${truncated.join("; ")}.`}</p>}
          </div>
        )
      }
    </Queried>
  );
}

function Numbers({ insight: { runs, wall } }: { readonly insight: WorkflowInsight }): ReactNode {
  return (
    <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
      <Stat label="Runs read" value={count(runs.read)} about={`${count(runs.completed)} completed, ${count(runs.failed)} failed`} />
      <Stat label="Half take at most" value={duration(wall.p50Ms)} />
      <Stat label="19 in 20 take at most" value={duration(wall.p95Ms)} />
      <Stat label="Mean" value={duration(wall.meanMs)} />
    </div>
  );
}

const CAUSES: Readonly<Record<Exclude<Cause["type"], "step">, string>> = {
  queue: "waiting for a place in a queue",
  down: "the server was down",
  paused: "paused",
  overhead: "between steps",
};

function Slow({ causes }: { readonly causes: readonly Cause[] }): ReactNode {
  return (
    <section aria-labelledby="slow-title">
      <h3 id="slow-title" className="mb-2 text-xs font-semibold text-ink-2">
        What makes it slow
      </h3>
      <ol className="flex flex-col gap-2">
        {causes.slice(0, LINES_MAX).map((cause) => {
          const name = cause.type === "step" ? cause.name : CAUSES[cause.type];
          return (
            <li key={`${cause.type}/${name}`} className="text-[13px]">
              <span className="flex gap-3">
                <span className="min-w-0 grow truncate" dir="auto" title={name}>
                  {name}
                  {cause.type === "step" && <span className="ms-1.5 text-xs text-ink-3">{cause.kind}</span>}
                </span>
                <span className="text-ink-2 tabular-nums">{duration(cause.meanMs)}</span>
                <span className="w-10 text-end tabular-nums">{`${Math.round(cause.share * 100)} %`}</span>
              </span>
              <span aria-hidden className="mt-1 block h-1 rounded bg-ground-3">
                <span className="block h-1 rounded bg-blue forced-color-adjust-none" style={{ width: `${cause.share * 100}%` }} />
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Help({ insight: { help } }: { readonly insight: WorkflowInsight }): ReactNode {
  return (
    <section aria-labelledby="help-title">
      <h3 id="help-title" className="mb-2 text-xs font-semibold text-ink-2">
        What would help
      </h3>
      {help.length === 0 && <p className="text-[13px] text-ink-2">Nothing that would save a hundredth of its time was found.</p>}
      <ol className="flex flex-col gap-2.5">
        {help.slice(0, LINES_MAX).map(({ title, assumption, savedMs, savedShare }) => (
          <li key={title} className="text-[13px]">
            <span className="flex gap-3">
              <span className="min-w-0 grow" dir="auto">
                {title}
              </span>
              <span className="shrink-0 text-green tabular-nums">{`−${duration(savedMs.mean)} · ${Math.round(savedShare * 100)} %`}</span>
            </span>
            <span className="block text-xs text-ink-3">
              {`between ${duration(Math.max(0, savedMs.low))} and ${duration(Math.max(0, savedMs.high))} a run`}
              {assumption === undefined ? "" : `; ${assumption}`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
