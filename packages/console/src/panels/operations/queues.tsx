import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { QueueStatus } from "@tutti/core";
import { Layers } from "lucide-react";
import type { ReactNode } from "react";
import { Facts } from "../../parts/facts.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { count } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { Fill } from "./fill.tsx";

const EVERY_MS = 2000;

/** Every queue: how full it is, of which keys, and how long somebody has waited. */
export function Queues(): ReactNode {
  const queues = useQuery({ queryKey: ["queues"], queryFn: ({ signal }) => client.queues(signal), refetchInterval: EVERY_MS });
  return (
    <Queried query={queues}>
      {(all) =>
        all.length === 0 ? (
          <Empty icon={Layers} title="There are no queues">
            Runs begin at once. Define queues under <code className="font-mono">queues</code> in{" "}
            <code className="font-mono">tutti.yaml</code> to let only so many begin at a time.
          </Empty>
        ) : (
          <div className="grid gap-4 lg:grid-cols-2">
            {all.map((queue) => (
              <Queue key={queue.name} queue={queue} />
            ))}
          </div>
        )
      }
    </Queried>
  );
}

function Queue({ queue }: { readonly queue: QueueStatus }): ReactNode {
  const { name, running, concurrency, queued, queuedMax, concurrencyPerKey, ratePerSecond, workflows, keyBy, oldestAt, keys } = queue;
  return (
    <Panel
      title={name}
      actions={
        <Link
          to="/runs"
          search={{ status: "queued", parent: "all", workflow: workflows?.join(",") }}
          className="text-xs text-blue underline"
        >
          Waiting runs
        </Link>
      }
    >
      <div className="flex flex-col gap-4">
        <Fill label="Running" value={running} max={concurrency} accent="blue" />
        <Fill label="Waiting" value={queued} max={queuedMax} accent="violet" />
        <Facts
          facts={{
            "Waiting since": oldestAt === null ? "nobody waits" : <Moment at={oldestAt} />,
            Workflows: workflows === undefined ? "runs that ask for it" : workflows.join(", "),
            "One key is": keyBy === undefined ? undefined : `the ${keyBy}`,
            "Per key": concurrencyPerKey === undefined ? "no bound of its own" : `${count(concurrencyPerKey)} at once`,
            Rate: ratePerSecond === undefined ? "no bound" : `${ratePerSecond} begin in a second`,
          }}
        />
        {keys.length > 0 && <Keys keys={keys} perKey={concurrencyPerKey} />}
      </div>
    </Panel>
  );
}

function Keys({ keys, perKey }: { readonly keys: QueueStatus["keys"]; readonly perKey: number | undefined }): ReactNode {
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-[13px]">
        <caption className="pb-1 text-start text-xs font-semibold text-ink-2">Fullest keys</caption>
        <thead className="text-[11px] text-ink-3">
          <tr>
            <th scope="col" className="py-1 pe-3 text-start font-medium">
              Key
            </th>
            <th scope="col" className="py-1 pe-3 text-end font-medium">
              Running
            </th>
            <th scope="col" className="py-1 text-end font-medium">
              Waiting
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map(({ key, running, queued }) => (
            <tr key={key} className="border-t border-line/60">
              <th scope="row" className="max-w-48 truncate py-1 pe-3 text-start font-normal" dir="auto">
                {key === "" ? "(none)" : key}
              </th>
              <td className="py-1 pe-3 text-end">{perKey === undefined ? count(running) : `${count(running)} of ${count(perKey)}`}</td>
              <td className="py-1 text-end">{count(queued)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
