import { AppError } from "@tutti/core";
import { didYouMean } from "@tutti/core/graph";
import type { z } from "zod";
import { problemLine, readPlaced, type PlacedText } from "../../engine/index.ts";
import { POLICY_BOUNDS, POLICY_KEYS, policyFileSchema, readableRule, UNREADABLE_ID, type RuleSpec } from "./rule-schema.ts";
import { compileRules, type RulePlace, type RuleProblem, type ToolPolicy } from "./tool-policy.ts";
import { listOf, shown, type Path } from "./verdict.ts";

/** A file of a policy: its text, and what places in it are called by. */
export interface PolicyText {
  readonly name: string;
  readonly text: string;
}

/** Something wrong in a policy, and where; lines and columns count from 1. */
export interface PolicyProblem {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The line, and a mark under the column. */
  readonly snippet: readonly [line: string, mark: string];
}

/** A policy, or all that is wrong with it. `warnings` are no mistakes, but probably not what was meant. */
export type PolicyReading =
  | { readonly ok: true; readonly policy: ToolPolicy; readonly warnings: readonly PolicyProblem[] }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/** Names of rules that are not in files, so that a decision's rule is always found. */
const RESERVED_IDS: ReadonlySet<string> = new Set([
  "owner",
  "webhook",
  "batches",
  "safe-tools",
  "tools-allow",
  "jail-door",
  "default-deny",
  "policy-error",
  "policy-invalid",
]);

/** Reads a policy's files as one. `tools` are the names of those there are, where that is known. Throws nothing but `AppError`. */
export function readPolicy(texts: readonly PolicyText[], tools?: readonly string[]): PolicyReading {
  const files = texts.map(readFile);
  const rules = files.flatMap((file) => file.rules.map(({ spec, index }) => ({ spec, file, index })));
  const early = [...files.flatMap((file) => file.problems), ...repeated(rules), ...tooMany(rules)];
  const compiled = compileRules(
    rules.map(({ spec }) => spec),
    (index) => [index],
    rules.map(({ file, index }) => file.placeOf(index)),
  );
  if ("hash" in compiled && early.length === 0)
    return { ok: true, policy: compiled, warnings: tools === undefined ? [] : unknownTools(rules, tools) };
  const late = "hash" in compiled ? [] : compiled.map((problem) => placedProblem(problem, rules));
  const order = texts.map(({ name }) => name);
  const all = [...early, ...late].toSorted(
    (a, b) => order.indexOf(a.name) - order.indexOf(b.name) || a.line - b.line || a.column - b.column,
  );
  return { ok: false, problems: all.slice(0, PROBLEMS_MAX) };
}

function placedProblem({ path: [place, ...rest], message }: RuleProblem, rules: readonly PlacedRule[]): PolicyProblem {
  const rule = rules[Number(place)];
  if (rule === undefined) throw new AppError("internal", `wanted a rule at ${String(place)}, got none`);
  const path: Path = ["rules", rule.index, ...rest];
  return rule.file.problem(path, `${nameOf(path)} must be ${message}`);
}

/** The same, from one text; throws `invalid_config` that names every problem, one on each line. */
export function requirePolicy(texts: readonly PolicyText[]): ToolPolicy {
  const reading = readPolicy(texts);
  if (reading.ok) return reading.policy;
  throw new AppError("invalid_config", reading.problems.map(problemText).join("\n"));
}

/** A problem in one line. */
export function problemText(problem: PolicyProblem): string {
  return problemLine(problem, problem.name);
}

interface ReadFile {
  /** Those that can be read; of one that is wrong, what is right of it. */
  readonly rules: readonly { readonly spec: RuleSpec; readonly index: number }[];
  readonly problems: readonly PolicyProblem[];
  readonly problem: (path: Path, message: string, isKey?: boolean) => PolicyProblem;
  /** Where one of the rules stands. */
  readonly placeOf: (index: number) => RulePlace;
}

interface PlacedRule {
  readonly spec: RuleSpec;
  readonly file: ReadFile;
  readonly index: number;
}

