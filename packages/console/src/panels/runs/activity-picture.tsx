import { useQuery } from "@tanstack/react-query";
import { useMemo, type ReactNode } from "react";
import { Chart, type Series } from "../../parts/chart.tsx";
import { count } from "../../parts/words.ts";
import { activityQuery } from "./queries.ts";
import { searchOf, type RunFilters, type TimeFilter } from "./run-filters.ts";

const HEIGHT_PX = 96;

interface PictureProps {
  readonly filters: RunFilters;
  readonly onTime: (time: TimeFilter) => void;
}

/** How many runs started and failed when, whatever the other filters. Drawing over a span of time shows only its runs. */
export function ActivityPicture({ filters, onTime }: PictureProps): ReactNode {
  const { data: activity } = useQuery(activityQuery(filters));
  const [times, series] = useMemo((): readonly [readonly number[], readonly Series[]] => {
    const buckets = activity?.buckets ?? [];
    return [
      buckets.map(({ start }) => Date.parse(start) / 1000),
      [
        { label: "Started", accent: "blue", look: "bars", values: buckets.map(({ started }) => drawn(started)) },
        { label: "Failed", accent: "red", look: "bars", values: buckets.map(({ failed }) => drawn(failed)) },
      ],
    ];
  }, [activity]);
  const total = series.map(
    ({ label, values }) => `${count(values.reduce<number>((sum, value) => sum + (value ?? 0), 0))} ${label.toLowerCase()}`,
  );
  return (
    <div className="panel hidden px-2 pt-1 sm:block">
      <p className="px-1 text-[11px] text-ink-2">
        {activity === undefined ? "Reading …" : `${whichRuns(filters)}: ${total.join(", ")}. Draw over a span of time to see its runs.`}
      </p>
      <Chart
        label="Runs started and failed"
        times={times}
        series={series}
        empty={activity === undefined ? "" : "No run started in this time. This fills as runs start."}
        format={count}
        heightPx={HEIGHT_PX}
        isSmall
        onRange={({ fromMs, toMs }) =>
          onTime({ type: "between", since: new Date(fromMs).toISOString(), until: new Date(toMs).toISOString() })
        }
      />
    </div>
  );
}

/** The picture knows of time only, and of the runs that other runs started. */
function whichRuns({ time, ...others }: RunFilters): string {
  const { parent, ...filters } = searchOf({ ...others, time: { type: "any" } });
  const when = time.type === "any" ? "All runs of the last day" : "All runs of this time";
  if (Object.keys(filters).length > 0) return `${when}, whatever the other filters`;
  return parent === "all" ? when : `${when}, child runs too`;
}

/** A bar of nothing would be a line. */
function drawn(number: number): number | null {
  return number === 0 ? null : number;
}
