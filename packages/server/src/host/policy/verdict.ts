import type { Action, Json } from "@tutti/core";

/** Whether a condition holds: `undefined` when that cannot be told, because a field is missing or is of another type than the condition wants. */
export type Verdict = boolean | undefined;

/** One condition of a rule. `test` is pure. */
export interface Condition {
  /** What is wanted, for people. */
  readonly wants: string;
  readonly test: (action: Action) => Verdict;
  /** What there is instead, for people; called only to explain. */
  readonly got: (action: Action) => string;
}

/** Where something stands in a policy. */
export type Path = readonly (string | number)[];

/** A condition that cannot be compiled, and where it stands. `message` is what it must be. */
export class ConditionError extends Error {
  override readonly name = "ConditionError";
  readonly path: Path;

  constructor(path: Path, message: string) {
    super(message);
    this.path = path;
  }
}

/** All hold. One that does not is enough to know. */
export function all(verdicts: Iterable<Verdict>): Verdict {
  let result: Verdict = true;
  for (const verdict of verdicts) {
    if (verdict === false) return false;
    if (verdict === undefined) result = undefined;
  }
  return result;
}

/** One holds. One that does is enough to know. */
export function any(verdicts: Iterable<Verdict>): Verdict {
  let result: Verdict = false;
  for (const verdict of verdicts) {
    if (verdict === true) return true;
    if (verdict === undefined) result = undefined;
  }
  return result;
}

/** One thing or a list of some, as a list. */
export function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

const SHOWN_CHARACTERS_MAX = 80;

/** A value in a line of text, cut. */
export function shown(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
