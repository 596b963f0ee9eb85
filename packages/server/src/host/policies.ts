import { createHash } from "node:crypto";
import { canonicalJson, type Policy } from "@tutti/core";

/** Tools that touch nothing outside the run. */
const SAFE_TOOLS: readonly string[] = ["echo", "safe_calc", "summarize_text"];

const OWNER_KINDS: ReadonlySet<string> = new Set([
  "run.start",
  "run.control",
  "run.approve",
  "event.publish",
  "model.generate",
  "plugin.enable",
  "admin",
]);

/** What holds when nobody has said otherwise: the owner may run things, safe tools may be called, nothing else may happen. */
export function basePolicies(toolsAllow: readonly string[]): readonly Policy[] {
  const safe = new Set(SAFE_TOOLS);
  const allowed = new Set(toolsAllow);
  return [
    ({ kind, principal }) =>
      OWNER_KINDS.has(kind) && principal.roles.includes("owner")
        ? { effect: "allow", reason: "the owner may do this", rule: "owner" }
        : undefined,
    ({ kind, principal }) =>
      kind === "event.publish" && principal.roles.includes("webhook")
        ? { effect: "allow", reason: "the sender's signature was checked", rule: "webhook" }
        : undefined,
    ({ kind, principal, resource }) =>
      (kind === "run.start" || kind === "run.control") && resource === "tutti.batch" && principal.roles.includes("model-user")
        ? { effect: "allow", reason: "whoever may ask models may ask them in batches", rule: "batches" }
        : undefined,
    ({ kind, resource }) =>
      kind === "tool.call" && safe.has(resource)
        ? { effect: "allow", reason: "the tool touches nothing outside the run", rule: "safe-tools" }
        : undefined,
    ({ kind, resource }) =>
      kind === "tool.call" && allowed.has(resource)
        ? { effect: "allow", reason: "toolsAllow names the tool", rule: "tools-allow" }
        : undefined,
  ];
}

/** SHA-256 of the policies in force, so that a decision can be held against what decided it. */
export function hashPolicies(policies: readonly Policy[], toolsAllow: readonly string[]): string {
  const text = canonicalJson({ policies: policies.map(String), safeTools: SAFE_TOOLS, toolsAllow });
  return createHash("sha256").update(text).digest("hex");
}
