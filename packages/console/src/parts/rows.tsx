import { useVirtualizer } from "@tanstack/react-virtual";
import {
  memo,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  type Ref,
} from "react";
import { useLatest } from "../latest.ts";
import { useActions, type ShellAction } from "../shell/actions.ts";
import { cx } from "./class-names.ts";

/** A column: its name, how wide it is (a CSS grid track), and what it shows of a row. */
export interface Column<Row> {
  readonly id: string;
  readonly title: ReactNode;
  readonly width: string;
  readonly isNumber?: boolean;
  /** Left out where the list is narrower than this, so that those that matter more are in sight. */
  readonly fromPx?: number;
  readonly cell: (row: Row) => ReactNode;
}

/** What the owner of a list may ask of it. */
export interface RowsHandle {
  readonly toTop: () => void;
  readonly toEnd: () => void;
  /** Brings a row into sight. */
  readonly show: (id: string) => void;
  /** How far it is scrolled, in px. */
  readonly offset: () => number;
}

interface RowsProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  /** Must stay the same object as long as the columns do: rows are drawn anew only when they changed. */
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  readonly onOpen?: (row: Row) => void;
  readonly selected?: ReadonlySet<string>;
  /** `isRange`: with Shift, so all rows from the one that was selected last are meant. */
  readonly onSelect?: (row: Row, isRange: boolean) => void;
  /** Called when the end comes near, to read more. */
  readonly onEnd?: () => void;
  readonly empty?: ReactNode;
  readonly handle?: Ref<RowsHandle>;
  /** How far it is scrolled at first, in px. */
  readonly initialOffset?: number;
  /** Whether somebody is in the middle of it: scrolled down, pointing at a row or with the keyboard on one. Rows should not move then. */
  readonly onBusy?: (isBusy: boolean) => void;
}

/** Also of the head, which stands over the rows and takes room within what scrolls. */
const ROW_PX = 36;
/** Rows that are drawn beyond what is seen: few while the list rests, because a live one draws them again and again. */
const OVERSCAN = { resting: 3, moving: 12 } as const;
/** Rows from the end at which more is read. */
const NEAR_END = 30;

/**
 * Any number of rows, of which only those in sight are drawn. Arrow keys, Home, End and Page keys move, Enter opens, x selects (X from the
 * last one to here). Shaped as WAI-ARIA's grid (https://www.w3.org/WAI/ARIA/apg/patterns/grid/), with the focus on rows.
 */
export function Rows<Row>(props: RowsProps<Row>): ReactNode {
  const { label, rows, idOf, onOpen, selected, onSelect, onEnd, empty, handle, initialOffset = 0, onBusy } = props;
  const box = useRef<HTMLDivElement>(null);
  const columns = useFitting(box, props.columns);
  const [activeId, setActiveId] = useState("");
  const [isMoving, setMoving] = useState(false);
  const busy = useBusy(box, onBusy);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: isMoving ? OVERSCAN.moving : OVERSCAN.resting,
    scrollPaddingEnd: ROW_PX,
    initialOffset,
    getItemKey: (index) => idOf(rows[index] as Row),
    onChange: ({ range, isScrolling }) => {
      setMoving(isScrolling);
      if (range !== null && rows.length > 0 && range.endIndex >= rows.length - NEAR_END) onEnd?.();
    },
  });
  const items = virtual.getVirtualItems();
  // One row can be reached with Tab: the one that had the keyboard last, or, when it is out of sight, the first in sight.
  const inSight = items.find(({ start }) => start >= (virtual.scrollOffset ?? 0)) ?? items[0];
  const tabIndexOf = items.find(({ key }) => key === activeId)?.index ?? inSight?.index;
  const focusRow = (index: number): void => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    focusRowAt(box.current, to, () => virtual.scrollToIndex(to));
  };
  useFocusKeys(label, () => focusRow(tabIndexOf ?? 0));
  useImperativeHandle(handle, () => ({
    toTop: () => virtual.scrollToOffset(0),
    toEnd: () => virtual.scrollToIndex(rows.length - 1, { align: "end" }),
    show: (id) => virtual.scrollToIndex(placeOf(rows, id, idOf), { align: "center" }),
    offset: () => box.current?.scrollTop ?? 0,
  }));
  return (
    <div
      ref={box}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable={onSelect !== undefined}
      {...rowEvents({ rows, onOpen, onSelect, focusRow })}
      onFocus={({ target }) => setActiveId(idAt(rows[indexOf(target)], idOf))}
      {...busy}
      className="panel relative min-h-0 grow overflow-auto"
      tabIndex={rows.length === 0 ? 0 : -1}
    >
      {/* As wide as the head's columns need: rows have no place in the flow, so alone they would be as wide as the window. */}
      <div className="min-w-max">
        <Head columns={columns} tracks={tracksOf(columns, onSelect !== undefined)} canSelect={onSelect !== undefined} />
        {rows.length === 0 && <NoRow>{empty}</NoRow>}
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start, key }) => (
            <Line
              key={key}
              {...{ index, start, columns }}
              tracks={tracksOf(columns, onSelect !== undefined)}
              canOpen={onOpen !== undefined}
              canSelect={onSelect !== undefined}
              row={rows[index] as Row}
              isSelected={selected?.has(String(key)) ?? false}
              isTabStop={index === tabIndexOf}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** The columns that there is room for. They stay the same object as long as they are the same columns. */
function useFitting<Row>(box: { readonly current: HTMLElement | null }, columns: readonly Column<Row>[]): readonly Column<Row>[] {
  const [fitting, setFitting] = useState(columns);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => {
      const found = columns.filter(({ fromPx = 0 }) => fromPx <= element.clientWidth);
      setFitting((before) => (before.length === found.length && before.every((one, place) => one === found[place]) ? before : found));
    };
    look();
    const watching = new ResizeObserver(look);
    watching.observe(element);
    return () => watching.disconnect();
  }, [box, columns]);
  return fitting;
}

