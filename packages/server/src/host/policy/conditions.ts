import type { Action, Json } from "@tutti/core";
import type { RunFacts } from "@tutti/core/policy";
import { fieldCheck, inRange } from "./field-test.ts";
import { anyNamePattern, namePattern } from "./name-pattern.ts";
import { jsonPointer } from "./pointer.ts";
import { POLICY_BOUNDS, type Match, type Range, type When } from "./rule-schema.ts";
import { timeWindow } from "./time-window.ts";
import { any, ConditionError, listOf, shown, type Condition, type Path, type Verdict } from "./verdict.ts";

/** What a rule is about, as conditions. A rule that names no kind is about calls of tools. */
export function matchConditions({ kind, tool, resource, effect, source }: Match): readonly Condition[] {
  const kinds = new Set<string>(listOf(kind ?? "tool.call"));
  const conditions: Condition[] = [
    { wants: `kind is ${[...kinds].join(" or ")}`, test: (action) => kinds.has(action.kind), got: (action) => action.kind },
  ];
  const got = ({ resource: name }: Action): string => name;
  if (tool !== undefined) {
    const fits = anyNamePattern(listOf(tool));
    const test = (action: Action): boolean => action.kind === "tool.call" && fits(action.resource);
    conditions.push({ wants: `tool is ${listOf(tool).join(" or ")}`, test, got });
  }
  if (resource !== undefined) {
    const fits = anyNamePattern(listOf(resource));
    conditions.push({ wants: `resource is ${listOf(resource).join(" or ")}`, test: (action) => fits(action.resource), got });
  }
  if (effect !== undefined) {
    const effects = new Set<string>(listOf(effect));
    conditions.push(ofTool(`the tool's effect is ${[...effects].join(" or ")}`, (facts) => effects.has(facts.effect)));
  }
  if (source !== undefined) {
    const fits = anyNamePattern(listOf(source));
    conditions.push(ofTool(`the tool is from ${listOf(source).join(" or ")}`, (facts) => fits(facts.source)));
  }
  return conditions;
}

type ToolFacts = NonNullable<NonNullable<Action["facts"]>["tool"]>;

function ofTool(wants: string, test: (tool: ToolFacts) => boolean): Condition {
  return {
    wants,
    test: ({ kind, facts }) => {
      if (kind !== "tool.call") return false;
      return facts?.tool === undefined ? undefined : test(facts.tool);
    },
    got: ({ facts }) => (facts?.tool === undefined ? "nothing is known of the tool" : `${facts.tool.effect}, from ${facts.tool.source}`),
  };
}

/** What has to hold besides, as conditions. Throws `ConditionError`; `path` is where `when` stands. */
export function whenConditions(when: When, path: Path, depth = 0): readonly Condition[] {
  if (depth > POLICY_BOUNDS.depthMax) throw new ConditionError(path, `nested at most ${POLICY_BOUNDS.depthMax} deep`);
  return [
    ...Object.entries(when.input ?? {}).map(([pointer, test]) => inputCondition(pointer, test, [...path, "input", pointer])),
    ...principalConditions(when.principal ?? {}),
    ...(when.time === undefined ? [] : [timeCondition(when.time, [...path, "time"])]),
    ...runConditions(when.run ?? {}),
    ...(when.any_of === undefined
      ? []
      : [anyOf(when.any_of.map((one, index) => whenConditions(one, [...path, "any_of", index], depth + 1)))]),
    ...(when.not === undefined ? [] : [not(whenConditions(when.not, [...path, "not"], depth + 1))]),
  ];
}

function anyOf(groups: readonly (readonly Condition[])[]): Condition {
  return {
    wants: `one of: ${groups.map(textOf).join(" | ")}`,
    test: (action) => any(groups.map((group) => verdictOf(group, action))),
    got: (action) => groups.map((group) => gotOf(group, action)).join(" | "),
  };
}

function not(group: readonly Condition[]): Condition {
  return {
    wants: `not (${textOf(group)})`,
    test: (action) => {
      const verdict = verdictOf(group, action);
      return verdict === undefined ? undefined : !verdict;
    },
    got: (action) => gotOf(group, action),
  };
}

/** Whether all of some conditions hold. */
export function verdictOf(conditions: readonly Condition[], action: Action): Verdict {
  let result: Verdict = true;
  for (const condition of conditions) {
    const verdict = condition.test(action);
    if (verdict === false) return false;
    if (verdict === undefined) result = undefined;
  }
  return result;
}

