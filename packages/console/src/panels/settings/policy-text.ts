import type { PolicyRuleEntry } from "@tutti/client";

/** What a rule's file has of it. */
type WrittenRule = Omit<PolicyRuleEntry, "name" | "line">;

/** What a policy looks like, for whoever has none. */
const EXAMPLE: readonly WrittenRule[] = [
  { id: "ask-before-writing", effect: "ask", reason: "somebody looks at what is written", match: { tool: "*", effect: "write" } },
  { id: "all-else", effect: "allow", reason: "nothing else needs anybody", match: { tool: "*" } },
];

/** Rules as a file has them, in YAML: its values may be JSON. Without any, an example. Pure. */
export function policyText(rules: readonly PolicyRuleEntry[]): string {
  const specs: readonly WrittenRule[] = rules.map(({ name: _name, line: _line, ...spec }) => spec);
  const written = (specs.length === 0 ? EXAMPLE : specs).map((rule) =>
    Object.entries(rule).map(([key, value], place) => `${place === 0 ? "  - " : "    "}${key}: ${JSON.stringify(value)}`),
  );
  return ["version: 1", "rules:", ...written.flat(), ""].join("\n");
}
