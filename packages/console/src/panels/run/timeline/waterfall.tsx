import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronRight } from "lucide-react";
import {
  memo,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  type RefObject,
} from "react";
import { cx } from "../../../parts/class-names.ts";
import { KindIcon, StateIcon } from "../../../parts/kinds.tsx";
import { focusRowAt } from "../../../parts/rows.tsx";
import { useSize } from "../../../parts/use-size.ts";
import { visible } from "../../../parts/visible.ts";
import { duration } from "../../../parts/words.ts";
import { Axis } from "./axis.tsx";
import { Bars } from "./bars.tsx";
import type { TimelineRow } from "./rows.ts";
import { ticksOf, type Tick } from "./ticks.ts";
import type { TimeWindow } from "./time-window.ts";
import { useTimePointer, type Viewing } from "./use-time-window.ts";

const ROW_PX = 28;
/** The head stands over the rows and takes room within what scrolls. */
const HEAD_PX = 32;
const OVERSCAN = 10;
const INDENT_PX = 14;
const PAGE_ROWS = 15;
const TRACKS = "grid-cols-[minmax(9rem,22rem)_minmax(8rem,1fr)_6rem]";

/** Until it is known how wide the bars are. */
const NARROW = { width: 200, height: 32 };

interface WaterfallProps {
  readonly rows: readonly TimelineRow[];
  readonly whole: TimeWindow;
  readonly viewing: Viewing;
  /** The id of a row. */
  readonly selected: string | undefined;
  readonly onSelect: (row: TimelineRow) => void;
  readonly onToggle: (row: TimelineRow) => void;
  readonly empty: ReactNode;
}

/**
 * Any number of steps as bars over time, of which only those in sight are drawn. Arrow keys move and open (WAI-ARIA's treegrid,
 * https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/), Enter selects; Shift and the arrows move in time, + and - zoom.
 */
