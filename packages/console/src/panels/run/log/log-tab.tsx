import type { Event, Json } from "@tutti/core";
import { ArrowDownToLine, Pause, Play, X } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { Button, IconButton } from "../../../parts/button.tsx";
import { cx } from "../../../parts/class-names.ts";
import { JsonView } from "../../../parts/json-view.tsx";
import { Rows, type Column, type RowsHandle } from "../../../parts/rows.tsx";
import { Empty } from "../../../parts/states.tsx";
import { visible } from "../../../parts/visible.ts";
import { clockTime, count, preciseTime, several } from "../../../parts/words.ts";
import { useActions } from "../../../shell/actions.ts";
import type { Address } from "../use-address.ts";
import { eventAccent, eventWords, foundEvents } from "./event-words.ts";

interface LogTabProps {
  readonly events: readonly Event[];
  readonly hasEnded: boolean;
  readonly address: Address;
}

/** A run's events as they come. It can be held still, followed, and looked through. */
export function LogTab({ events, hasEnded, address: { search, change } }: LogTabProps): ReactNode {
  // While it is held, what came before stands still.
  const [heldAt, setHeldAt] = useState<number>();
  const [isFollowing, setFollowing] = useState(!hasEnded && search["seq"] === undefined);
  const type = search["type"] ?? "";
  const text = useDeferredValue(search["text"] ?? "");
  const shown = useMemo(
    () => foundEvents(heldAt === undefined ? events : events.slice(0, heldAt), { type, text }),
    [events, heldAt, type, text],
  );
  const seq = search["seq"];
  const chosen = seq === undefined ? undefined : events.find((event) => String(event.seq) === seq);
  const known = events.length;
  const hold = useCallback(() => setHeldAt((before) => (before === undefined ? known : undefined)), [known]);
  const follow = useCallback(() => setFollowing((before) => !before), []);
  useLogActions({ hold, follow });
  const handle = useRef<RowsHandle>(null);
  useReveal(handle, { seq, isFollowing: isFollowing && heldAt === undefined, count: shown.length });
  const selected = useMemo(() => new Set(seq === undefined ? [] : [seq]), [seq]);
  const onOpen = useCallback(
    (event: Event): void => {
      setFollowing(false);
      change({ seq: String(event.seq) });
    },
    [change],
  );
  return (
    <div className={cx("grid h-full min-h-[28rem] gap-3", chosen !== undefined && "lg:grid-cols-[minmax(0,1fr)_26rem]")}>
      <div className="flex h-[70dvh] min-h-0 min-w-0 flex-col gap-2 lg:h-full">
        <LogTools {...{ events, type, change }} text={search["text"] ?? ""} found={shown.length}>
          {!hasEnded && (
            <>
              <Button onClick={hold}>
                {heldAt === undefined ? <Pause aria-hidden className="size-3.5" /> : <Play aria-hidden className="size-3.5" />}
                {heldAt === undefined ? "Pause" : `Go on (${count(events.length - heldAt)} new)`}
              </Button>
              <Button aria-pressed={isFollowing} onClick={follow} tone={isFollowing ? "primary" : "plain"}>
                <ArrowDownToLine aria-hidden className="size-3.5" />
                Follow
              </Button>
            </>
          )}
        </LogTools>
        <Rows
          label="Log"
          rows={shown}
          columns={COLUMNS}
          idOf={idOf}
          onOpen={onOpen}
          selected={selected}
          handle={handle}
          empty={<Empty title="No event has these words">Choose another type, or look for other words.</Empty>}
        />
      </div>
      {chosen !== undefined && <EventPane event={chosen} change={change} />}
    </div>
  );
}

interface Reveal {
  readonly seq: string | undefined;
  readonly isFollowing: boolean;
  readonly count: number;
}

/** Keeps in sight what is chosen when the page opens or another is chosen, and the end while it is followed. */
function useReveal(handle: RefObject<RowsHandle | null>, { seq, isFollowing, count: length }: Reveal): void {
  useEffect(() => {
    if (seq !== undefined) handle.current?.show(seq);
  }, [seq, handle]);
  useEffect(() => {
    if (isFollowing && length > 0) handle.current?.toEnd();
  }, [isFollowing, length, handle]);
}

