import { AppError } from "@tutti/core";
import { RE2JS } from "re2js";
import type { RouteConfig, RuleConfig } from "./route-config.ts";

/** Longer texts are matched by their beginning. RE2 takes linear time, but this runs on the event loop. */
const MATCHED_CHARACTERS_MAX = 16_000;
/** A larger pattern is refused. RE2 counts the instructions it compiles to. */
const PATTERN_SIZE_MAX = 2_000;

/** What the rules of a route say of a text. */
export type RuleVerdict = { readonly rule: RuleConfig; readonly reason: string } | { readonly rule: undefined; readonly reason: string };

/** The rules of a route, compiled. */
export class Rules {
  readonly #rules: readonly { readonly rule: RuleConfig; readonly patterns: readonly RE2JS[] }[];
  readonly #confidenceMin: number;
  readonly #gapMin: number;

  constructor({ name, rules, rulesConfidenceMin, rulesGapMin }: RouteConfig) {
    this.#rules = rules.map((rule) => ({ rule, patterns: rule.matchAny.map((pattern) => compile(pattern, `${name}, rule ${rule.id}`)) }));
    this.#confidenceMin = rulesConfidenceMin;
    this.#gapMin = rulesGapMin;
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** The surest rule that matches, the first of those that are equally sure; none when another target is nearly as likely. */
  judge(text: string): RuleVerdict {
    const read = text.slice(0, MATCHED_CHARACTERS_MAX);
    const matching = this.#rules.filter(({ patterns }) => patterns.some((pattern) => pattern.test(read))).map(({ rule }) => rule);
    const [best, ...others] = matching.toSorted((a, b) => b.confidence - a.confidence);
    if (best === undefined) return { rule: undefined, reason: "no rule matches" };
    if (best.confidence < this.#confidenceMin)
      return { rule: undefined, reason: `rule ${best.id} matches with confidence ${best.confidence}, below ${this.#confidenceMin}` };
    const rival = others.find(({ target }) => target !== best.target);
    if (rival !== undefined && best.confidence - rival.confidence < this.#gapMin)
      return { rule: undefined, reason: `rules ${best.id} and ${rival.id} are too close (${best.confidence} and ${rival.confidence})` };
    return { rule: best, reason: `rule ${best.id} (confidence ${best.confidence}): ${best.reason}` };
  }
}

function compile(source: string, where: string): RE2JS {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new AppError("invalid_config", `wanted a regular expression in RE2 syntax in the model ${where}: ${problem}`, { cause: error });
  }
  if (pattern.programSize() <= PATTERN_SIZE_MAX) return pattern;
  throw new AppError(
    "invalid_config",
    `wanted a regular expression of at most ${PATTERN_SIZE_MAX} instructions in the model ${where}, got ${pattern.programSize()}; repeat less`,
  );
}
