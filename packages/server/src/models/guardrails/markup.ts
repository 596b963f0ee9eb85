/* oxlint-disable no-control-regex -- They are what is looked for. */
/** What stands where something was taken out. */
const HIDDEN = "[hidden text removed]";
/** So many tags of one text are looked at. */
const TAGS_MAX = 20_000;

/** Terminal codes (ECMA-48): cursors, colours, titles, links; and the other control characters that are no white space. */
const TERMINAL =
  /[\u001b\u009b](?:\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)|\[?[0-?]{0,64}[ -/]{0,16}[@-~])|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Words that begin a turn where conversations are written as text. */
const ROLE = /^([ \t>#*_]{0,8})(system|assistant|user|human|developer|tool)([*_]{0,3}[ \t]{0,3}):/gim;

/** Tokens and tags by which chat templates mark turns. */
const TOKENS = /<(\|[a-z_]{1,30}\|)>|<(\/?(?:system|assistant|user|instructions?)(?:[_-]prompt)?)>|\[(\/?INST)\]|<<(\/?SYS)>>/gi;

/** Pictures that whoever shows the text would fetch: their URLs carry away what a model writes into them. */
const PICTURE = /!\[([^\]\n]{0,500})\](?:\([^)\n]{0,4000}\)|\[[^\]\n]{0,200}\])/g;

const TAG = /<([a-z][a-z0-9-]{0,20})\b([^<>]{0,2000})>/gi;
/** Elements that nobody sees, by their attributes. White space is gone from what this is held against. */
const UNSEEN =
  /display:none|visibility:hidden|opacity:0(?![.\d])|font-size:0(?!\.?\d)|(?:^|;|"|')color:(?:transparent|#fff(?:fff)?\b|white)|\bhidden\b|aria-hidden=["']?true/i;
const UNSEEN_ELEMENTS: ReadonlySet<string> = new Set(["script", "style", "template", "noscript"]);

/** A text as people would see it, and what was taken out. */
export interface Cleaned {
  readonly text: string;
  readonly found: readonly string[];
}

const STEPS: readonly (readonly [what: string, clean: (text: string) => string])[] = [
  ["terminal codes", (text) => text.replaceAll(TERMINAL, "")],
  ["comments that nobody sees", withoutComments],
  ["elements that nobody sees", withoutUnseen],
  ["pictures from elsewhere", (text) => text.replaceAll(PICTURE, (_, words: string) => `[picture: ${words}]`)],
];

/** Takes out of a text from outside what a person would not see or what would act by being shown. Linear in the text. */
export function cleanMarkup(text: string): Cleaned {
  const found: string[] = [];
  let clean = text;
  for (const [what, step] of STEPS) {
    const next = step(clean);
    if (next !== clean) found.push(what);
    clean = next;
  }
  return { text: clean, found };
}

/** Writes what begins a turn in conversations so that it begins none. */
export function cleanTurns(text: string): Cleaned {
  const plain = text.replaceAll(
    TOKENS,
    (_, ...words: readonly unknown[]) => `‹${words.find((word) => typeof word === "string") as string}›`,
  );
  const kept = plain.replaceAll(ROLE, "$1‹$2›$3:");
  return { text: kept, found: kept === text ? [] : ["words that begin a turn"] };
}

/** A comment that does not end hides the rest. */
function withoutComments(text: string): string {
  let clean = "";
  let from = 0;
  for (let start = text.indexOf("<!--"); start >= 0; start = text.indexOf("<!--", from)) {
    const end = text.indexOf("-->", start + 4);
    clean += `${text.slice(from, start)}${HIDDEN}`;
    from = end < 0 ? text.length : end + 3;
  }
  return from === 0 ? text : clean + text.slice(from);
}

function withoutUnseen(text: string): string {
  if (!text.includes("<")) return text;
  const lower = text.toLowerCase();
  const ends = new Map<string, number>();
  let clean = "";
  let from = 0;
  let seen = 0;
  for (const match of text.matchAll(TAG)) {
    seen += 1;
    if (seen > TAGS_MAX) break;
    const name = (match[1] ?? "").toLowerCase();
    if (match.index < from) continue;
    if (name === "img") {
      clean += `${text.slice(from, match.index)}[picture]`;
      from = match.index + match[0].length;
    } else if (UNSEEN_ELEMENTS.has(name) || UNSEEN.test((match[2] ?? "").replaceAll(/\s+/g, " ").replaceAll(/ ?([:;=]) ?/g, "$1"))) {
      clean += `${text.slice(from, match.index)}${HIDDEN}`;
      from = endOf(lower, { name, after: match.index + match[0].length, ends });
    }
  }
  return from === 0 ? text : clean + text.slice(from);
}

/** Where an element ends; one that does not end hides its tag only. Each name's next end is looked for once. */
function endOf(
  lower: string,
  { name, after, ends }: { readonly name: string; readonly after: number; readonly ends: Map<string, number> },
): number {
  const close = `</${name}>`;
  const known = ends.get(name) ?? -1;
  const at = known >= after ? known : lower.indexOf(close, after);
  ends.set(name, at < 0 ? Number.POSITIVE_INFINITY : at);
  return at < 0 || at === Number.POSITIVE_INFINITY ? after : at + close.length;
}
