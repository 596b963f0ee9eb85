import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useRef, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { cx } from "./class-names.ts";

/** A column: its name, how wide it is (a CSS grid track), and what it shows of a row. */
export interface Column<Row> {
  readonly id: string;
  readonly title: ReactNode;
  readonly width: string;
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => ReactNode;
}

interface RowsProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  /** Must stay the same object as long as the columns do: rows are drawn anew only when they changed. */
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  readonly onOpen?: (row: Row) => void;
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (row: Row) => void;
  /** Called when the end comes near, to read more. */
  readonly onEnd?: () => void;
  readonly empty?: ReactNode;
}

const ROW_PX = 36;
/** Rows that are drawn beyond what is seen. */
const OVERSCAN = 12;
/** Rows from the end at which more is read. */
const NEAR_END = 30;

/**
 * Any number of rows, of which only those in sight are drawn. Arrow keys, Home, End and Page keys move, Enter opens, x selects.
 * Shaped as WAI-ARIA's grid (https://www.w3.org/WAI/ARIA/apg/patterns/grid/), with the focus on rows.
 */
export function Rows<Row>({ label, rows, columns, idOf, onOpen, selected, onSelect, onEnd, empty }: RowsProps<Row>): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: (index) => idOf(rows[index] as Row),
    onChange: ({ range }) => {
      if (range !== null && rows.length > 0 && range.endIndex >= rows.length - NEAR_END) onEnd?.();
    },
  });
  const tracks = columns.map(({ width }) => width).join(" ");
  const focusRow = (index: number): void => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    virtual.scrollToIndex(to);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus());
  };
  const onClick = ({ target }: MouseEvent): void => {
    const row = rows[indexOf(target)];
    if (row !== undefined && !(target as HTMLElement).closest("a,button,input,label")) onOpen?.(row);
  };
  const onKey = (event: KeyboardEvent): void => {
    const at = indexOf(event.target);
    const row = rows[at];
    // Keys that go to something within a row are that thing's own.
    if (row === undefined || (event.target as HTMLElement).dataset["index"] === undefined) return;
    if (event.key === "Enter") onOpen?.(row);
    else if (event.key === "x" || event.key === " ") onSelect?.(row);
    else if (event.key in MOVES) focusRow(at + (MOVES[event.key] ?? 0));
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable={onSelect !== undefined}
      onKeyDown={onKey}
      onClick={onClick}
      className="panel relative min-h-0 grow overflow-auto"
      tabIndex={rows.length === 0 ? 0 : -1}
    >
      <Head columns={columns} tracks={tracks} />
      {rows.length === 0 && (
        <div role="row">
          <div role="gridcell">{empty}</div>
        </div>
      )}
      <div role="rowgroup" className="relative min-w-max" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => (
          <Line
            key={key}
            {...{ index, start, columns, tracks }}
            canOpen={onOpen !== undefined}
            canSelect={onSelect !== undefined}
            row={rows[index] as Row}
            isSelected={selected?.has(String(key)) ?? false}
          />
        ))}
      </div>
    </div>
  );
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

function Head<Row>({ columns, tracks }: { readonly columns: readonly Column<Row>[]; readonly tracks: string }): ReactNode {
  return (
    <div role="rowgroup" className="sticky top-0 z-10 min-w-max border-b border-line bg-ground-2">
      <div role="row" className="grid h-9 items-center px-3 text-[11px] font-semibold text-ink-2" style={{ gridTemplateColumns: tracks }}>
        {columns.map(({ id, title, isNumber }) => (
          <div key={id} role="columnheader" className={cx("truncate pe-3", isNumber && "text-end")}>
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
}

function DrawnLine<Row>({ index, start, row, columns, tracks, isSelected, canOpen, canSelect }: LineProps<Row>): ReactNode {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={canSelect ? isSelected : undefined}
      data-index={index}
      tabIndex={0}
      className={cx(
        "absolute inset-x-0 grid items-center border-b border-line/60 px-3 text-[13px] outline-offset-[-2px]",
        canOpen && "cursor-pointer",
        isSelected ? "bg-ground-3" : "hover:bg-ground-2",
      )}
      style={{ gridTemplateColumns: tracks, height: ROW_PX, transform: `translateY(${start}px)` }}
    >
      {columns.map(({ id, cell, isNumber }) => (
        <div key={id} role="gridcell" className={cx("min-w-0 truncate pe-3", isNumber && "text-end tabular-nums")} dir="auto">
          {cell(row)}
        </div>
      ))}
    </div>
  );
}

const Line = memo(DrawnLine) as typeof DrawnLine;