function readFile({ name, text }: PolicyText): ReadFile {
  const placed = readPlaced(text);
  const problem: ReadFile["problem"] = (path, message, isKey = false) => {
    const place = placed.place(path, { isKey });
    return { name, ...place, message, snippet: placed.snippet(place) };
  };
  const placeOf = (index: number): RulePlace => ({ name, line: placed.place(["rules", index]).line });
  const empty = { rules: [], problem, placeOf };
  if (placed.faults.length > 0)
    return {
      ...empty,
      problems: placed.faults.map(({ message, ...place }) => ({ name, ...place, message, snippet: placed.snippet(place) })),
    };
  if (placed.value === null || placed.value === undefined)
    return { ...empty, problems: [problem([], "wanted a policy, got an empty file; begin with `version: 1` and `rules: []`")] };
  const parsed = parsedFile(placed);
  if (typeof parsed === "string") return { ...empty, problems: [problem([], parsed)] };
  if (parsed.success) return { ...empty, rules: parsed.data.rules.map((spec, index) => ({ spec, index })), problems: [] };
  const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, placed.value));
  const problems = faults
    .slice(0, PROBLEMS_MAX)
    .map(({ path, message, isKey }) => problem(path, message, isKey))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { ...empty, rules: readableRules(placed.value), problems };
}

function readableRules(value: unknown): ReadFile["rules"] {
  const rules = typeof value === "object" && value !== null && "rules" in value ? value.rules : undefined;
  if (!Array.isArray(rules)) return [];
  return (rules as readonly unknown[]).slice(0, POLICY_BOUNDS.rulesMax).flatMap((rule, index) => {
    const spec = readableRule(rule);
    return spec === undefined ? [] : [{ spec, index }];
  });
}

/** Told at once, at most. */
const PROBLEMS_MAX = 100;

function parsedFile({ value }: PlacedText): ReturnType<typeof policyFileSchema.safeParse> | string {
  try {
    return policyFileSchema.safeParse(value);
  } catch {
    // Aliases that hold themselves, or nesting beyond the stack.
    return `wanted a policy nested at most ${POLICY_BOUNDS.depthMax} deep, got one that has no end`;
  }
}

interface Fault {
  readonly path: Path;
  readonly message: string;
  readonly isKey?: boolean;
}

function faultsOf(issue: z.core.$ZodIssue, root: unknown): readonly Fault[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `${nameOf([...path, key])} is no key of a policy${meant(key)}; wanted ${issue.message}`,
      isKey: true,
    }));
  }
  if (issue.code === "invalid_key")
    return [{ path, message: `${nameOf(path)} must be ${issue.issues[0]?.message ?? issue.message}`, isKey: true }];
  const value = valueAt(root, path);
  if (issue.code === "invalid_union") {
    // Of a list, its items are what is wrong; of anything else, the whole.
    const inside = issue.errors.findLast((errors) => errors.some((error) => error.path.length > 0));
    if (Array.isArray(value) && inside !== undefined)
      return inside.flatMap((error) => faultsOf({ ...error, path: [...issue.path, ...error.path] }, root));
  }
  return [{ path, message: `${nameOf(path)} must be ${issue.message}, got ${shownAny(value)}` }];
}

function meant(key: string): string {
  const near = didYouMean(key, POLICY_KEYS);
  return near === undefined ? "" : `, did you mean ${near}?`;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((part, step) => (part as Record<PropertyKey, unknown> | null | undefined)?.[step], root);
}

function shownAny(value: unknown): string {
  try {
    return value === undefined ? "nothing" : shown(value as never);
  } catch {
    return "a value that holds itself";
  }
}

function nameOf(path: Path): string {
  const name = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return name === "" ? "the policy" : name.replace(/^\./, "");
}

function repeated(rules: readonly PlacedRule[]): readonly PolicyProblem[] {
  const seen = new Set<string>();
  return rules.flatMap(({ spec: { id }, file, index }) => {
    const place: Path = ["rules", index, "id"];
    if (id === UNREADABLE_ID) return [];
    if (RESERVED_IDS.has(id))
      return [file.problem(place, `${nameOf(place)} must be a name of its own, got ${id}, which Tutti's own rule has`)];
    if (seen.has(id)) return [file.problem(place, `${nameOf(place)} must be a name of its own, got ${id} again`)];
    seen.add(id);
    return [];
  });
}

function tooMany(rules: readonly PlacedRule[]): readonly PolicyProblem[] {
  const first = rules[POLICY_BOUNDS.rulesMax];
  if (first === undefined) return [];
  return [first.file.problem(["rules", first.index], `wanted at most ${POLICY_BOUNDS.rulesMax} rules in all files, got ${rules.length}`)];
}

function unknownTools(rules: readonly PlacedRule[], tools: readonly string[]): readonly PolicyProblem[] {
  const known = new Set(tools);
  return rules.flatMap(({ spec, file, index }) =>
    listOf(spec.match.tool ?? [])
      .filter((tool) => !tool.includes("*") && !known.has(tool))
      .map((tool) => {
        const near = didYouMean(tool, tools);
        return file.problem(
          ["rules", index, "match", "tool"],
          `rule ${spec.id} names the tool "${tool}", which is not there${near === undefined ? "" : `; did you mean ${near}?`}`,
        );
      }),
  );
}
