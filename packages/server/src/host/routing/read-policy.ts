import { createHash } from "node:crypto";
import { AppError, canonicalJson, type Json } from "@tutti/core";
import type { RE2JS } from "re2js";
import { issuesIn, readYaml } from "../config/index.ts";
import { compilePattern } from "./matcher.ts";
import { routerPolicySchema, type RouterPolicy, type RouterRule } from "./policy-schema.ts";

/** A router policy that is ready: its patterns are compiled, and its hash says which one it is. */
export interface LoadedPolicy extends Omit<RouterPolicy, "rules"> {
  readonly rules: readonly LoadedRule[];
  /** SHA-256 of what the file says, however it is written. */
  readonly hash: string;
}

/** A rule with its patterns compiled. */
export interface LoadedRule extends RouterRule {
  readonly patterns: readonly RE2JS[];
}

/** Reads the text of a `router_policy.yaml`. Throws `invalid_config` that names every problem with its place, one on each line. */
export function readRouterPolicy(text: string, file: string): LoadedPolicy {
  const yaml = readYaml(text, file);
  if (yaml.problems.length > 0) throw new AppError("invalid_config", yaml.problems.join("\n"));
  const result = routerPolicySchema.safeParse(yaml.value ?? {});
  if (!result.success) throw new AppError("invalid_config", issuesIn(yaml, result.error.issues, { what: "a router policy", wording }));
  const policy = result.data;
  const rules = policy.rules.map((rule) => ({
    ...rule,
    patterns: [...(rule.match === undefined ? [] : [rule.match]), ...(rule.match_any ?? [])].map(compilePattern),
  }));
  return {
    ...policy,
    rules,
    hash: createHash("sha256")
      .update(canonicalJson(policy as unknown as Json))
      .digest("hex"),
  };
}

function wording(message: string): string {
  return /^wanted|^\$/.test(message) ? message : `wanted ${message}`;
}
