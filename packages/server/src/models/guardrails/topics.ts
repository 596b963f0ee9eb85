import { AppError } from "@tutti/core";
import { RE2JS } from "re2js";
import { boundOf, type Finder } from "./finder.ts";
import type { TopicRules } from "./guard-config.ts";

/** A larger pattern is refused. RE2 counts the instructions it compiles to. */
const PATTERN_SIZE_MAX = 2_000;
/** The longest thing that a pattern finds in an answer: so much is held back of it. */
const PATTERN_CHARACTERS_MAX = 120;

/** Finders of words and patterns. `isStreamed`: in answers, where a pattern has to have an end. */
export function topicFinders(rules: TopicRules, guard: string, isStreamed: boolean): readonly Finder[] {
  const words = rules.words ?? [];
  const patterns = (rules.patterns ?? []).map((source, index) => patternFinder(source, `${guard}, pattern ${index + 1}`, isStreamed));
  return words.length === 0 ? patterns : [wordFinder(words), ...patterns];
}

/** Whether a text has one of the words or patterns. */
export function hasTopic(finders: readonly Finder[], text: string): boolean {
  return finders.some((finder) => finder.next(text, 0) !== undefined);
}

const SPACES_MAX = 4;

/** Words and phrases, whole and in any case; any white space stands for a space. */
function wordFinder(words: readonly string[]): Finder {
  const escaped = words.map((word) =>
    word
      .trim()
      .split(/\s+/)
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`))
      .join(`\\s{1,${SPACES_MAX}}`),
  );
  // Longer ones first, so that a phrase is found before its first word is.
  const pattern = new RegExp(
    `(?<![\\p{L}\\p{N}_])(?:${escaped.toSorted((a, b) => b.length - a.length).join("|")})(?![\\p{L}\\p{N}_])`,
    "giu",
  );
  const charactersMax = Math.max(...words.map((word) => word.length + SPACES_MAX * (word.match(/\s/g)?.length ?? 0)));
  return {
    what: "a word",
    next(text, from) {
      pattern.lastIndex = from;
      const match = pattern.exec(text);
      return match === null ? undefined : { start: match.index, foundAt: match.index, end: match.index + match[0].length };
    },
    decidedUntil: (text, from) => boundOf(text, from, charactersMax),
  };
}

function patternFinder(source: string, where: string, isStreamed: boolean): Finder {
  const pattern = compile(source, where);
  if (isStreamed && isEndless(source)) {
    throw new AppError(
      "invalid_config",
      `wanted a pattern with an end in the guardrail ${where}, because answers are searched while they arrive, got ${source}; write {0,50} in place of * and +`,
    );
  }
  const longest = isStreamed ? PATTERN_CHARACTERS_MAX : Number.POSITIVE_INFINITY;
  return {
    what: where.slice(where.indexOf(", ") + 2),
    next(text, from) {
      const matcher = pattern.matcher(text);
      for (let at = from; at <= text.length && matcher.find(at); at = matcher.start() + 1) {
        const [start, end] = [matcher.start(), matcher.end()];
        if (end > start && end - start <= longest) return { start, foundAt: start, end };
      }
      return undefined;
    },
    decidedUntil: (text, from) => boundOf(text, from, longest),
  };
}

/** Whether a pattern repeats without a bound: `*`, `+` or `{n,}` outside of a character class. */
function isEndless(source: string): boolean {
  const bare = source.replaceAll(/\\Q[\s\S]*?(?:\\E|$)|\\./g, "x").replaceAll(/\[\^?\]?(?:\[:\w+:\]|[^\]])*\]/g, "x");
  return /[*+]|\{\d+,\}/.test(bare);
}

function compile(source: string, where: string): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError("invalid_config", `wanted a regular expression in RE2 syntax in the guardrail ${where}: ${why}`, { cause: error });
  }
  if (pattern.programSize() <= PATTERN_SIZE_MAX) return pattern;
  throw new AppError(
    "invalid_config",
    `wanted a regular expression of at most ${PATTERN_SIZE_MAX} instructions in the guardrail ${where}, got ${pattern.programSize()}; repeat less`,
  );
}
