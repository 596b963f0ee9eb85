import type { Piece, Style } from "../terminal.ts";
import type { Segment } from "@tutti/core/insight";

/** How a bar is drawn: over how many columns, how many ms they stand for, and with which characters. */
export interface BarOptions {
  readonly columns: number;
  readonly durationMs: number;
  readonly hasUnicode: boolean;
  readonly style: Style;
}

/** Left-aligned eighths of a block, from one to eight. */
const EIGHTHS = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"] as const;

const UNICODE = { lost: "░", wait: "╌" } as const;
const ASCII = { work: "#", lost: "x", wait: "." } as const;

interface Cell {
  readonly text: string;
  readonly style: Style;
}

/** Segments on a time axis, as pieces that take exactly `columns` together. Later segments cover earlier ones. Pure. */
export function drawBar(segments: readonly Segment[], options: BarOptions): readonly Piece[] {
  const cells: Cell[] = Array.from({ length: options.columns }, () => ({ text: " ", style: "plain" }));
  for (const segment of segments) {
    for (const [column, cell] of cellsOf(segment, options)) if (column < cells.length) cells[column] = cell;
  }
  return group(cells);
}

function cellsOf(segment: Segment, options: BarOptions): readonly (readonly [column: number, cell: Cell])[] {
  const eighthsPerMs = options.durationMs > 0 ? (options.columns * 8) / options.durationMs : 0;
  const limit = options.columns * 8;
  const from = Math.min(limit - 1, Math.max(0, Math.round(segment.fromMs * eighthsPerMs)));
  const to = Math.min(limit, Math.max(from + 1, Math.round(segment.toMs * eighthsPerMs)));
  const first = Math.floor(from / 8);
  const last = Math.floor((to - 1) / 8);
  const style = styleOf(segment, options.style);
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const column = first + index;
    const left = Math.max(0, from - column * 8);
    const right = Math.min(8, to - column * 8);
    return [column, { text: glyphOf(segment.style, { left, right }, options.hasUnicode), style }];
  });
}

/** Unicode holds every left-aligned eighth of a block, but of the right-aligned ones only the half and the last eighth. */
function glyphOf(style: Segment["style"], { left, right }: { readonly left: number; readonly right: number }, hasUnicode: boolean): string {
  if (!hasUnicode) return ASCII[style];
  if (style !== "work") return UNICODE[style];
  if (right === 8 && left > 2) return left < 6 ? "▐" : "▕";
  return left < 4 ? (EIGHTHS[right - (left > 2 ? left : 0) - 1] ?? "█") : "▕";
}

function styleOf(segment: Segment, style: Style): Style {
  if (segment.style === "lost") return "red";
  return segment.style === "wait" ? "dim" : style;
}

function group(cells: readonly Cell[]): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const cell of cells) {
    const previous = pieces.at(-1);
    if (previous?.style === cell.style) pieces[pieces.length - 1] = { text: previous.text + cell.text, style: cell.style };
    else pieces.push(cell);
  }
  return pieces;
}
