import { canonicalJson, type Json } from "@tutti/core";
import { compilePattern } from "./pattern.ts";
import { hostOf, isWithin, plainHost } from "./places-of-values.ts";
import { POLICY_BOUNDS, type FieldTest, type Range } from "./rule-schema.ts";
import { all, any, listOf, type Path, type Verdict } from "./verdict.ts";

/** A test of one value that is there. Pure. */
type ValueTest = (value: Json) => Verdict;

/** A test of one field, which may not be there. */
export type FieldCheck = (value: Json | undefined) => Verdict;

/** Compiles what has to hold of a field. Throws `ConditionError` for a pattern that is none; `path` is where the test stands. */
export function fieldCheck(test: FieldTest, path: Path): FieldCheck {
  const { present, each, some, min, max, above, below, ...others } = test;
  const tests = Object.entries(others).flatMap(([key, wanted]) =>
    wanted === undefined ? [] : [valueTest(key as keyof Simple, others, path)],
  );
  if ([min, max, above, below].some((bound) => bound !== undefined)) tests.push(amountTest({ min, max, above, below }));
  if (each !== undefined) tests.push(itemsTest(fieldCheck(each, [...path, "each"]), all));
  if (some !== undefined) tests.push(itemsTest(fieldCheck(some, [...path, "some"]), any));
  return (value) => {
    if (value === undefined) return present === undefined ? undefined : !present && tests.length === 0;
    if (present === false) return false;
    let result: Verdict = true;
    for (const one of tests) {
      const verdict = one(value);
      if (verdict === false) return false;
      if (verdict === undefined) result = undefined;
    }
    return result;
  };
}

type Simple = Pick<FieldTest, "type" | "equals" | "one_of" | "matches" | "contains" | "length" | "host" | "within">;

function valueTest(key: keyof Simple, test: Simple, path: Path): ValueTest {
  switch (key) {
    case "type":
      return typeTest(listOf(test.type ?? []));
    case "equals":
      return equalTest([test.equals ?? null]);
    case "one_of":
      return equalTest(test.one_of ?? []);
    case "matches":
      return patternTest(test.matches ?? [], [...path, "matches"]);
    case "contains":
      return textTest((text) => listOf(test.contains ?? []).some((part) => text.includes(part)));
    case "length":
      return lengthTest(test.length ?? {});
    case "host":
      return hostTest(listOf(test.host ?? []));
    case "within":
      return withinTest(listOf(test.within ?? []));
  }
}

function typeTest(types: readonly string[]): ValueTest {
  const wanted = new Set(types);
  return (value) => wanted.has(typeOf(value)) || (wanted.has("integer") && Number.isInteger(value));
}

/** Another type than that of every wanted value is no answer: nobody said what to think of it. */
function equalTest(values: readonly Json[]): ValueTest {
  const wanted = new Set(values.map(canonicalJson));
  const types = new Set(values.map(typeOf));
  return (value) => (types.has(typeOf(value)) ? wanted.has(canonicalJson(value)) : undefined);
}

function patternTest(sources: string | readonly string[], path: Path): ValueTest {
  const patterns =
    typeof sources === "string"
      ? [compilePattern(sources, path)]
      : sources.map((source, index) => compilePattern(source, [...path, index]));
  return textTest((text) => patterns.some((pattern) => pattern.test(text)));
}

function textTest(holds: (text: string) => boolean): ValueTest {
  return (value) => (typeof value === "string" && value.length <= POLICY_BOUNDS.textCharactersMax ? holds(value) : undefined);
}

function lengthTest(range: Range): ValueTest {
  const fits = inRange(range);
  return (value) => {
    if (typeof value === "string") return fits(value.length);
    if (Array.isArray(value)) return fits(value.length);
    return typeof value === "object" && value !== null ? fits(Object.keys(value).length) : undefined;
  };
}

function hostTest(hosts: readonly string[]): ValueTest {
  const exact = new Set(hosts.filter((host) => !host.startsWith("*.")).map((host) => hostOf(`http://${host}/`) ?? plainHost(host)));
  const parents = hosts.filter((host) => host.startsWith("*.")).map((host) => plainHost(host.slice(1)));
  return (value) => {
    const host = typeof value === "string" && value.length <= POLICY_BOUNDS.textCharactersMax ? hostOf(value) : undefined;
    if (host === undefined) return undefined;
    return exact.has(host) || parents.some((parent) => host.endsWith(parent));
  };
}

function withinTest(folders: readonly string[]): ValueTest {
  return (value) =>
    typeof value === "string" && value.length <= POLICY_BOUNDS.textCharactersMax
      ? any(folders.map((folder) => isWithin(value, folder)))
      : undefined;
}

function amountTest(range: Range): ValueTest {
  const fits = inRange(range);
  return (value) => {
    const amount = amountOf(value);
    return amount === undefined ? undefined : fits(amount);
  };
}

/** A number, or a decimal text that a number holds without loss, as money is often written. */
function amountOf(value: Json): number | undefined {
  if (typeof value === "number") return value;
  const isDecimal = typeof value === "string" && /^-?\d{1,12}(?:\.\d{1,3})?$/.test(value);
  return isDecimal ? Number(value) : undefined;
}

/** Whether a number lies in a range. */
export function inRange({ min = -Infinity, max = Infinity, above = -Infinity, below = Infinity }: Range): (amount: number) => boolean {
  return (amount) => amount >= min && amount <= max && amount > above && amount < below;
}

function itemsTest(check: FieldCheck, combine: (verdicts: Iterable<Verdict>) => Verdict): ValueTest {
  return (value) => (Array.isArray(value) && value.length <= POLICY_BOUNDS.itemsMax ? combine(value.map(check)) : undefined);
}

function typeOf(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
