/** Texts longer than this are shown as they are (UTF-16 code units). */
const LENGTH_MAX = 200_000;
/** Pairs of these marks are sought in a paragraph, which takes the square of their number. */
const MARKS = /[*_[\]!`<~]/g;
const MARKS_MAX = 1_000;
/** A line that opens more quotes and lists than anybody means to: each is drawn within the one before. */
const DEEP = /^(?:[ \t]*(?:>|[-*+](?=[ \t>])|\d{1,9}[.)](?=[ \t]))){40}/m;
const FENCED = /^(`{3,}|~{3,}).*\n[^]*?(?:^\1|$(?![^]))/gm;

/** Whether a text would hold the page up, or break it, if it were read as markdown; a model or a tool may have been made to write it so. */
export function isHardMarkdown(text: string): boolean {
  if (text.length > LENGTH_MAX || DEEP.test(text)) return true;
  const paragraphs = text.replace(FENCED, "").split(/\n[ \t]*\n/);
  return paragraphs.some((paragraph) => (paragraph.match(MARKS)?.length ?? 0) > MARKS_MAX);
}
