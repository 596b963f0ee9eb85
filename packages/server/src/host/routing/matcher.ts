import { AppError, type Json } from "@tutti/core";
import { RE2JS } from "re2js";

/** Longer texts are not matched. RE2 takes linear time, but this runs on the event loop. */
export const MATCHED_CHARACTERS_MAX = 64_000;

/** A larger pattern is refused. RE2 counts the instructions it compiles to. */
const PATTERN_SIZE_MAX = 2_000;

const PLACEHOLDER = /\$(?:\$|(?<name>[A-Za-z_]\w*))/g;

/** Something that patterns lead to: a route of an agent, a rule of the router's policy. */
export interface Matchable {
  readonly patterns: readonly RE2JS[];
}

/** A rule that matched; `value` gives what its named groups found, trimmed, and the whole text as `text` where no group is called so. */
export interface Match<T extends Matchable> {
  readonly rule: T;
  readonly value: (name: string) => string;
}

/** Compiles a pattern in RE2 syntax. Throws `invalid_input` with what is wrong in it. */
export function compilePattern(source: string): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    throw new AppError(
      "invalid_input",
      `wanted a regular expression in RE2 syntax: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  if (pattern.programSize() <= PATTERN_SIZE_MAX) return pattern;
  throw new AppError(
    "invalid_input",
    `wanted a regular expression of at most ${PATTERN_SIZE_MAX} instructions, got ${pattern.programSize()}; repeat less`,
  );
}

/** The rules that match, in their order, each by its first pattern that does. Throws `too_large` for a text that is too long to be matched. */
export function* matches<T extends Matchable>(rules: Iterable<T>, message: string): Generator<Match<T>> {
  const text = message.trim();
  if (text.length > MATCHED_CHARACTERS_MAX)
    throw new AppError(
      "too_large",
      `without a model wanted a message of at most ${MATCHED_CHARACTERS_MAX} characters, got ${text.length}; send less, or set TUTTI_MODEL_BASE_URL and TUTTI_MODEL`,
    );
  for (const rule of rules) {
    for (const pattern of rule.patterns) {
      const matcher = pattern.matcher(text);
      if (!matcher.find()) continue;
      const groups = matcher.getNamedGroups();
      yield { rule, value: (name) => groups[name]?.trim() ?? (name === "text" ? text : "") };
      break;
    }
  }
}

/** A copy in which `$name` in every text stands for what `value` gives for it, and `$$` for a dollar sign. */
export function fillTemplate(template: Json, value: (name: string) => string): Json {
  if (typeof template === "string") return fillText(template, value);
  if (template === null || typeof template !== "object") return template;
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, value));
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fillTemplate(item, value)]));
}

/** The names a template asks for. */
export function namesIn(template: Json): readonly string[] {
  const names: string[] = [];
  fillTemplate(template, (name) => {
    names.push(name);
    return "";
  });
  return names;
}

/** What a person reads of an output: the rule's own words, else the output as it is. */
export function answerOf(rule: { readonly answer?: string | undefined }, output: Json): string {
  if (rule.answer === undefined) return typeof output === "string" ? output : JSON.stringify(output);
  return fillText(rule.answer, (name) => {
    const value =
      output !== null && typeof output === "object" && !Array.isArray(output)
        ? (output as { readonly [key: string]: Json })[name]
        : undefined;
    return typeof value === "string" ? value : JSON.stringify(value ?? null);
  });
}

function fillText(text: string, value: (name: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (_, name: string | undefined) => (name === undefined ? "$" : value(name)));
}