function NoRow({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <div role="row">
      <div role="gridcell">{children}</div>
    </div>
  );
}

/** Gives the keyboard to the row at a place; `scroll` brings it into sight. One that is drawn has it at once, so that the next key goes to it. */
export function focusRowAt(box: HTMLElement | null, index: number, scroll: () => void): void {
  const find = (): HTMLElement | undefined => box?.querySelector<HTMLElement>(`[data-index="${index}"]`) ?? undefined;
  const there = find();
  scroll();
  if (there === undefined) requestAnimationFrame(() => find()?.focus());
  else there.focus({ preventScroll: true });
}

function placeOf<Row>(rows: readonly Row[], id: string, idOf: (row: Row) => string): number {
  return Math.max(
    0,
    rows.findIndex((row) => idOf(row) === id),
  );
}

/** From anywhere on the page j and k lead into the list: to the row that had the keyboard last, or to the first in sight. */
function useFocusKeys(label: string, focus: () => void): void {
  const now = useLatest(focus);
  const actions = useMemo((): readonly ShellAction[] => {
    const [group, run] = [label, () => now.current()];
    return [
      { id: `${label} j`, title: `Go into the list: ${label}`, group, keys: "j", run },
      { id: `${label} k`, title: `Go back into the list: ${label}`, group, keys: "k", run },
    ];
  }, [label, now]);
  useActions(actions);
}

interface EventParts<Row> extends Pick<RowsProps<Row>, "rows"> {
  readonly onOpen: RowsProps<Row>["onOpen"] | undefined;
  readonly onSelect: RowsProps<Row>["onSelect"] | undefined;
  readonly focusRow: (index: number) => void;
}

/** What the mouse and the keyboard do to rows. */
function rowEvents<Row>({ rows, onOpen, onSelect, focusRow }: EventParts<Row>) {
  return {
    onClick({ target, shiftKey }: MouseEvent): void {
      const row = rows[indexOf(target)];
      if (row === undefined) return;
      if (target instanceof HTMLInputElement && target.dataset["select"] !== undefined) onSelect?.(row, shiftKey);
      else if (!(target as HTMLElement).closest("a,button,input,label")) onOpen?.(row);
    },
    onKeyDown(event: KeyboardEvent): void {
      const at = indexOf(event.target);
      const row = rows[at];
      // Keys that go to something within a row are that thing's own.
      if (row === undefined || (event.target as HTMLElement).dataset["index"] === undefined) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter") onOpen?.(row);
      else if (SELECTING.has(event.key)) onSelect?.(row, event.shiftKey);
      else if (event.key in MOVES) focusRow(at + (MOVES[event.key] ?? 0));
      else return;
      event.preventDefault();
    },
  };
}

const SELECTING = new Set(["x", "X", " "]);
/** The place of the box that selects a row. */
const SELECT_TRACK = "1.75rem";

function tracksOf<Row>(columns: readonly Column<Row>[], canSelect: boolean): string {
  return [...(canSelect ? [SELECT_TRACK] : []), ...columns.map(({ width }) => width)].join(" ");
}

function idAt<Row>(row: Row | undefined, idOf: (row: Row) => string): string {
  return row === undefined ? "" : idOf(row);
}

