import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { SupervisedEntry } from "@tutti/client";
import { LifeBuoy, Play, Square } from "lucide-react";
import type { ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";
import { useDoing, useNamedHere } from "../../named-here.ts";
import { client } from "../../server.ts";

const EVERY_MS = 5000;
const ACCENTS: Readonly<Record<SupervisedEntry["status"], Accent>> = {
  running: "green",
  "waiting to restart": "orange",
  "crash loop": "red",
  stopping: "grey",
  broken: "red",
};
/** What is worst stands first. */
const ORDER: readonly SupervisedEntry["status"][] = ["crash loop", "broken", "waiting to restart", "stopping", "running"];

/** Work that is restarted when it fails: how it is, why, and what can be done about it. */
export function SupervisedWork(): ReactNode {
  const supervised = useQuery({ queryKey: ["supervised"], queryFn: ({ signal }) => client.supervised(signal), refetchInterval: EVERY_MS });
  return (
    <div className="flex flex-col gap-3">
      <p className="text-[13px] text-ink-2">
        How each part of the server is stands in{" "}
        <Link to="/settings/$section" params={{ section: "health" }} className="text-blue underline">
          Settings, Health
        </Link>
        .
      </p>
      <Queried query={supervised}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={LifeBuoy} title="Nothing is under supervision">
              Keep a workflow or an agent running: <code className="font-mono">tutti supervisor start NAME WORKFLOW</code>
            </Empty>
          ) : (
            <div className="grid gap-4 lg:grid-cols-2">
              {all
                .toSorted((one, other) => ORDER.indexOf(one.status) - ORDER.indexOf(other.status))
                .map((one) => (
                  <Supervised key={one.name} entry={one} />
                ))}
            </div>
          )
        }
      </Queried>
    </div>
  );
}

function Supervised({ entry }: { readonly entry: SupervisedEntry }): ReactNode {
  const { name, workflow, status, since, error, restarts, failures, restartAt, runId, supervisorId, stuck } = entry;
  return (
    <Panel title={name} actions={<Steering entry={entry} />}>
      <div ref={useNamedHere("work", name)} tabIndex={-1} className="flex flex-col gap-3">
        <Facts
          facts={{
            Status: (
              <>
                <Badge accent={ACCENTS[status]}>{status}</Badge> since <Moment at={since} />
              </>
            ),
            Why: error === null ? undefined : `${error.code}: ${error.message}`,
            "Next start": restartAt === null ? undefined : <Moment at={restartAt} />,
            Workflow: workflow,
            Restarts: `${count(restarts)}, after ${count(failures)} failures`,
            "Run now": runId === null ? "none" : <RunLink id={runId} />,
            Log: <RunLink id={supervisorId} />,
          }}
        />
        {stuck.map((step) => (
          <p key={`${step.step}/${step.attempt}`} className="text-[13px] text-orange" dir="auto">
            {`The step "${step.step}" is stuck (attempt ${step.attempt}): ${step.message}`}
          </p>
        ))}
        {status === "crash loop" && (
          <p className="text-[13px] text-ink-2">It failed too often in a short time and is left alone. Mend the cause, then resume it.</p>
        )}
      </div>
    </Panel>
  );
}

function Steering({ entry: { name, status } }: { readonly entry: SupervisedEntry }): ReactNode {
  const queries = useQueryClient();
  const [doing, setDoing] = useDoing("work", name);
  const readAgain = (): Promise<void> => queries.invalidateQueries({ queryKey: ["supervised"] });
  const resuming = useAction({
    mutationFn: () => client.resumeSupervised(name),
    onSuccess: async () => {
      await readAgain();
      say(`${name} is started again`);
    },
    onError: complain,
  });
  return (
    <>
      {(status === "crash loop" || status === "waiting to restart") && (
        <Button isBusy={resuming.isPending} onClick={() => resuming.mutate()}>
          <Play aria-hidden className="size-3.5" />
          {status === "crash loop" ? "Resume" : "Start now"}
        </Button>
      )}
      {status !== "stopping" && (
        <Button tone="quiet" onClick={() => setDoing("stop")}>
          <Square aria-hidden className="size-3.5" />
          Stop …
        </Button>
      )}
      <Confirm
        title={`Stop ${name}?`}
        about="Its run is cancelled, and nobody restarts it. It can be put under supervision again."
        verb="Stop"
        done={`${name} is being stopped`}
        isDangerous
        reason="wanted"
        isOpen={doing === "stop" && status !== "stopping"}
        onClose={() => setDoing(undefined)}
        act={async (reason) => {
          await client.stopSupervised(name, reason);
          await readAgain();
        }}
      />
    </>
  );
}
