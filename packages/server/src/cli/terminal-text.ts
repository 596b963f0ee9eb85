import { stripVTControlCharacters } from "node:util";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Everything that can move the cursor, change the terminal's state or reorder what is read: C0, DEL, C1, separators and bidi marks. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

/** East Asian wide and fullwidth characters (UAX #11). JavaScript has no property for the width, so scripts and blocks stand in. */
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Script=Tangut}\u3000-\u303E\u30A0-\u30FF\u31F0-\u32FF\u3300-\u33FF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]/u;
const HALFWIDTH_HANGUL = /^[\uFFA0-\uFFDC]/;
const EMOJI = /\p{Emoji_Presentation}|\uFE0F|\u20E3/u;
const MARKS_ONLY = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/**
 * A text from data as one line that is safe to print: escape sequences are gone, white space is one blank, and whatever else could act
 * on a terminal stands as "\uFFFD". Names, messages and values come from tools, models and mails, so nothing is printed without this.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ")
    .replaceAll(UNPRINTABLE, "\uFFFD");
}

/** The same for a text of several lines, whose line ends stay. */
export function printableLines(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/).map(printable);
}

/** How many terminal columns a printable text takes; escape sequences for colour take none. */
export function columnsOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  // Most of what is printed is ASCII, which needs no segmentation.
  if (/^[\x20-\x7E]*$/.test(plain)) return plain.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(plain)) columns += columnsOfGrapheme(segment);
  return columns;
}

/** The text cut to at most `columns`, with `ellipsis` where something is missing. */
export function cut(text: string, columns: number, ellipsis = "…"): string {
  if (columnsOf(text) <= columns) return text;
  const room = columns - columnsOf(ellipsis);
  if (room < 0) return "";
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += columnsOfGrapheme(segment);
    if (used > room) break;
    kept += segment;
  }
  return kept + ellipsis;
}

/** The text cut and filled with blanks to exactly `columns`. */
export function fit(text: string, columns: number, ellipsis = "…"): string {
  const short = cut(text, columns, ellipsis);
  return short + " ".repeat(Math.max(0, columns - columnsOf(short)));
}

function columnsOfGrapheme(grapheme: string): number {
  if (MARKS_ONLY.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  return WIDE.test(grapheme) && !HALFWIDTH_HANGUL.test(grapheme) ? 2 : 1;
}
