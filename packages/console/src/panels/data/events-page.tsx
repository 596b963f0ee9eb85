import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Json } from "@tutti/core";
import { Pause, Play, Radio } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useLive } from "../../feed.ts";
import { Button } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import { Page } from "../../parts/page.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { SavedViews } from "../../parts/saved-views.tsx";
import { Empty } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { shortId } from "../../parts/words.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { client } from "../../server.ts";
import { EVENT_TYPES, matches, summaryOf, type LoggedEvent } from "./logged-event.ts";

/** Events that are kept in the page; older ones are read from their run. */
const KEPT_MAX = 5000;
/** Events before now that the page begins with. */
const FIRST = 500;

/** Everything that was journaled, as it happens, secrets masked. */
export function EventsPage(): ReactNode {
  const search = useSearch({ from: "/events" });
  const navigate = useNavigate();
  const { type = "", run = "", text = "" } = search;
  const [isFollowing, setFollowing] = useState(true);
  const { events, fresh } = useLog({ type, run }, isFollowing);
  const shown = useMemo(() => events.filter((event) => matches(event, text)), [events, text]);
  const [opened, setOpened] = useState<LoggedEvent>();
  const change = (next: Readonly<Record<string, string>>): void =>
    void navigate({ to: "/events", search: { ...search, ...next }, replace: true });
  const actions = useMemo(
    (): readonly ShellAction[] => [
      {
        id: "follow events",
        title: isFollowing ? "Pause events" : "Follow events",
        group: "Events",
        keys: "p",
        run: () => setFollowing(!isFollowing),
      },
    ],
    [isFollowing],
  );
  useActions(actions);
  return (
    <Page
      title="Events"
      isFull
      actions={
        <>
          <SavedViews page="events" value={{ type, run, text }} onOpen={(value) => void navigate({ to: "/events", search: value })} />
          <Button onClick={() => setFollowing(!isFollowing)}>
            {isFollowing ? <Pause aria-hidden className="size-3.5" /> : <Play aria-hidden className="size-3.5" />}
            {isFollowing ? "Pause" : `Follow${fresh > 0 ? ` (${fresh} new)` : ""}`}
          </Button>
        </>
      }
    >
      <Filters search={search} onChange={change} />
      <Rows
        label="Events"
        rows={shown}
        columns={COLUMNS}
        idOf={idOf}
        onOpen={setOpened}
        {...(opened !== undefined && { selected: new Set([idOf(opened)]) })}
        empty={
          <Empty icon={Radio} title="No event is like that yet">
            Start a workflow, or talk to an agent: everything they do appears here.
          </Empty>
        }
      />
      {opened !== undefined && (
        <aside aria-label="The event" className="max-h-[40vh] shrink-0 overflow-y-auto">
          <JsonView value={opened.event} label="event" />
        </aside>
      )}
    </Page>
  );
}

interface FiltersProps {
  readonly search: Readonly<Record<string, string | undefined>>;
  readonly onChange: (next: Readonly<Record<string, string>>) => void;
}

function Filters({ search: { type = "", run = "", text = "" }, onChange: change }: FiltersProps): ReactNode {
  return (
    <div className="flex flex-wrap items-end gap-3">
      <div className="w-48">
        <Choice
          label="Type"
          value={type}
          options={[{ value: "", label: "all" }, ...EVENT_TYPES.map((value) => ({ value, label: value }))]}
          onChange={({ target }) => change({ type: target.value })}
        />
      </div>
      <div className="w-72">
        <TextField label="Run" value={run} spellCheck={false} onChange={({ target }) => change({ run: target.value.trim() })} />
      </div>
      <div className="w-72">
        <TextField label="Text" type="search" value={text} onChange={({ target }) => change({ text: target.value })} />
      </div>
    </div>
  );
}

const idOf = ({ position }: LoggedEvent): string => String(position);
const field = (event: Json, name: string): string => {
  const value =
    typeof event === "object" && event !== null && !Array.isArray(event) ? (event as { readonly [key: string]: Json })[name] : undefined;
  return typeof value === "string" ? value : "";
};

const COLUMNS: readonly Column<LoggedEvent>[] = [
  { id: "position", title: "#", width: "5.5rem", cell: ({ position }) => <span className="text-ink-3">{position}</span> },
  { id: "at", title: "When", width: "7.5rem", cell: ({ event }) => <Moment at={field(event, "at")} /> },
  {
    id: "type",
    title: "Type",
    width: "10rem",
    cell: ({ event }) => <span className="font-mono text-xs text-blue">{field(event, "type")}</span>,
  },
  {
    id: "run",
    title: "Run",
    width: "9.5rem",
    cell: ({ event }) => (
      <Link to="/runs/$runId" params={{ runId: field(event, "runId") }} className="font-mono text-xs hover:underline">
        {shortId(field(event, "runId"))}
      </Link>
    ),
  },
  { id: "what", title: "What", width: "minmax(16rem,1fr)", cell: ({ event }) => <span className="text-ink-2">{summaryOf(event)}</span> },
];

interface LogFilter {
  readonly type: string;
  readonly run: string;
}

/** The newest events, newest first, and how many came while nobody followed. */
function useLog({ type, run }: LogFilter, isFollowing: boolean): { readonly events: readonly LoggedEvent[]; readonly fresh: number } {
  const [log, setLog] = useState<{ readonly events: readonly LoggedEvent[]; readonly later: readonly LoggedEvent[] }>({
    events: [],
    later: [],
  });
  const filter = { ...(type !== "" && { types: [type] }), ...(run !== "" && { runId: run }) };
  useLive(
    { topic: "log", filter },
    {
      onStart: async (_, position) => {
        const page = await client.trustEvents({ after: Math.max(0, position - FIRST), limit: FIRST });
        const wanted = page.events.filter(
          ({ event }) => (type === "" || field(event, "type") === type) && (run === "" || field(event, "runId") === run),
        );
        setLog({ events: wanted.toReversed(), later: [] });
      },
      onData: ({ events }) =>
        setLog((known) => {
          const later = [...events.toReversed(), ...known.later].slice(0, KEPT_MAX);
          return isFollowing ? { events: [...later, ...known.events].slice(0, KEPT_MAX), later: [] } : { ...known, later };
        }),
    },
  );
  const events = useMemo(() => (isFollowing ? [...log.later, ...log.events] : log.events), [log, isFollowing]);
  return { events, fresh: isFollowing ? 0 : log.later.length };
}
