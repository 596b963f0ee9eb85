import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheckBig } from "lucide-react";
import type { ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { More } from "./more.tsx";
import { failuresQuery } from "./queries.ts";

/** The newest runs that failed, and why. */
export function LatestFailures(): ReactNode {
  const failures = useQuery(failuresQuery);
  return (
    <Panel
      title="Errors"
      actions={
        <More to="/runs" search={{ status: "failed", parent: "all" }}>
          All that failed
        </More>
      }
    >
      <Queried query={failures}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={CircleCheckBig} title="No run has failed">
              The newest that did stand here, with the code of the error.
            </Empty>
          ) : (
            <ul className="-my-2 flex flex-col">
              {all.map(({ run: { id, workflow, endedAt }, error }) => (
                <li key={id} className="border-b border-line/60 last:border-0">
                  <Link to="/runs/$runId" params={{ runId: id }} className="block rounded-md py-2 text-[13px] hover:bg-ground-2">
                    <span className="flex items-center gap-2">
                      <Badge accent="red">{error?.code ?? "failed"}</Badge>
                      <span className="min-w-0 grow truncate font-medium" dir="auto">
                        {workflow}
                      </span>
                      <span className="shrink-0 text-xs text-ink-3">{endedAt !== null && <Moment at={endedAt} />}</span>
                    </span>
                    {error !== undefined && (
                      <span className="block truncate pt-0.5 text-xs text-ink-2" dir="auto">
                        {error.message}
                      </span>
                    )}
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Queried>
    </Panel>
  );
}