function textOf(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? "anything" : conditions.map(({ wants }) => wants).join(" and ");
}

function gotOf(conditions: readonly Condition[], action: Action): string {
  return conditions.map(({ got }) => got(action)).join(", ");
}

function inputCondition(pointer: string, test: NonNullable<When["input"]>[string], path: Path): Condition {
  const read = jsonPointer(pointer);
  const check = fieldCheck(test, path);
  return {
    wants: `input ${pointer === "" ? "(whole)" : pointer} ${wordsOf(test)}`,
    test: ({ input }) => (input === undefined ? undefined : check(read(input))),
    got: ({ input }) => (input === undefined ? "the input is not known" : shown(read(input))),
  };
}

function wordsOf(test: object): string {
  return Object.entries(test)
    .map(([key, value]) => `${WORDS[key] ?? key} ${shown(value as Json)}`)
    .join(" and ");
}

const WORDS: Readonly<Record<string, string>> = { min: "at least", max: "at most", one_of: "one of" };

function principalConditions({ id, role, tenant }: NonNullable<When["principal"]>): readonly Condition[] {
  const conditions: Condition[] = [];
  const add = (what: string, names: string | string[] | undefined, read: (action: Action) => readonly string[]): void => {
    if (names === undefined) return;
    const fits = anyNamePattern(listOf(names));
    conditions.push({
      wants: `${what} is ${listOf(names).join(" or ")}`,
      test: (action) => read(action).some(fits),
      got: (action) => read(action).join(", ") || "none",
    });
  };
  add("principal", id, ({ principal }) => [principal.id]);
  add("role", role, ({ principal }) => principal.roles);
  add("tenant", tenant, ({ principal }) => [principal.tenant]);
  return conditions;
}

function timeCondition(window: NonNullable<When["time"]>, path: Path): Condition {
  const isIn = timeWindow(window, path);
  return {
    wants: `the time is ${wordsOf(window)}`,
    test: ({ facts }) => (facts === undefined ? undefined : isIn(facts.at)),
    got: ({ facts }) => facts?.at ?? "the time is not known",
  };
}

function runConditions({ workflow, calls, tokens, cost_usd: costUsd, tainted }: NonNullable<When["run"]>): readonly Condition[] {
  const conditions: Condition[] = [];
  if (workflow !== undefined) {
    const fits = anyNamePattern(listOf(workflow));
    conditions.push(
      ofRun(`the workflow is ${listOf(workflow).join(" or ")}`, { test: (run) => fits(run.workflow), got: (run) => run.workflow }),
    );
  }
  for (const [pattern, range] of Object.entries(calls ?? {})) {
    const fits = namePattern(pattern);
    const count = (run: RunFacts): number => Object.entries(run.calls).reduce((sum, [tool, made]) => sum + (fits(tool) ? made : 0), 0);
    conditions.push(amount(`calls of ${pattern} so far`, range, count));
  }
  if (tokens !== undefined) conditions.push(amount("tokens so far", tokens, (run) => run.tokens));
  if (costUsd !== undefined) conditions.push(amount("dollars so far", costUsd, (run) => run.costUsd));
  if (tainted !== undefined) conditions.push(taintCondition(tainted));
  return conditions;
}

function taintCondition(tainted: boolean | string | readonly string[]): Condition {
  const got = (run: RunFacts): string => run.tainted.join(", ") || "nothing";
  if (typeof tainted === "boolean") {
    const wants = tainted ? "the run has read untrusted content" : "the run has read nothing untrusted";
    return ofRun(wants, { test: (run) => run.tainted.length > 0 === tainted, got });
  }
  const fits = anyNamePattern(listOf<string>(tainted));
  return ofRun(`the run has read from ${listOf<string>(tainted).join(" or ")}`, { test: (run) => run.tainted.some(fits), got });
}

function amount(what: string, range: Range, read: (run: RunFacts) => number): Condition {
  const fits = inRange(range);
  return ofRun(`${what} ${wordsOf(range)}`, { test: (run) => fits(read(run)), got: (run) => String(read(run)) });
}

/** What happens outside of a run has no history, so a condition on that cannot be told. */
function ofRun(
  wants: string,
  { test, got }: { readonly test: (run: RunFacts) => boolean; readonly got: (run: RunFacts) => string },
): Condition {
  return {
    wants,
    test: ({ facts }) => (facts?.run === undefined ? undefined : test(facts.run)),
    got: ({ facts }) => (facts?.run === undefined ? "nothing is known of the run" : got(facts.run)),
  };
}