const idOf = ({ seq }: Event): string => String(seq);

const COLUMNS: readonly Column<Event>[] = [
  { id: "seq", title: "#", width: "4rem", isNumber: true, cell: ({ seq }) => seq },
  {
    id: "at",
    title: "Time",
    width: "7rem",
    cell: ({ at }) => (
      <time dateTime={at} title={clockTime(at)} className="text-ink-2 tabular-nums">
        {preciseTime(at)}
      </time>
    ),
  },
  { id: "type", title: "Type", width: "10rem", cell: (event) => <Badge accent={eventAccent(event)}>{event.type}</Badge> },
  {
    id: "key",
    title: "Step",
    width: "5rem",
    cell: (event) => <code className="font-mono text-xs text-ink-3">{"key" in event ? event.key : ""}</code>,
  },
  {
    id: "words",
    title: "What happened",
    width: "minmax(16rem,1fr)",
    cell: (event) => <span className="text-ink-2">{visible(eventWords(event))}</span>,
  },
];

interface LogToolsProps {
  readonly events: readonly Event[];
  readonly type: string;
  readonly text: string;
  readonly found: number;
  readonly change: Address["change"];
  readonly children: ReactNode;
}

const BOX = "h-8 rounded-md border border-line-strong bg-ground px-2 text-[13px] text-ink placeholder:text-ink-3";

function LogTools({ events, type, text, found, change, children }: LogToolsProps): ReactNode {
  const types = useMemo(() => [...new Set(events.map((event) => event.type))].toSorted(), [events]);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <select
        aria-label="Type of event"
        value={type}
        onChange={(event) => change({ type: event.target.value === "" ? undefined : event.target.value })}
        className={cx(BOX, "pe-7")}
      >
        <option value="">All types</option>
        {types.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <input
        id="find-event"
        type="search"
        aria-label="Words in the log"
        placeholder="Words in the log"
        dir="auto"
        value={text}
        onChange={(event) => change({ text: event.target.value === "" ? undefined : event.target.value })}
        className={cx(BOX, "min-w-40 grow sm:max-w-80")}
      />
      <span role="status" className="text-xs text-ink-3 tabular-nums">
        {found === events.length ? several(found, "event") : `${count(found)} of ${count(events.length)} events`}
      </span>
      <span className="grow" />
      {children}
    </div>
  );
}

function EventPane({ event, change }: { readonly event: Event; readonly change: Address["change"] }): ReactNode {
  const key = "key" in event && event.key !== "" ? event.key : undefined;
  return (
    <aside aria-label={`Event ${event.seq}`} className="panel flex min-h-0 min-w-0 flex-col gap-3 overflow-y-auto p-4">
      <header className="flex items-center gap-2">
        <h2 className="grow text-sm font-semibold">
          Event {event.seq}: {event.type}
        </h2>
        <IconButton label="Close the event" onClick={() => change({ seq: undefined })}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      <p className="text-xs text-ink-3">{clockTime(event.at)}</p>
      {key !== undefined && (
        <div>
          <Button onClick={() => change({ tab: undefined, span: key, seq: undefined }, "push")}>Show its step</Button>
        </div>
      )}
      <JsonView value={event as unknown as Json} label="Event" openTo={3} />
    </aside>
  );
}

interface LogActs {
  readonly hold: () => void;
  readonly follow: () => void;
}

function useLogActions({ hold, follow }: LogActs): void {
  const actions = useMemo(
    () => [
      { id: "log hold", title: "Pause the log, or go on", group: "Run", keys: "p", run: hold },
      { id: "log follow", title: "Follow the end of the log", group: "Run", keys: "e", run: follow },
      { id: "log find", title: "Find in the log", group: "Run", keys: "f", run: () => document.getElementById("find-event")?.focus() },
    ],
    [hold, follow],
  );
  useActions(actions);
}
