import { canonicalJson } from "@tutti/core";
import type { RuleSpec } from "./rule-schema.ts";
import type { ToolPolicy } from "./tool-policy.ts";

/** What differs between the rules of two policies; their order does not matter. */
export interface PolicyDifference {
  readonly added: readonly RuleSpec[];
  readonly removed: readonly RuleSpec[];
  readonly changed: readonly { readonly from: RuleSpec; readonly to: RuleSpec; readonly keys: readonly string[] }[];
  readonly same: number;
}

/** Compares the rules of two policies by their ids. Pure. */
export function differenceOf(from: ToolPolicy, to: ToolPolicy): PolicyDifference {
  const old = new Map(from.rules.map((rule) => [rule.id, rule]));
  const added: RuleSpec[] = [];
  const changed: PolicyDifference["changed"][number][] = [];
  let same = 0;
  for (const rule of to.rules) {
    const before = old.get(rule.id);
    old.delete(rule.id);
    const keys = before === undefined ? [] : changedKeys(before, rule);
    if (before === undefined) added.push(rule);
    else if (keys.length > 0) changed.push({ from: before, to: rule, keys });
    else same += 1;
  }
  return { added, removed: [...old.values()], changed, same };
}

function changedKeys(from: RuleSpec, to: RuleSpec): readonly string[] {
  const keys = ["effect", "reason", "match", "when", "approval"] as const;
  return keys.filter((key) => canonicalJson(from[key] ?? null) !== canonicalJson(to[key] ?? null));
}
