import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { LiveOverview } from "@tutti/client";
import { CalendarClock } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useLive } from "../../feed.ts";
import { Badge } from "../../parts/badge.tsx";
import { buttonLook } from "../../parts/button.tsx";
import { Chart, type Series } from "../../parts/chart.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Sparkline } from "../../parts/sparkline.tsx";
import { Stat } from "../../parts/stat.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count, dollars, short } from "../../parts/words.ts";
import { healthQuery } from "../../queries.ts";
import { Constellation } from "./constellation.tsx";
import { PluginPanels } from "../plugin/plugin-panels.tsx";
import { NeedsYou } from "./needs-you.tsx";
import { activityQuery, schedulesQuery } from "./queries.ts";

/** What needs a person, and how everything is. */
export function OverviewPage(): ReactNode {
  return (
    <Page
      title="Overview"
      actions={
        <Link to="/workflows" className={buttonLook("primary")}>
          Start a workflow
        </Link>
      }
    >
      <div className="grid gap-4 xl:grid-cols-[3fr_2fr]">
        <Constellation />
        <NeedsYou />
      </div>
      <Counters />
      <Charts />
      <div className="grid gap-4 lg:grid-cols-2">
        <NextSchedules />
        <Health />
      </div>
      <PluginPanels slot="overview" />
    </Page>
  );
}

function Counters(): ReactNode {
  const [now, setNow] = useState<LiveOverview>();
  useLive({ topic: "overview" }, { onData: setNow });
  const { data: activity } = useQuery(activityQuery);
  const buckets = activity?.buckets ?? [];
  const sum = (of: (bucket: (typeof buckets)[number]) => number): number => buckets.reduce((total, bucket) => total + of(bucket), 0);
  const failed = sum((bucket) => bucket.failed);
  const ended = sum(({ completed, cancelled }) => completed + cancelled) + failed;
  return (
    <div className="grid grid-cols-2 gap-4 md:grid-cols-3 xl:grid-cols-6">
      <Stat
        label="Running"
        value={now === undefined ? "…" : count(now.runs.running)}
        accent="blue"
        about={now && `${count(now.runs.queued)} queued`}
      />
      <Stat
        label="Waiting"
        value={now === undefined ? "…" : count(now.runs.waiting)}
        accent="orange"
        about={now && `${count(now.approvals)} for people`}
      />
      <Stat
        label="Started, last minute"
        value={now === undefined ? "…" : count(now.lastMinute.started)}
        about={now && `${short(now.lastMinute.events)} events`}
      />
      <Stat
        label="Runs, last day"
        value={short(sum(({ started }) => started))}
        accent="green"
        picture={<Sparkline accent="green" values={buckets.map(({ started }) => started)} />}
      />
      <Stat
        label="Failed, last day"
        value={short(failed)}
        accent={failed > 0 ? "red" : "grey"}
        about={ended === 0 ? "no run has ended" : `${((100 * failed) / ended).toFixed(1)} % of those that ended`}
        picture={<Sparkline accent="red" values={buckets.map((bucket) => bucket.failed)} />}
      />
      <Stat
        label="Cost, last day"
        value={dollars(sum(({ costUsd }) => costUsd))}
        about={`${short(sum(({ inputTokens, outputTokens }) => inputTokens + outputTokens))} tokens`}
        picture={<Sparkline accent="violet" values={buckets.map(({ costUsd }) => costUsd)} />}
      />
    </div>
  );
}

function Charts(): ReactNode {
  const activity = useQuery(activityQuery);
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Panel title="Throughput">
        <Queried query={activity}>{({ buckets }) => <Throughput buckets={buckets} />}</Queried>
      </Panel>
      <Panel title="Cost">
        <Queried query={activity}>{({ buckets }) => <Cost buckets={buckets} />}</Queried>
      </Panel>
    </div>
  );
}

type Buckets = Awaited<ReturnType<NonNullable<typeof activityQuery.queryFn>>>["buckets"];

const timesOf = (buckets: Buckets): readonly number[] => buckets.map(({ start }) => Date.parse(start) / 1000);

function Throughput({ buckets }: { readonly buckets: Buckets }): ReactNode {
  const times = useMemo(() => timesOf(buckets), [buckets]);
  const series = useMemo(
    (): readonly Series[] => [
      { label: "Completed", accent: "green", look: "area", values: buckets.map(({ completed }) => completed) },
      { label: "Failed", accent: "red", look: "area", values: buckets.map(({ failed }) => failed) },
    ],
    [buckets],
  );
  return <Chart label="Runs that ended, by half hours of the last day" times={times} series={series} format={short} />;
}

function Cost({ buckets }: { readonly buckets: Buckets }): ReactNode {
  const times = useMemo(() => timesOf(buckets), [buckets]);
  const series = useMemo(
    (): readonly Series[] => [{ label: "US dollars", accent: "violet", look: "bars", values: buckets.map(({ costUsd }) => costUsd) }],
    [buckets],
  );
  return <Chart label="US dollars, by half hours of the last day" times={times} series={series} format={dollars} />;
}

const NEXT = 6;

function NextSchedules(): ReactNode {
  const schedules = useQuery(schedulesQuery);
  return (
    <Panel title="Next to start">
      <Queried query={schedules}>
        {(all) => {
          const next = all.filter(({ nextAt }) => nextAt !== null).toSorted((a, b) => (a.nextAt ?? "").localeCompare(b.nextAt ?? ""));
          if (next.length === 0)
            return (
              <Empty icon={CalendarClock} title="Nothing starts by itself">
                <Link to="/schedules" className="text-blue underline">
                  Make a schedule
                </Link>
              </Empty>
            );
          return (
            <ul className="-my-2 flex flex-col">
              {next.slice(0, NEXT).map(({ name, workflow, nextAt }) => (
                <li key={name} className="flex items-center gap-3 border-b border-line/60 py-2 text-[13px] last:border-0">
                  <Link to="/schedules" search={{ name }} className="min-w-0 grow truncate font-medium hover:underline" dir="auto">
                    {name}
                  </Link>
                  <span className="truncate text-xs text-ink-2">{workflow}</span>
                  <span className="text-xs text-ink-2">{nextAt !== null && <Moment at={nextAt} />}</span>
                </li>
              ))}
            </ul>
          );
        }}
      </Queried>
    </Panel>
  );
}

const HEALTH: Readonly<Record<string, Accent>> = { ok: "green", off: "grey", degraded: "yellow", down: "red" };

function Health(): ReactNode {
  const health = useQuery(healthQuery);
  return (
    <Panel title="Health">
      <Queried query={health}>
        {({ components }) => (
          <ul className="-my-2 grid sm:grid-cols-2 sm:gap-x-6">
            {components.map(({ name, status, reason }) => (
              <li key={name} className="flex items-center gap-2 border-b border-line/60 py-2 text-[13px]" title={reason}>
                <span className="min-w-0 grow truncate">{name}</span>
                <Badge accent={HEALTH[status] ?? "grey"}>{status}</Badge>
              </li>
            ))}
          </ul>
        )}
      </Queried>
    </Panel>
  );
}
