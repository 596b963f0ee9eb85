import type { Shape } from "@tutti/core/shapes";

/** A place in a text. */
export interface Span {
  /** Where the pattern matched. */
  readonly start: number;
  /** What was found, within the match. */
  readonly foundAt: number;
  readonly end: number;
}

/** Where words stand in a text at or after where they were last looked for; `Infinity` when they do not. */
export type Places = Map<string, number>;

/** Finds one kind of thing in a text that may still be arriving. */
export interface Finder {
  readonly what: string;
  /** The first match that begins at or after `from`. `places` remembers, for one text, where words stand: each is looked for once. */
  next(text: string, from: number, places?: Places): Span | undefined;
  /** Whether and how something matches before this place (at least `from`) stays as it is, whatever arrives later. */
  decidedUntil(text: string, from: number): number;
}

/** Patterns look at most so many characters behind and ahead of a match. */
export const LOOK_AROUND = 2;

/** A finder of a shape. */
export function shapeFinder(shape: Shape): Finder {
  const isWithin = characterClass(shape.within);
  const firstBeginning = shape.begins === undefined ? undefined : beginningFinder(shape.begins, shape.decided);
  return {
    what: shape.name,
    next: (text, from, places = new Map()) => nextOf(shape, { text, from, places }),
    decidedUntil(text, from) {
      // A match that begins further back has room for its longest form, and for what stands behind it.
      const bound = boundOf(text, from, shape.charactersMax);
      let start = text.length;
      while (start > bound && isWithin(text.charCodeAt(start - 1))) start -= 1;
      return firstBeginning === undefined || start === text.length ? start : firstBeginning(text, start);
    },
  };
}

/** Matches that begin before this place are there as a whole, with what stands behind them, when none has more than so many characters. */
export function boundOf(text: string, from: number, charactersMax: number): number {
  return Math.max(from, text.length - charactersMax - LOOK_AROUND + 1);
}

/** What is searched, from where, and what is known of it. */
interface Searched {
  readonly text: string;
  readonly from: number;
  readonly places: Places;
}

/** Asked again after every match: a word that is nowhere in the rest must not be looked for in all of it each time. */
function holdsFrom({ text, from, places }: Searched, word: string): boolean {
  const known = places.get(word) ?? -1;
  if (known >= from) return known < Infinity;
  const at = text.indexOf(word, from);
  places.set(word, at < 0 ? Infinity : at);
  return at >= 0;
}

function nextOf({ pattern, begins, holds, realLength }: Shape, searched: Searched): Span | undefined {
  const { text, from } = searched;
  if (holds !== undefined && !holdsFrom(searched, holds)) return undefined;
  if (begins !== undefined && !begins.some((head) => holdsFrom(searched, head))) return undefined;
  pattern.lastIndex = from;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const found = match[1] ?? match[0];
    const foundAt = match.index + match[0].length - found.length;
    const length = realLength === undefined ? found.length : realLength(found);
    if (length > 0) return { start: match.index, foundAt, end: foundAt + length };
    // Another match may begin inside of what was none.
    pattern.lastIndex = match.index + 1;
  }
  return undefined;
}

/** Finds where (from `start` on) a match may begin that is not complete yet; the text's length where none does. */
function beginningFinder(begins: readonly string[], decided: RegExp | undefined): (text: string, start: number) => number {
  const partials = partialsOf(begins);
  return (text, start) => {
    let first = text.length;
    for (const head of begins) {
      let at = text.indexOf(head, start);
      while (at >= 0 && at < first && decided !== undefined && isDecided(decided, text, at)) at = text.indexOf(head, at + 1);
      if (at >= 0 && at < first) first = at;
    }
    for (const partial of partials.get(text.charCodeAt(text.length - 1)) ?? []) {
      if (partial.length <= text.length - start && text.endsWith(partial)) first = Math.min(first, text.length - partial.length);
    }
    return first;
  };
}

/** The first characters of every beginning, by the last of them. */
function partialsOf(begins: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const partials = new Map<number, string[]>();
  for (const head of begins) {
    for (let length = 1; length < head.length; length += 1) {
      const last = head.charCodeAt(length - 1);
      partials.set(last, [...(partials.get(last) ?? []), head.slice(0, length)]);
    }
  }
  return partials;
}

function isDecided(decided: RegExp, text: string, at: number): boolean {
  decided.lastIndex = at;
  return decided.test(text);
}

function characterClass(characters: string): (code: number) => boolean {
  if (characters === "") return () => true;
  const pattern = new RegExp(`[${characters}]`);
  const table = Uint8Array.from({ length: 128 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));
  return (code) => table[code] === 1;
}
