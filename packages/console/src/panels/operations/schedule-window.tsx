import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ScheduleEntry, ScheduleRequest } from "@tutti/client";
import { Pause, Pencil, Play, Trash2, Zap } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Facts } from "../../parts/facts.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { clockTime, count } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { whenWords } from "./schedule-draft.ts";
import { Ticks } from "./ticks.tsx";

interface ScheduleWindowProps {
  readonly schedule: ScheduleEntry;
  readonly onClose: () => void;
  readonly onEdit: () => void;
}

/** One schedule: when it is due, what became of its ticks, and what can be done about it. */
export function ScheduleWindow({ schedule, onClose, onEdit }: ScheduleWindowProps): ReactNode {
  const { name } = schedule;
  const queries = useQueryClient();
  const [asked, setAsked] = useState<"pause" | "delete">();
  const readAgain = (): Promise<void> => queries.invalidateQueries({ queryKey: ["schedules"] });
  return (
    <>
      <Window
        title={name}
        about={`${schedule.workflow}, ${whenWords(schedule.when)}`}
        isOpen
        onClose={onClose}
        isWide
        foot={<Steering schedule={schedule} onEdit={onEdit} onAsk={setAsked} readAgain={readAgain} />}
      >
        <Details schedule={schedule} />
      </Window>
      <Confirm
        title={`Pause ${name}?`}
        about="No tick starts until it is resumed; ticks of a pause are not made up for. Runs under way go on."
        verb="Pause"
        done={`${name} is paused`}
        reason="wanted"
        isOpen={asked === "pause"}
        onClose={() => setAsked(undefined)}
        act={async (reason) => {
          await client.pauseSchedule(name, reason);
          await readAgain();
        }}
      />
      <Confirm
        title={`Delete ${name}?`}
        about="It starts nothing any more. The runs that it has started stay, and go on. Taken back, it begins anew: what it has counted stays with the deleted one."
        verb="Delete"
        done={`${name} is deleted`}
        isDangerous
        reason="wanted"
        isOpen={asked === "delete"}
        onClose={() => setAsked(undefined)}
        act={async (reason) => {
          await client.deleteSchedule(name, reason);
          await readAgain();
          onClose();
        }}
        undo={async () => {
          await client.createSchedule(requestOf(schedule));
          await readAgain();
        }}
      />
    </>
  );
}

/** A schedule's settings, without what became of it. */
function requestOf({
  runId: _run,
  status: _status,
  paused: _paused,
  nextAt: _next,
  last: _last,
  active: _active,
  ...rest
}: ScheduleEntry): ScheduleRequest {
  const { queued: _queued, counts: _counts, misses: _misses, ...request } = rest;
  return request;
}

interface SteeringProps {
  readonly schedule: ScheduleEntry;
  readonly onEdit: () => void;
  readonly onAsk: (asked: "pause" | "delete") => void;
  readonly readAgain: () => Promise<void>;
}

function Steering({ schedule: { name, status }, onEdit, onAsk, readAgain }: SteeringProps): ReactNode {
  const triggering = useAction({
    mutationFn: () => client.triggerSchedule(name),
    onSuccess: async (runId) => {
      await readAgain();
      say(`${name} is triggered`, { detail: `Its run is ${runId}, if its rule for overlaps lets it.` });
    },
    onError: complain,
  });
  const resuming = useAction({
    mutationFn: () => client.resumeSchedule(name),
    onSuccess: async () => {
      await readAgain();
      say(`${name} goes on`);
    },
    onError: complain,
  });
  return (
    <>
      <Button tone="danger" onClick={() => onAsk("delete")}>
        <Trash2 aria-hidden className="size-3.5" />
        Delete …
      </Button>
      <span className="grow" />
      <Button onClick={onEdit}>
        <Pencil aria-hidden className="size-3.5" />
        Edit …
      </Button>
      {status === "paused" ? (
        <Button isBusy={resuming.isPending} onClick={() => resuming.mutate()}>
          <Play aria-hidden className="size-3.5" />
          Resume
        </Button>
      ) : (
        <Button onClick={() => onAsk("pause")}>
          <Pause aria-hidden className="size-3.5" />
          Pause …
        </Button>
      )}
      <Button tone="primary" isBusy={triggering.isPending} onClick={() => triggering.mutate()}>
        <Zap aria-hidden className="size-3.5" />
        Trigger now
      </Button>
    </>
  );
}

const AHEAD = 8;

function Details({ schedule }: { readonly schedule: ScheduleEntry }): ReactNode {
  const { name, when, nextAt, status, paused, last, active, queued, counts, misses, runId, input = null, overlap, catchUp } = schedule;
  const next = useQuery({ queryKey: ["schedules", "next", name, nextAt], queryFn: ({ signal }) => client.nextTicks(name, AHEAD, signal) });
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <div className="flex min-w-0 flex-col gap-4">
        <Facts
          facts={{
            Status: paused === null ? status : `paused since ${clockTime(paused.since)}: ${paused.reason}`,
            "Last run":
              last === null ? (
                "none yet"
              ) : (
                <>
                  <RunLink id={last.runId} /> {`${last.status}, of ${clockTime(last.at)} (${last.why})`}
                </>
              ),
            Error: last?.error === undefined ? undefined : `${last.error.code}: ${last.error.message}`,
            "Under way":
              active.length === 0 ? undefined : (
                <span className="flex flex-wrap gap-2">
                  {active.map((one) => (
                    <RunLink key={one.runId} id={one.runId} />
                  ))}
                </span>
              ),
            Queued: queued === 0 ? undefined : count(queued),
            Ticks: `${count(counts.started)} started, ${count(counts.completed)} completed, ${count(counts.failed)} failed, ${count(counts.cancelled)} cancelled, ${count(counts.missed)} missed`,
            Overlap: overlap,
            "Catch up": catchUp,
            Log: <RunLink id={runId} />,
          }}
        />
        <JsonView value={input} label="the input" openTo={3} />
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <Ticks title="Next ticks" query={next} timeZone={"cron" in when ? (when.timeZone ?? "UTC") : undefined} />
        {misses.length > 0 && (
          <section aria-label="Missed ticks">
            <h3 className="pb-1 text-xs font-semibold text-ink-2">Missed ticks</h3>
            <ul className="flex flex-col text-[13px]">
              {misses.map(({ at, reason }) => (
                <li key={at} className="flex gap-3 border-b border-line/60 py-1">
                  <span className="tabular-nums">{clockTime(at)}</span>
                  <span className="text-ink-2">{reason}</span>
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </div>
  );
}
