import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Download, Pause, Play, Radio } from "lucide-react";
import { useCallback, useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { useLatest } from "../../latest.ts";
import { Button } from "../../parts/button.tsx";
import { download } from "../../parts/download.ts";
import { Choice, TextField } from "../../parts/fields.tsx";
import { fieldsOf } from "../../parts/json-fields.ts";
import { Page } from "../../parts/page.tsx";
import { Rows, type Column } from "../../parts/rows.tsx";
import { SavedViews } from "../../parts/saved-views.tsx";
import { Empty, Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { count, shortId } from "../../parts/words.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { standsIn } from "../event-text.ts";
import { EventPane } from "./event-pane.tsx";
import { asLines, EVENT_TYPES, fieldOf, summaryOf, type LoggedEvent } from "./logged-event.ts";
import { useLog, type Log } from "./use-log.ts";

/** From so many on, scrolling to the end reads on; a search that finds little reads on only when it is told to. */
const ENDLESS_FROM = 100;
/** A place in the log, as an address has it. */
const POSITION = /^[1-9]\d{0,14}$/;

/** Everything that was journaled, as it happens and as far back as it goes, secrets masked. */
export function EventsPage(): ReactNode {
  const search = useSearch({ from: "/events" });
  const navigate = useNavigate();
  const { type = "", run = "", text = "" } = search;
  const [isFollowing, setFollowing] = useState(true);
  const log = useLog({ type, run, text }, isFollowing);
  const shown = useMemo(() => log.events.filter(({ event }) => standsIn(fieldsOf(event), text)), [log.events, text]);
  const opened = POSITION.test(search["event"] ?? "") ? Number(search["event"]) : undefined;
  const change = (next: Readonly<Record<string, string>>): void =>
    void navigate({ to: "/events", search: { ...search, ...next }, replace: true });
  const open = useLatest((position: string) => change({ event: position }));
  const openRow = useCallback((event: LoggedEvent) => open.current(idOf(event)), [open]);
  const save = (): void => download("tutti-events.jsonl", asLines(shown), "application/x-ndjson");
  const openViews = useRef<() => void>(null);
  useEventActions({ isFollowing, setFollowing, save, log, clear: () => void navigate({ to: "/events" }), openViews });
  return (
    <Page
      title="Events"
      isFull
      actions={
        <>
          <SavedViews
            page="events"
            opener={openViews}
            value={{ type, run, text }}
            onOpen={(value) => void navigate({ to: "/events", search: value })}
          />
          <Button onClick={save} disabled={shown.length === 0}>
            <Download aria-hidden className="size-3.5" />
            Export
          </Button>
          <Button onClick={() => setFollowing(!isFollowing)}>
            {isFollowing ? <Pause aria-hidden className="size-3.5" /> : <Play aria-hidden className="size-3.5" />}
            {isFollowing ? "Pause" : `Follow${log.fresh > 0 ? ` (${count(log.fresh)} new)` : ""}`}
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
        onOpen={openRow}
        {...(shown.length >= ENDLESS_FROM && { onEnd: log.readOlder })}
        {...(opened !== undefined && { selected: new Set([String(opened)]) })}
        empty={
          log.isReading ? (
            <Loading lines={8} />
          ) : (
            <Empty icon={Radio} title="No event is like that yet">
              Start a workflow, or talk to an agent: everything they do appears here.
            </Empty>
          )
        }
      />
      <Foot log={log} shown={shown.length} />
      {opened !== undefined && <EventPane position={opened} onClose={() => change({ event: "" })} />}
    </Page>
  );
}

function Foot({ log: { lookedFrom, isReading, readOlder }, shown }: { readonly log: Log; readonly shown: number }): ReactNode {
  return (
    <p role="status" className="flex flex-wrap items-center gap-3 text-xs text-ink-2">
      {count(shown)} {shown === 1 ? "event" : "events"}
      {lookedFrom > 1 ? ` from position ${count(lookedFrom)} on` : ", from the beginning of the log"}
      {lookedFrom > 1 && (
        <Button onClick={readOlder} isBusy={isReading}>
          Look further back
        </Button>
      )}
    </p>
  );
}

interface ActionParts {
  readonly isFollowing: boolean;
  readonly setFollowing: (isFollowing: boolean) => void;
  readonly save: () => void;
  readonly clear: () => void;
  readonly log: Log;
  readonly openViews: RefObject<(() => void) | null>;
}

function useEventActions({ isFollowing, ...parts }: ActionParts): void {
  const latest = useLatest(parts);
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Events";
    const now = latest.current;
    return [
      {
        id: "follow events",
        title: isFollowing ? "Pause events" : "Follow events",
        group,
        keys: "p",
        run: () => now.setFollowing(!isFollowing),
      },
      { id: "export events", title: "Export these events", group, words: "download save json lines", run: () => latest.current.save() },
      { id: "older events", title: "Look further back", group, words: "older", run: () => latest.current.log.readOlder() },
      { id: "saved events", title: "Saved queries of events", group, words: "views", run: () => latest.current.openViews.current?.() },
      { id: "all events", title: "Events without filters", group, words: "clear", run: () => latest.current.clear() },
    ];
  }, [isFollowing, latest]);
  useActions(actions);
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

const COLUMNS: readonly Column<LoggedEvent>[] = [
  { id: "position", title: "#", width: "5.5rem", cell: ({ position }) => <span className="text-ink-3">{position}</span> },
  { id: "at", title: "When", width: "7.5rem", cell: ({ event }) => <Moment at={fieldOf(event, "at")} /> },
  {
    id: "type",
    title: "Type",
    width: "10rem",
    cell: ({ event }) => <span className="font-mono text-xs text-blue">{fieldOf(event, "type")}</span>,
  },
  {
    id: "run",
    title: "Run",
    width: "9.5rem",
    cell: ({ event }) => (
      <Link to="/runs/$runId" params={{ runId: fieldOf(event, "runId") }} className="font-mono text-xs hover:underline">
        {shortId(fieldOf(event, "runId"))}
      </Link>
    ),
  },
  { id: "what", title: "What", width: "minmax(16rem,1fr)", cell: ({ event }) => <span className="text-ink-2">{summaryOf(event)}</span> },
];
