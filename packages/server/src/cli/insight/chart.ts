import type { Segment } from "@tutti/core/insight";
import { line, piece, type Style, type Terminal } from "../terminal.ts";
import { columnsOf, fit, printable } from "../terminal-text.ts";
import { drawBar } from "../waterfall/bar.ts";

/** One line of a chart. The label may be anything; `cells` are figures, under the headings. */
export interface ChartRow {
  readonly label: string;
  readonly depth?: number;
  readonly segments: readonly Segment[];
  readonly style: Style;
  readonly cells: readonly string[];
}

/** What a chart is drawn over: ms, or a share of 1. */
export interface ChartOptions {
  readonly durationMs: number;
  readonly headings: readonly string[];
  readonly terminal: Terminal;
}

const LABEL_COLUMNS_MIN = 12;
const LABEL_COLUMNS_MAX = 44;
const LABEL_SHARE = 0.36;
const INDENT_MAX = 6;
const GAP = "  ";

/** Labels, bars over one axis, and figures, in lines that fit the terminal. */
export function chart(rows: readonly ChartRow[], { durationMs, headings, terminal }: ChartOptions): readonly string[] {
  const labels = rows.map((row) => labelOf(row, terminal));
  const share = Math.min(LABEL_COLUMNS_MAX, Math.floor(terminal.columns * LABEL_SHARE));
  const labelColumns = Math.max(LABEL_COLUMNS_MIN, Math.min(share, Math.max(0, ...labels.map(columnsOf))));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map(({ cells }) => columnsOf(cells[column] ?? ""))));
  const cellColumns = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  const columns = Math.max(1, terminal.columns - labelColumns - 1 - cellColumns);
  const ellipsis = terminal.hasUnicode ? "…" : "~";
  const head = piece(" ".repeat(labelColumns + 1 + columns) + inColumns(headings, widths), "dim");
  return [
    ...(headings.length === 0 ? [] : [line([head], terminal)]),
    ...rows.map(({ segments, style, cells }, index) =>
      line(
        [
          piece(`${fit(labels[index] ?? "", labelColumns, ellipsis)} `),
          ...drawBar(segments, { columns, durationMs, hasUnicode: terminal.hasUnicode, style }),
          piece(inColumns(cells, widths)),
        ],
        terminal,
      ),
    ),
  ];
}

/** A bar that stands for a share of 1. */
export function shareSegments(share: number): readonly Segment[] {
  return share > 0 ? [{ style: "work", fromMs: 0, toMs: Math.min(1, share) }] : [];
}

/** A share for people: "4.2 %", "37 %". */
export function percent(share: number): string {
  const parts = share * 100;
  return `${parts !== 0 && Math.abs(parts) < 9.95 ? parts.toFixed(1) : Math.round(parts)} %`;
}

/** "1 run", "2 runs". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Any text as the terminal can show it. */
export function shown(text: string, { hasUnicode }: Terminal): string {
  const clean = printable(text);
  // A terminal that is not UTF-8 would show each byte of other characters as something else.
  return hasUnicode ? clean : clean.replaceAll(/[^\x20-\x7E]/g, "?");
}

/** A heading above what follows. */
export function heading(text: string, note: string, terminal: Terminal): readonly string[] {
  return ["", line([piece(text, "bold"), piece(note === "" ? "" : `  ${shown(note, terminal)}`, "dim")], terminal)];
}

function labelOf({ label, depth = 0 }: ChartRow, terminal: Terminal): string {
  return `${" ".repeat(2 * Math.min(INDENT_MAX, depth))}${shown(label, terminal)}`;
}

function inColumns(cells: readonly string[], widths: readonly number[]): string {
  return widths
    .map((width, column) => GAP + " ".repeat(Math.max(0, width - columnsOf(cells[column] ?? ""))) + (cells[column] ?? ""))
    .join("");
}
