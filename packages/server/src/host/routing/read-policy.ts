import { createHash } from "node:crypto";
import { AppError, canonicalJson, type Json } from "@tutti/core";
import type { RE2JS } from "re2js";
import type { z } from "zod";
import { problemLine, readPlaced } from "../../engine/index.ts";
import { compilePattern, type Matchable } from "./matcher.ts";
import { routerPolicySchema, type RouterPolicy, type RouterRule } from "./policy-schema.ts";

/** A router policy that is ready: its patterns are compiled, and its hash says which one it is. */
export interface LoadedPolicy extends Omit<RouterPolicy, "rules" | "models"> {
  readonly rules: readonly LoadedRule[];
  /** Which model answers what, for agents that name none. */
  readonly models: readonly (Matchable & { readonly id: string; readonly model: string; readonly reason: string })[];
  /** SHA-256 of what the file says, however it is written. */
  readonly hash: string;
}

/** A rule with its patterns compiled. */
export interface LoadedRule extends RouterRule {
  readonly patterns: readonly RE2JS[];
}

/** Something wrong in a router policy, and where; lines and columns count from 1. */
interface RouterProblem {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The line, and a mark under the column. */
  readonly snippet: readonly [line: string, mark: string];
}

/** A router policy, or all that is wrong with it in the order of the text. */
type RouterReading =
  | { readonly ok: true; readonly policy: LoadedPolicy }
  | { readonly ok: false; readonly problems: readonly RouterProblem[] };

/** Told at once, at most. */
const PROBLEMS_MAX = 100;

/** Reads the text of a `router_policy.yaml` called `name`. Never throws. */
export function checkRouterPolicy(text: string, name: string): RouterReading {
  const placed = readPlaced(text);
  const problem = (path: Path, message: string, isKey = false): RouterProblem => {
    const place = placed.place(path, { isKey });
    return { name, ...place, message, snippet: placed.snippet(place) };
  };
  if (placed.faults.length > 0)
    return {
      ok: false,
      problems: placed.faults.map(({ message, ...place }) => ({ name, ...place, message, snippet: placed.snippet(place) })),
    };
  const value = placed.value ?? {};
  const result = routerPolicySchema.safeParse(value);
  const repeated = repeatedIds(value).map(({ path, id }) => problem(path, `${nameOf(path)}: wanted an id of its own, got "${id}" again`));
  if (result.success && repeated.length === 0) return { ok: true, policy: loaded(result.data) };
  const issues = (result.error?.issues ?? []).flatMap((issue) =>
    faultsOf(issue).map(({ path, message, isKey }) => problem(path, message, isKey)),
  );
  const problems = [...issues, ...repeated].toSorted((one, other) => one.line - other.line || one.column - other.column);
  return { ok: false, problems: problems.slice(0, PROBLEMS_MAX) };
}

/** The same; throws `invalid_config` that names every problem with its place, one on each line. */
export function readRouterPolicy(text: string, name: string): LoadedPolicy {
  const reading = checkRouterPolicy(text, name);
  if (reading.ok) return reading.policy;
  throw new AppError("invalid_config", reading.problems.map((problem) => problemLine(problem, name)).join("\n"));
}

function loaded(policy: RouterPolicy): LoadedPolicy {
  return {
    ...policy,
    rules: policy.rules.map(withPatterns),
    models: (policy.models ?? []).map(withPatterns),
    hash: createHash("sha256")
      .update(canonicalJson(policy as unknown as Json))
      .digest("hex"),
  };
}

function withPatterns<T extends { readonly match?: string; readonly match_any?: readonly string[] }>(rule: T): T & Matchable {
  return { ...rule, patterns: [...(rule.match === undefined ? [] : [rule.match]), ...(rule.match_any ?? [])].map(compilePattern) };
}

type Path = readonly (string | number)[];

interface Fault {
  readonly path: Path;
  readonly message: string;
  readonly isKey: boolean;
}

function faultsOf(issue: z.core.$ZodIssue): readonly Fault[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code !== "unrecognized_keys") return [{ path, message: `${nameOf(path)}: ${wording(issue.message)}`, isKey: false }];
  return issue.keys.map((key) => ({
    path: [...path, key],
    message: `${nameOf([...path, key])} is no key of a router policy`,
    isKey: true,
  }));
}

function nameOf(path: Path): string {
  const name = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return name === "" ? "the policy" : name.replace(/^\./, "");
}

/** Looked for in what the text holds, so that they are told of beside everything else. */
function repeatedIds(value: unknown): readonly { readonly path: Path; readonly id: string }[] {
  const rules = typeof value === "object" && value !== null && "rules" in value && Array.isArray(value.rules) ? value.rules : [];
  const seen = new Set<string>();
  return (rules as readonly unknown[]).flatMap((rule, index) => {
    const id = typeof rule === "object" && rule !== null && "id" in rule ? rule.id : undefined;
    if (typeof id !== "string") return [];
    if (seen.has(id)) return [{ path: ["rules", index, "id"], id }];
    seen.add(id);
    return [];
  });
}

function wording(message: string): string {
  return /^wanted|^\$/.test(message) ? message : `wanted ${message}`;
}
