import { useQuery, useQueryClient } from "@tanstack/react-query";
import { COUNTED_APPROVALS_MAX, type LiveOverview } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { useLive } from "../../feed.ts";
import { Sparkline } from "../../parts/sparkline.tsx";
import { Stat } from "../../parts/stat.tsx";
import { count, countUpTo, dollars, short } from "../../parts/words.ts";
import { useThrottled } from "../../throttled.ts";
import { activityQuery, whatChanges } from "./queries.ts";

/** A busy server tells of changes all the time; they are read this often. */
const READ_AGAIN_MS = 3_000;

/** How much runs, waits, fails and costs; each number leads to what it counts. */
export function Counters(): ReactNode {
  const now = useCounters();
  const { data: activity } = useQuery(activityQuery);
  const buckets = activity?.buckets ?? [];
  const sum = (of: (bucket: (typeof buckets)[number]) => number): number => buckets.reduce((total, bucket) => total + of(bucket), 0);
  const failed = sum((bucket) => bucket.failed);
  const ended = sum(({ completed, cancelled }) => completed + cancelled) + failed;
  return (
    <div className="grid grid-cols-2 gap-4 md:grid-cols-3 xl:grid-cols-6">
      <Stat
        to="/runs"
        search={{ status: "running", parent: "all" }}
        label="Running"
        value={now === undefined ? "…" : count(now.runs.running)}
        accent="blue"
        about={now && `${count(now.runs.queued)} queued`}
      />
      <Stat
        to="/runs"
        search={{ status: "waiting", parent: "all" }}
        label="Waiting"
        value={now === undefined ? "…" : count(now.runs.waiting)}
        accent="orange"
        about={now && `${countUpTo(now.approvals, COUNTED_APPROVALS_MAX)} for people`}
      />
      <Stat
        to="/events"
        label="Started, last minute"
        value={now === undefined ? "…" : count(now.lastMinute.started)}
        about={now && `${short(now.lastMinute.events)} events`}
      />
      <Stat
        to="/runs"
        search={{ last: "24h", parent: "all" }}
        label="Runs, last day"
        value={short(sum(({ started }) => started))}
        accent="green"
        about="child runs too"
        picture={<Sparkline accent="green" values={buckets.map(({ started }) => started)} />}
      />
      <Stat
        to="/runs"
        search={{ status: "failed", last: "24h", parent: "all" }}
        label="Failed, last day"
        value={short(failed)}
        accent={failed > 0 ? "red" : "grey"}
        about={ended === 0 ? "no run has ended" : `${((100 * failed) / ended).toFixed(1)} % of those that ended`}
        picture={<Sparkline accent="red" values={buckets.map((bucket) => bucket.failed)} />}
      />
      <Stat
        to="/data"
        search={{ by: "model", days: "7" }}
        label="Cost, last day"
        value={dollars(sum(({ costUsd }) => costUsd))}
        about={`${short(sum(({ inputTokens, outputTokens }) => inputTokens + outputTokens))} tokens`}
        picture={<Sparkline accent="violet" values={buckets.map(({ costUsd }) => costUsd)} />}
      />
    </div>
  );
}

/** The counters of the live feed. When they change, what else the overview shows is read again too, a few seconds apart at the most. */
function useCounters(): LiveOverview | undefined {
  const [now, setNow] = useState<LiveOverview>();
  const queries = useQueryClient();
  const readAgain = useThrottled(() => {
    for (const { queryKey } of whatChanges()) void queries.invalidateQueries({ queryKey });
  }, READ_AGAIN_MS);
  useLive(
    { topic: "overview" },
    {
      onStart: readAgain,
      onData: (news) => {
        setNow(news);
        readAgain();
      },
    },
  );
  return now;
}
