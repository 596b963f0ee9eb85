import { RE2JS } from "re2js";
import { POLICY_BOUNDS } from "./rule-schema.ts";
import { ConditionError, type Path } from "./verdict.ts";

/** Compiles a pattern that somebody wrote at `path`: RE2 takes linear time, and the pattern's size is bounded. */
export function compilePattern(source: string, path: Path): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new ConditionError(path, `a regular expression in RE2 syntax (${problem})`);
  }
  if (pattern.programSize() <= POLICY_BOUNDS.patternSizeMax) return pattern;
  throw new ConditionError(
    path,
    `a regular expression of at most ${POLICY_BOUNDS.patternSizeMax} instructions, which this exceeds with ${pattern.programSize()}; repeat less`,
  );
}

/** What every text that an anchored pattern finds begins with; "" when nothing is certain. */
export function literalPrefix(source: string): string {
  if (!source.startsWith("^") || source.includes("|")) return "";
  const literal = /^\^((?:[\w ,:;@/%&=~!"'<>-]|\\[./?*+()[\]{}^$|\\-])*)/.exec(source)?.[1] ?? "";
  const next = source[literal.length + 1];
  // A quantifier takes the last character with it.
  const certain = next !== undefined && "*?{".includes(next) ? literal.replace(/(?:\\.|[^\\])$/, "") : literal;
  return certain.replaceAll(/\\(.)/g, "$1");
}