/** Tells when somebody is in the middle of the list, and when no more. */
function useBusy(box: { readonly current: HTMLElement | null }, onBusy: ((isBusy: boolean) => void) | undefined) {
  const state = useRef({ isPointed: false, isFocused: false, isBusy: false });
  if (onBusy === undefined) return {};
  const tell = (change: { readonly isPointed?: boolean; readonly isFocused?: boolean }): void => {
    const now = Object.assign(state.current, change);
    const isBusy = now.isPointed || now.isFocused || (box.current?.scrollTop ?? 0) > ROW_PX;
    if (isBusy === now.isBusy) return;
    now.isBusy = isBusy;
    onBusy(isBusy);
  };
  return {
    onScroll: () => tell({}),
    onMouseEnter: () => tell({ isPointed: true }),
    onMouseLeave: () => tell({ isPointed: false }),
    onFocusCapture: () => tell({ isFocused: true }),
    // From one row to the next the focus stays in the list.
    onBlurCapture: ({ currentTarget, relatedTarget }: FocusEvent) => tell({ isFocused: currentTarget.contains(relatedTarget) }),
  };
}

function indexOf(target: EventTarget): number {
  return Number((target as HTMLElement).closest<HTMLElement>("[data-index]")?.dataset["index"] ?? Number.NaN);
}

const MOVES: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  j: 1,
  ArrowUp: -1,
  k: -1,
  PageDown: 15,
  PageUp: -15,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

interface HeadProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly tracks: string;
  readonly canSelect: boolean;
}

function Head<Row>({ columns, tracks, canSelect }: HeadProps<Row>): ReactNode {
  return (
    <div role="rowgroup" className="sticky top-0 z-10 border-b border-line bg-ground-2">
      <div role="row" className="grid h-9 items-center px-3 text-[11px] font-semibold text-ink-2" style={{ gridTemplateColumns: tracks }}>
        {canSelect && (
          <div role="columnheader">
            <span className="sr-only">Selected</span>
          </div>
        )}
        {columns.map(({ id, title, isNumber }) => (
          <div key={id} role="columnheader" className={cx("truncate", isNumber ? "pe-6 text-end" : "pe-3")}>
            {title}
          </div>
        ))}
      </div>
    </div>
  );
}

interface LineProps<Row> {
  readonly index: number;
  readonly start: number;
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
  readonly tracks: string;
  readonly isSelected: boolean;
  readonly canOpen: boolean;
  readonly canSelect: boolean;
  readonly isTabStop: boolean;
}

function DrawnLine<Row>({ index, start, row, columns, tracks, isSelected, canOpen, canSelect, isTabStop }: LineProps<Row>): ReactNode {
  const line = useRef<HTMLDivElement>(null);
  // The keyboard stops at one row: what stands within the others is reached by going to their row first.
  useLayoutEffect(() => {
    for (const node of line.current?.querySelectorAll<HTMLElement>("a[href],button") ?? []) node.tabIndex = isTabStop ? 0 : -1;
  }, [isTabStop, row, columns]);
  return (
    <div
      ref={line}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={canSelect ? isSelected : undefined}
      data-index={index}
      tabIndex={isTabStop ? 0 : -1}
      className={cx(
        "absolute inset-x-0 grid items-center contain-strict border-b border-line/60 px-3 text-[13px] outline-offset-[-2px]",
        canOpen && "cursor-pointer",
        isSelected ? "bg-ground-3" : "hover:bg-ground-2",
      )}
      style={{ gridTemplateColumns: tracks, height: ROW_PX, transform: `translateY(${start}px)` }}
    >
      {canSelect && (
        <div role="gridcell" className="flex items-center">
          <input type="checkbox" data-select aria-label="Select" tabIndex={-1} checked={isSelected} readOnly className="accent-blue" />
        </div>
      )}
      <Cells row={row} columns={columns} />
    </div>
  );
}

const Line = memo(DrawnLine) as typeof DrawnLine;

/** A cell has the direction of its text, but its edges are those of its column, which are the page's. */
const CELL = "pr-3 rtl:pr-0 rtl:pl-3 rtl:text-right";
const NUMBER_CELL = "pr-6 text-end tabular-nums rtl:pr-0 rtl:pl-6 rtl:text-left";

/** What stands in a row. It stays as it is when the row only moves, as all do when one comes in on top. */
function DrawnCells<Row>({ row, columns }: Pick<LineProps<Row>, "row" | "columns">): ReactNode {
  return columns.map(({ id, cell, isNumber }) => (
    <div key={id} role="gridcell" className={cx("min-w-0 truncate", isNumber ? NUMBER_CELL : CELL)} dir="auto">
      {cell(row)}
    </div>
  ));
}

const Cells = memo(DrawnCells) as typeof DrawnCells;
