import { styleText } from "node:util";
import { columnsOf, cut } from "./terminal-text.ts";

/** What a stream can show. */
export interface Terminal {
  readonly columns: number;
  readonly isTerminal: boolean;
  readonly hasUnicode: boolean;
  readonly hasColour: boolean;
}

/** How a piece of a line looks. */
export type Style = "plain" | "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";

/** One piece of a line; its text is already printable. */
export interface Piece {
  readonly text: string;
  readonly style: Style;
}

/** What is printed when nobody looks: plain text, wide enough that nothing is cut without need. */
const COLUMNS_WITHOUT_TERMINAL = 120;
const COLUMNS_MIN = 20;

/** What `stream` can show. `locale` is what LC_ALL, LC_CTYPE or LANG say; Windows terminals are UTF-8 whatever they say. */
export function terminalOf(stream: NodeJS.WriteStream, locale: string): Terminal {
  return {
    columns: Math.max(COLUMNS_MIN, stream.isTTY ? stream.columns || COLUMNS_WITHOUT_TERMINAL : COLUMNS_WITHOUT_TERMINAL),
    isTerminal: stream.isTTY === true,
    hasUnicode: process.platform === "win32" || /utf-?8/i.test(locale),
    // Node's rule: a terminal, NO_COLOR, NODE_DISABLE_COLORS and FORCE_COLOR decide.
    hasColour: styleText("red", "x", { stream }) !== "x",
  };
}

/** A piece of a line. */
export function piece(text: string, style: Style = "plain"): Piece {
  return { text, style };
}

/** Pieces as one line that is never wider than the terminal. */
export function line(pieces: readonly Piece[], terminal: Terminal): string {
  let room = terminal.columns;
  let text = "";
  for (const { text: whole, style } of pieces) {
    const short = cut(whole, room, terminal.hasUnicode ? "…" : "~");
    room -= columnsOf(short);
    text += paint(short, style, terminal);
    if (short !== whole) break;
  }
  return text.trimEnd();
}

/** The text in a style, where the terminal shows colour. */
export function paint(text: string, style: Style, { hasColour }: Pick<Terminal, "hasColour">): string {
  return !hasColour || style === "plain" || text === "" ? text : styleText(style, text, { validateStream: false });
}
