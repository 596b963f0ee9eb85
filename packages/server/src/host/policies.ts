import type { Action, Decision, Policy } from "@tutti/core";

/** The role of those who come over MCP with a token of an issuer, or a signature. */
const TOOL_USER = "mcp-user";

/** The role of programs in jails. What is let to everybody is not let to them: each model and tool is named for each of them. */
export const JAIL_ROLE = "jail";

/** Tools that touch nothing outside the run. */
export const SAFE_TOOLS: readonly string[] = ["echo", "safe_calc", "summarize_text", "skill_read"];

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
    (action) => toolUserPolicy(action, safe),
    ({ kind, principal, resource }) =>
      kind === "tool.call" && safe.has(resource) && !principal.roles.includes(JAIL_ROLE)
        ? { effect: "allow", reason: "the tool touches nothing outside the run", rule: "safe-tools" }
        : undefined,
    ({ kind, principal, resource }) =>
      kind === "tool.call" && allowed.has(resource) && !principal.roles.includes(JAIL_ROLE)
        ? { effect: "allow", reason: "toolsAllow names the tool", rule: "tools-allow" }
        : undefined,
  ];
}

/**
 * Whoever comes over MCP begins runs of single tools, steers them and reads them; each call within is decided by itself. Holders of keys,
 * who are here for models, may do so with tools that touch nothing.
 */
function toolUserPolicy({ kind, principal, resource, input }: Action, safe: ReadonlySet<string>): Decision | undefined {
  const allow = (reason: string): Decision => ({ effect: "allow", reason, rule: "tool-users" });
  const given = typeof input === "object" && input !== null ? (input as Readonly<Record<string, unknown>>) : {};
  const isToolUser = principal.roles.includes(TOOL_USER);
  const isOneCall = kind === "run.start" && resource === "tutti.tool-call";
  if (isOneCall && isToolUser) return allow("the run is one tool call, which is decided by itself");
  if (isOneCall && principal.roles.includes("model-user") && safe.has(String(given["tool"])))
    return allow("the tool touches nothing outside the run");
  const isOwnRun = given["principalId"] === principal.id && resource.startsWith("GET /v1/runs/");
  return isToolUser && kind === "admin" && isOwnRun ? allow("it is the principal's own run") : undefined;
}
