import { line, piece, type Piece, type Style, type Terminal } from "./terminal.ts";
import { columnsOf, cut, fit, printable } from "./terminal-text.ts";

/** One cell; its text may be anything. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

const GAP = "  ";

/** Rows under headings, in columns as wide as what they hold; the last one takes what is left, and every line fits the terminal, where there is one. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], terminal: Terminal): readonly string[] {
  const clean = rows.map((row) => row.map(({ text, style = "plain" }) => piece(printable(text), style)));
  const widths = headings.map((heading, index) => Math.max(columnsOf(heading), ...clean.map((row) => columnsOf(row[index]?.text ?? ""))));
  const head = headings.map((heading): Piece => ({ text: heading, style: "dim" }));
  // A program or a file reads all of it.
  const page = terminal.isTerminal ? terminal : { ...terminal, columns: Infinity };
  return [head, ...clean].map((row) => line(spread(row, widths, page), page));
}

function spread(row: readonly Piece[], widths: readonly number[], { columns }: Terminal): readonly Piece[] {
  // No column takes more than half, so that one long name does not push out the rest.
  const half = Math.floor(columns / 2);
  return row.map(({ text, style }, index) => {
    const isLast = index === row.length - 1;
    const width = Math.min(half, widths[index] ?? 0);
    return { text: isLast ? text : fit(cut(text, width), width) + GAP, style };
  });
}