export function Waterfall({ rows, whole, viewing, selected, onSelect, onToggle, empty }: WaterfallProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const { element: bars, size } = useSize<HTMLDivElement>(NARROW);
  const ticks = useMemo(() => ticksOf(viewing.window, size.width), [viewing.window, size.width]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollPaddingEnd: HEAD_PX,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  // One line can be reached with Tab: the selected one, or, when it is out of sight, the first in sight.
  const inSight = items.find(({ start }) => start >= (virtual.scrollOffset ?? 0)) ?? items[0];
  const stop = items.find(({ index }) => rows[index]?.id === selected) ?? inSight;
  const isDragEnd = useTimePointer({ box, bars, whole, viewing });
  useReveal(selected, rows, (index) => virtual.scrollToIndex(index, { align: "auto" }));
  const focusRow = (index: number): void => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    focusRowAt(box.current, to, () => virtual.scrollToIndex(to));
  };
  const onKey = (event: KeyboardEvent): void => {
    const at = indexOf(event.target);
    const row = rows[at];
    if (row === undefined || !act(event, { row, at, rows, viewing, focusRow, onSelect, onToggle })) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = ({ target }: MouseEvent): void => {
    const row = rows[indexOf(target)];
    if (row === undefined || isDragEnd()) return;
    if ((target as HTMLElement).closest("[data-toggle]")) onToggle(row);
    else onSelect(row);
  };
  return (
    <div
      ref={box}
      role="treegrid"
      aria-label="Steps over time"
      aria-rowcount={rows.length + 1}
      onKeyDown={onKey}
      onClick={onClick}
      className="panel relative min-h-64 grow overflow-auto"
      tabIndex={rows.length === 0 ? 0 : -1}
    >
      <Head ticks={ticks} bars={bars} />
      {rows.length === 0 && (
        <div role="row">
          <div role="gridcell">{empty}</div>
        </div>
      )}
      <div role="rowgroup" className="relative min-w-[25rem]" style={{ height: virtual.getTotalSize() }}>
        <Ticks ticks={ticks} />
        {items.map(({ index, start, key }) => (
          <Line
            key={key}
            {...{ index, start }}
            row={rows[index] as TimelineRow}
            window={viewing.window}
            isSelected={rows[index]?.id === selected}
            isStop={index === stop?.index}
          />
        ))}
      </div>
    </div>
  );
}

/** Brings the selected row into sight when another one is selected, and when the page opens. */
function useReveal(selected: string | undefined, rows: readonly TimelineRow[], scroll: (index: number) => void): void {
  const reveal = useEffectEvent((id: string) => {
    const index = rows.findIndex((row) => row.id === id);
    if (index >= 0) scroll(index);
  });
  const isThere = selected !== undefined && rows.length > 0;
  useEffect(() => {
    if (!isThere) return;
    // When the page opens, the height of what scrolls is known one frame later.
    const frame = requestAnimationFrame(() => reveal(selected));
    return () => cancelAnimationFrame(frame);
  }, [selected, isThere]);
}

function Head({ ticks, bars }: { readonly ticks: readonly Tick[]; readonly bars: RefObject<HTMLDivElement | null> }): ReactNode {
  return (
    <div role="rowgroup" className="sticky top-0 z-10 min-w-[25rem] border-b border-line bg-ground-2">
      <div role="row" className={cx("grid h-8 items-center text-[11px] font-semibold text-ink-2", TRACKS)}>
        <span role="columnheader" className="px-3">
          Step
        </span>
        <div role="columnheader" aria-label="Time" ref={bars} className="h-full min-w-0">
          <Axis ticks={ticks} />
        </div>
        <span role="columnheader" className="px-3 text-end">
          Took
        </span>
      </div>
    </div>
  );
}

interface Acting {
  readonly row: TimelineRow;
  readonly at: number;
  readonly rows: readonly TimelineRow[];
  readonly viewing: Viewing;
  readonly focusRow: (index: number) => void;
  readonly onSelect: (row: TimelineRow) => void;
  readonly onToggle: (row: TimelineRow) => void;
}

/** Does what a key asks for; false when it asks for nothing here. */
function act(event: KeyboardEvent, acting: Acting): boolean {
  const { row, at, rows, viewing, focusRow, onSelect, onToggle } = acting;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const keys: Readonly<Record<string, () => void>> = event.shiftKey
    ? { ArrowLeft: viewing.earlier, ArrowRight: viewing.later, "+": viewing.zoomIn }
    : {
        Enter: () => onSelect(row),
        " ": () => onSelect(row),
        ArrowRight: () => (row.isOpen === false ? onToggle(row) : focusRow(at + 1)),
        ArrowLeft: () =>
          row.isOpen === true ? onToggle(row) : focusRow(rows.findLastIndex(({ depth }, index) => index < at && depth < row.depth)),
        ArrowDown: () => focusRow(at + 1),
        j: () => focusRow(at + 1),
        ArrowUp: () => focusRow(at - 1),
        k: () => focusRow(at - 1),
        PageDown: () => focusRow(at + PAGE_ROWS),
        PageUp: () => focusRow(at - PAGE_ROWS),
        Home: () => focusRow(0),
        End: () => focusRow(rows.length - 1),
        "+": viewing.zoomIn,
        "=": viewing.zoomIn,
        "-": viewing.zoomOut,
        "0": viewing.showAll,
      };
  const chosen = keys[event.key];
  chosen?.();
  return chosen !== undefined;
}

function indexOf(target: EventTarget): number {
  return Number((target as HTMLElement).closest<HTMLElement>("[data-index]")?.dataset["index"] ?? Number.NaN);
}

/** The axis' lines behind all rows. */
function Ticks({ ticks }: { readonly ticks: readonly Tick[] }): ReactNode {
  return (
    <div aria-hidden className={cx("pointer-events-none absolute inset-0 grid", TRACKS)}>
      <div className="relative col-start-2" dir="ltr">
        {ticks.map(({ ms, place }) => (
          <span key={ms} className="absolute inset-y-0 border-l border-line/40" style={{ left: `${place}%` }} />
        ))}
      </div>
    </div>
  );
}

interface LineProps {
  readonly index: number;
  readonly start: number;
  readonly row: TimelineRow;
  readonly window: TimeWindow;
  readonly isSelected: boolean;
  /** Tab comes to one line only; the arrows go on from there. */
  readonly isStop: boolean;
}

const Line = memo(function Line({ index, start, row, window, isSelected, isStop }: LineProps): ReactNode {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-level={row.depth + 1}
      aria-selected={isSelected}
      aria-expanded={row.isOpen}
      data-index={index}
      tabIndex={isStop ? 0 : -1}
      className={cx(
        "absolute inset-x-0 grid cursor-pointer items-center border-b border-line/50 text-[12px] outline-offset-[-2px]",
        TRACKS,
        isSelected ? "bg-ground-3" : "hover:bg-ground-2",
      )}
      style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
    >
      <div role="gridcell" className="flex min-w-0 items-center gap-1.5 pe-2" style={{ paddingInlineStart: 8 + row.depth * INDENT_PX }}>
        <ChevronRight
          aria-hidden
          data-toggle={row.isOpen === undefined ? undefined : ""}
          className={cx(
            "size-3 shrink-0 text-ink-3 transition-transform",
            row.isOpen === true ? "rotate-90" : "rtl:rotate-180",
            row.isOpen === undefined && "invisible",
          )}
        />
        <StateIcon state={row.state} />
        <KindIcon kind={row.kind} />
        <bdi className={cx("truncate", row.type === "step" || row.type === "run" ? "text-ink" : "text-ink-2")} title={visible(row.title)}>
          {visible(row.title)}
        </bdi>
        {row.attempts > 1 && <span className="shrink-0 text-[10px] text-red">{row.attempts} attempts</span>}
        {row.note !== undefined && <span className="shrink-0 text-[10px] text-ink-3">{row.note}</span>}
        {row.isOnPath && <span className="sr-only">on the critical path</span>}
      </div>
      <div role="gridcell" className="relative h-full">
        <Bars row={row} window={window} />
      </div>
      <div role="gridcell" className="truncate px-3 text-end text-ink-2 tabular-nums">
        {duration(row.endMs - row.startMs)}
      </div>
    </div>
  );
});
