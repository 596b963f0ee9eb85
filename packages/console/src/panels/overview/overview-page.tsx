import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CalendarClock } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { buttonLook } from "../../parts/button.tsx";
import { Chart, type Series } from "../../parts/chart.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { HEALTH_ACCENT } from "../../parts/tones.ts";
import { dollars, short } from "../../parts/words.ts";
import { healthQuery } from "../../queries.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { Constellation } from "./constellation.tsx";
import { PluginPanels } from "../plugin/plugin-panels.tsx";
import { LatestFailures } from "./latest-failures.tsx";
import { More } from "./more.tsx";
import { Counters } from "./counters.tsx";
import { NeedsYou } from "./needs-you.tsx";
import { activityQuery, schedulesQuery } from "./queries.ts";

/** What needs a person, and how everything is. */
export function OverviewPage(): ReactNode {
  useOverviewActions();
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
      <div className="grid gap-4 lg:grid-cols-3">
        <LatestFailures />
        <NextSchedules />
        <Health />
      </div>
      <PluginPanels slot="overview" />
    </Page>
  );
}

function useOverviewActions(): void {
  const navigate = useNavigate();
  const { scene } = useSearch({ from: "/" });
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Overview";
    const show = (wanted: string | undefined) => () => navigate({ to: "/", search: { scene: wanted }, replace: true });
    return [
      { id: "sky deep", title: "Constellation in depth", group, words: "3d webgl", run: show("3d") },
      { id: "sky flat", title: "Constellation without depth", group, words: "2d still", run: show("2d") },
      ...(scene === undefined ? [] : [{ id: "sky own", title: "Constellation as this device draws it", group, run: show(undefined) }]),
      {
        id: "failures",
        title: "Runs that failed in the last day",
        group,
        run: () => navigate({ to: "/runs", search: { status: "failed", last: "24h", parent: "all" } }),
      },
      { id: "spent", title: "What was spent, and on what", group, words: "cost tokens", run: () => navigate({ to: "/data" }) },
      {
        id: "health",
        title: "How each part is",
        group,
        words: "status down degraded",
        run: () => navigate({ to: "/settings/$section", params: { section: "health" } }),
      },
    ];
  }, [navigate, scene]);
  useActions(actions);
}

function Charts(): ReactNode {
  const activity = useQuery(activityQuery);
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Panel
        title="Throughput"
        actions={
          <More to="/runs" search={{ parent: "all" }}>
            All runs
          </More>
        }
      >
        <Queried query={activity}>{({ buckets }) => <Throughput buckets={buckets} />}</Queried>
      </Panel>
      <Panel title="Cost" actions={<More to="/data">By model, key and day</More>}>
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
  const navigate = useNavigate();
  return (
    <Chart
      label="Runs that ended, by half hours of the last day"
      times={times}
      series={series}
      empty="No run has ended in the last day. This fills as runs end."
      format={short}
      onRange={({ fromMs, toMs }) =>
        void navigate({
          to: "/runs",
          search: { since: new Date(fromMs).toISOString(), until: new Date(toMs).toISOString(), parent: "all" },
        })
      }
    />
  );
}

function Cost({ buckets }: { readonly buckets: Buckets }): ReactNode {
  const times = useMemo(() => timesOf(buckets), [buckets]);
  const series = useMemo(
    (): readonly Series[] => [{ label: "US dollars", accent: "violet", look: "bars", values: buckets.map(({ costUsd }) => costUsd) }],
    [buckets],
  );
  return (
    <Chart
      label="US dollars, by half hours of the last day"
      times={times}
      series={series}
      empty="Nothing was spent in the last day. This fills as models with a known price answer."
      format={dollars}
    />
  );
}

const NEXT = 6;

function NextSchedules(): ReactNode {
  const schedules = useQuery(schedulesQuery);
  return (
    <Panel title="Next to start" actions={<More to="/schedules">All schedules</More>}>
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

function Health(): ReactNode {
  const health = useQuery(healthQuery);
  return (
    <Panel title="Health" actions={<More to="/settings/health">Why, and what to do</More>}>
      <Queried query={health}>
        {({ components }) => (
          <ul className="-my-2 grid gap-x-6 sm:grid-cols-2 lg:grid-cols-1">
            {components.map(({ name, status, reason }) => (
              <li key={name} className="flex items-center gap-2 border-b border-line/60 py-2 text-[13px]" title={reason}>
                <span className="min-w-0 grow truncate">{name}</span>
                <Badge accent={HEALTH_ACCENT[status]}>{status}</Badge>
              </li>
            ))}
          </ul>
        )}
      </Queried>
    </Panel>
  );
}
