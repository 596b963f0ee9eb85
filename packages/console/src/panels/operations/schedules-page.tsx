import { queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ScheduleEntry } from "@tutti/client";
import { CalendarClock } from "lucide-react";
import { useCallback, useMemo, type ReactNode } from "react";
import { Badge, StatusBadge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Page } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { isRunStatus } from "./run-status.ts";
import { whenWords } from "./schedule-draft.ts";
import { ScheduleForm } from "./schedule-form.tsx";
import { ScheduleWindow } from "./schedule-window.tsx";

const EVERY_MS = 5000;
const ACCENTS: Readonly<Record<ScheduleEntry["status"], Accent>> = { active: "green", paused: "yellow", broken: "red" };

/** All schedules. No feed tells of them, so they are read again while somebody looks. */
export const schedulesQuery = queryOptions({
  queryKey: ["schedules"],
  queryFn: ({ signal }) => client.schedules(signal),
  refetchInterval: EVERY_MS,
});

/** What starts by itself: when next, what became of it, and what can be done about it. */
export function SchedulesPage(): ReactNode {
  const { name, form, workflow } = useSearch({ from: "/schedules" });
  const navigate = useNavigate();
  const schedules = useQuery(schedulesQuery);
  const go = useCallback((search: Readonly<Record<string, string>>) => void navigate({ to: "/schedules", search }), [navigate]);
  const open = useCallback((schedule: ScheduleEntry) => go({ name: schedule.name }), [go]);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "schedules new", title: "Make a schedule", group: "Schedules", keys: "+", run: () => go({ form: "new" }) },
      ...(schedules.data ?? []).map((schedule): ShellAction => ({
        id: `schedule ${schedule.name}`,
        title: `Schedule ${schedule.name}`,
        group: "Schedules",
        run: () => open(schedule),
      })),
    ],
    [go, open, schedules.data],
  );
  useActions(actions);
  const chosen = schedules.data?.find((schedule) => schedule.name === name);
  return (
    <Page
      title="Schedules"
      about="What starts by itself: by the calendar, at a fixed distance, or once."
      isFull
      actions={
        <Button tone="primary" onClick={() => go({ form: "new" })}>
          Make a schedule …
        </Button>
      }
    >
      <Queried query={schedules}>
        {(rows) => (
          <Rows label="Schedules" rows={rows} columns={COLUMNS} idOf={(schedule) => schedule.name} onOpen={open} empty={<None />} />
        )}
      </Queried>
      {form === undefined && chosen !== undefined && (
        <ScheduleWindow schedule={chosen} onClose={() => go({})} onEdit={() => go({ name: chosen.name, form: "edit" })} />
      )}
      {form === "new" && <ScheduleForm workflow={workflow} onClose={() => go({})} />}
      {form === "edit" && chosen !== undefined && <ScheduleForm schedule={chosen} onClose={() => go({ name: chosen.name })} />}
    </Page>
  );
}

function None(): ReactNode {
  return (
    <Empty icon={CalendarClock} title="Nothing starts by itself yet">
      Make a schedule here, or in a terminal: <code className="font-mono">tutti schedules create nightly report --cron "30 2 * * *"</code>
    </Empty>
  );
}

const COLUMNS: readonly Column<ScheduleEntry>[] = [
  { id: "status", title: "Status", width: "6rem", cell: ({ status }) => <Badge accent={ACCENTS[status]}>{status}</Badge> },
  { id: "name", title: "Schedule", width: "minmax(9rem, 1fr)", cell: ({ name }) => <span title={name}>{name}</span> },
  { id: "workflow", title: "Starts", width: "minmax(9rem, 1fr)", cell: ({ workflow }) => <span title={workflow}>{workflow}</span> },
  { id: "when", title: "When", width: "minmax(12rem, 1.5fr)", cell: ({ when }) => <span title={whenWords(when)}>{whenWords(when)}</span> },
  { id: "next", title: "Next", width: "8rem", cell: ({ nextAt }) => (nextAt === null ? "never" : <Moment at={nextAt} />) },
  { id: "last", title: "Last run", width: "8rem", cell: ({ last }) => <LastStatus last={last} /> },
  { id: "completed", title: "Completed", width: "6rem", isNumber: true, cell: ({ counts }) => count(counts.completed) },
  { id: "failed", title: "Failed", width: "5rem", isNumber: true, cell: ({ counts }) => count(counts.failed) },
  { id: "missed", title: "Missed", width: "5rem", isNumber: true, cell: ({ counts }) => count(counts.missed) },
];

function LastStatus({ last }: Pick<ScheduleEntry, "last">): ReactNode {
  if (last === null) return "none yet";
  return isRunStatus(last.status) ? <StatusBadge status={last.status} /> : last.status;
}
