import { LOOK_AROUND, type Finder, type Places, type Span } from "./finder.ts";

/** Changes a text as it arrives. What comes out in all is the same however the text is cut into pieces. */
export interface TextFilter {
  /** What can go on by now. */
  push(text: string): string;
  /** The rest; then another text may come. */
  finish(): string;
}

/** What stands in the place of what was found. */
export type Replace = (found: string, what: string) => string;

/** Replaces what the finders find, the leftmost first. Holds back only what may still become a match. */
export function spanFilter(finders: readonly Finder[], replace: Replace): TextFilter {
  let held = "";
  /** How much of `held` has gone on already, and is only there to be looked at. */
  let from = 0;
  const run = (isLast: boolean): string => {
    const decided = isLast
      ? held.length + 1
      : finders.reduce((least, finder) => Math.min(least, finder.decidedUntil(held, from)), held.length);
    let out = "";
    const search = new Search(finders, held);
    for (let found = search.next(from); found !== undefined && found.span.start < decided; found = search.next(from)) {
      const { span, what } = found;
      out += held.slice(from, span.foundAt) + replace(held.slice(span.foundAt, span.end), what);
      from = span.end;
    }
    const until = Math.max(from, wholeCharacter(held, Math.min(decided, held.length)));
    out += held.slice(from, until);
    held = held.slice(Math.max(0, until - LOOK_AROUND));
    from = Math.min(until, LOOK_AROUND);
    return out;
  };
  return {
    push(text) {
      held += text;
      return run(false);
    },
    finish() {
      const out = run(true);
      held = "";
      from = 0;
      return out;
    },
  };
}

/** Asks each finder once, and again only when something else was found over its place. */
class Search {
  readonly #finders: readonly Finder[];
  readonly #text: string;
  readonly #spans: (Span | "none" | undefined)[];
  readonly #places: Places = new Map();

  constructor(finders: readonly Finder[], text: string) {
    this.#finders = finders;
    this.#text = text;
    this.#spans = finders.map(() => undefined);
  }

  next(from: number): { readonly span: Span; readonly what: string } | undefined {
    let best: { readonly span: Span; readonly what: string } | undefined;
    for (const [index, finder] of this.#finders.entries()) {
      const known = this.#spans[index];
      const span =
        known === undefined || (known !== "none" && known.start < from) ? (finder.next(this.#text, from, this.#places) ?? "none") : known;
      this.#spans[index] = span;
      if (span !== "none" && (best === undefined || span.start < best.span.start)) best = { span, what: finder.what };
    }
    return best;
  }
}

/** The place, or the one before it where it would cut a character in two. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return at > 0 && code >= 0xd8_00 && code < 0xdc_00 ? at - 1 : at;
}

/** One filter after another. */
export function chain(filters: readonly TextFilter[]): TextFilter {
  return {
    push: (text) => filters.reduce((piece, filter) => (piece === "" ? "" : filter.push(piece)), text),
    finish: () => filters.reduce((piece, filter) => (piece === "" ? "" : filter.push(piece)) + filter.finish(), ""),
  };
}

/** A text through a filter, in one piece. */
export function filtered(filter: TextFilter, text: string): string {
  return filter.push(text) + filter.finish();
}

/** Lets so many characters through and none after them; `reached` is called once, when there are more. */
export function lengthFilter(charactersMax: number, reached: () => void): TextFilter {
  let left = charactersMax;
  let held = "";
  return {
    push(text) {
      if (left < 0) return "";
      const all = held + text;
      if (all.length <= left) {
        // A character of two halves goes on when both are there.
        const whole = wholeCharacter(all, all.length);
        held = all.slice(whole);
        left -= whole;
        return all.slice(0, whole);
      }
      const piece = all.slice(0, wholeCharacter(all, left));
      left = -1;
      held = "";
      reached();
      return piece;
    },
    finish() {
      const rest = held;
      held = "";
      left = charactersMax;
      return rest;
    },
  };
}
