import { createHash } from "node:crypto";
import { canonicalJson, decide, type Action, type Decision, type Policy } from "@tutti/core";
import {
  compileRule,
  KIND_READINGS,
  looksAtInput,
  speaks,
  verdictOfRule,
  withoutInputKeys,
  type CompiledRule,
  type RuleReading,
} from "./compile-rule.ts";
import { RuleIndex } from "./rule-index.ts";
import type { RuleSpec } from "./rule-schema.ts";
import { ConditionError, type Path } from "./verdict.ts";

/** Where a rule is written; lines count from 1. */
export interface RulePlace {
  readonly name: string;
  readonly line: number;
}

/** Rules told of that are silent, at most. */
const SILENT_SHOWN_MAX = 50;

/** A policy that can be asked. Deciding is pure; what its rules say does not depend on the order in which they are written. */
export class ToolPolicy {
  /** SHA-256 of the rules, in whatever order they are written. */
  readonly hash: string;
  readonly rules: readonly RuleSpec[];
  /** Where each of the rules is written, in their order; none of rules that come from no file. They are no part of the hash. */
  readonly places: readonly RulePlace[];
  /** What its rules say at their kindest where an action's input is not known; none when no rule looks at an input. */
  readonly kindly: readonly Policy[];
  readonly #compiled: readonly CompiledRule[];
  readonly #index: RuleIndex;

  constructor(compiled: readonly CompiledRule[], places: readonly RulePlace[] = []) {
    this.#compiled = compiled;
    this.places = places;
    this.#index = new RuleIndex(compiled);
    this.rules = compiled.map(({ spec }) => spec);
    this.kindly = kindlyOf(compiled);
    const sorted = this.rules.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.hash = createHash("sha256").update(canonicalJson(sorted)).digest("hex");
  }

  /** What its rules say, as one policy of core's `decide`; `undefined` when none speaks. */
  readonly decide = (action: Action): Decision | undefined => decisionOf(this.#index, action);

  /** Whether some rule speaks of actions of a kind, so that they need to be told of what was known. */
  speaksOf(kind: Action["kind"]): boolean {
    return this.#index.has(kind);
  }

  /** What each rule says, asked one after the other: the long way to the same decision. */
  explain(action: Action): RuleSayings {
    const speaking: RuleSaying[] = [];
    const near: RuleSaying[] = [];
    let silent = 0;
    for (const rule of this.#compiled) {
      if (speaks(rule, action)) speaking.push(sayingOf(rule, action));
      else {
        silent += 1;
        if (near.length < SILENT_SHOWN_MAX && rule.conditions[0]?.test(action) !== false) near.push(sayingOf(rule, action));
      }
    }
    const fewestFailed = (a: RuleSaying, b: RuleSaying): number => failedOf(a) - failedOf(b);
    return { speaking, near: near.toSorted(fewestFailed), silent };
  }
}

function kindlyOf(compiled: readonly CompiledRule[]): readonly Policy[] {
  if (!compiled.some(looksAtInput)) return [];
  const index = new RuleIndex(compiled.map(withoutInputKeys));
  return KIND_READINGS.map((reading) => (action) => decisionOf(index, action, reading));
}

function decisionOf(index: RuleIndex, action: Action, reading?: RuleReading): Decision | undefined {
  const [first, ...more] = index.strictest(action, reading);
  if (first === undefined) return undefined;
  if (more.length === 0) return first.decision;
  // Several ask: the terms of all of them hold.
  return decide(
    [first, ...more].map(
      ({ decision }) =>
        () =>
          decision,
    ),
    action,
  );
}

/** What the rules say of an action. */
export interface RuleSayings {
  readonly speaking: readonly RuleSaying[];
  /** Rules about this kind of action that are silent, those first that nearly speak. Not all, when they are many. */
  readonly near: readonly RuleSaying[];
  /** How many are silent. */
  readonly silent: number;
}

/** What one rule says, and why. */
interface RuleSaying {
  readonly id: string;
  readonly effect: Decision["effect"];
  readonly reason: string;
  readonly speaks: boolean;
  /** "unknown": it cannot be told, so a rule that asks or denies speaks and one that allows is silent. */
  readonly holds: "yes" | "no" | "unknown";
  readonly conditions: readonly { readonly wants: string; readonly got: string; readonly holds: "yes" | "no" | "unknown" }[];
}

function sayingOf(rule: CompiledRule, action: Action): RuleSaying {
  const { id, effect, reason } = rule.spec;
  return {
    id,
    effect,
    reason,
    speaks: speaks(rule, action),
    holds: word(verdictOfRule(rule, action)),
    conditions: rule.conditions.map(({ wants, test, got }) => ({ wants, got: got(action), holds: word(test(action)) })),
  };
}

function word(verdict: boolean | undefined): "yes" | "no" | "unknown" {
  if (verdict === undefined) return "unknown";
  return verdict ? "yes" : "no";
}

function failedOf({ conditions }: RuleSaying): number {
  return conditions.filter(({ holds }) => holds !== "yes").length;
}

/** Something wrong with a rule, and where. `message` is what it must be. */
export interface RuleProblem {
  readonly path: Path;
  readonly message: string;
}

/** Compiles rules, or says all that is wrong with them. */
export function compileRules(
  specs: readonly RuleSpec[],
  pathOf: (index: number) => Path,
  places?: readonly RulePlace[],
): ToolPolicy | readonly RuleProblem[] {
  const compiled: CompiledRule[] = [];
  const problems: RuleProblem[] = [];
  for (const [index, spec] of specs.entries()) {
    try {
      compiled.push(compileRule(spec, pathOf(index)));
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      problems.push({ path: error.path, message: error.message });
    }
  }
  return problems.length === 0 ? new ToolPolicy(compiled, places) : problems;
}
