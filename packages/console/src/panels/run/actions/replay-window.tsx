import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { Queried } from "../../../parts/queried.tsx";
import { Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";
import { StoredValue } from "../stored-value.tsx";

/** Runs the workflow again over its log, touching nothing, and says whether it still does the same. */
export function ReplayWindow({ runId, onClose }: { readonly runId: string; readonly onClose: () => void }): ReactNode {
  const replay = useQuery({
    queryKey: ["run", runId, "replay"],
    queryFn: ({ signal }) => client.replayRun(runId, signal),
    gcTime: 0,
    staleTime: 0,
  });
  return (
    <Window
      title="Replay"
      about="The workflow’s code runs over the recorded log; no step is done and nothing is changed."
      isOpen
      onClose={onClose}
    >
      <Queried query={replay}>
        {(verdict) => (
          <div role="status" className="flex flex-col gap-3 text-[13px]">
            <p>
              {verdict.matches ? <Badge accent="green">the same</Badge> : <Badge accent="red">different</Badge>}{" "}
              {verdict.matches
                ? `All ${verdict.steps} recorded steps come again as they were.`
                : `After ${verdict.steps} steps the code does something else.`}
            </p>
            {verdict.matches ? (
              <StoredValue value={verdict.output} label="Output of the replay" />
            ) : (
              <p className="break-words" dir="auto">
                {verdict.reason}
              </p>
            )}
          </div>
        )}
      </Queried>
    </Window>
  );
}
