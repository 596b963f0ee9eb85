import { useQuery } from "@tanstack/react-query";
import type { Event, Json } from "@tutti/core";
import { Download } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { download } from "../../parts/download.ts";
import { several } from "../../parts/words.ts";
import { useActions } from "../../shell/actions.ts";
import { recordQuery } from "./queries.ts";
import type { RunFacts } from "./run-facts.ts";

/** The run and its events as the API gives them. */
export function RawTab({ events, facts: { runId } }: { readonly events: readonly Event[]; readonly facts: RunFacts }): ReactNode {
  const record = useQuery(recordQuery(runId));
  const { data: run } = record;
  const actions = useMemo(() => {
    const save = (): void => download(`run-${runId}.json`, JSON.stringify({ run: run ?? null, events }, null, 2));
    return [{ id: "raw download", title: "Download the run and its events", group: "Run", keys: "r d", run: save }];
  }, [runId, run, events]);
  useActions(actions);
  return (
    <div className="flex flex-col gap-4 pb-4">
      <Panel
        title="Run"
        actions={
          <Button onClick={() => actions[0]?.run()}>
            <Download aria-hidden className="size-3.5" />
            Download all as JSON
          </Button>
        }
      >
        <Queried query={record}>{(data) => <JsonView value={data as unknown as Json} label="Run" />}</Queried>
      </Panel>
      <Panel title={several(events.length, "event")}>
        <JsonView value={events as unknown as Json} label="Events" openTo={1} />
      </Panel>
    </div>
  );
}
