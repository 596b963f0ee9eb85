// Rules and calls to measure with: the same ones for every subject.
import type { Action } from "../../packages/core/src/index.ts";
import type { RuleSpec } from "../../packages/server/src/host/policy/rule-schema.ts";

/** So many rules each policy has. */
export const RULES = 10_000;
const TOOLS = 2_000;
const PEOPLE = 500;

/** Each rule is about one tool, and an amount or a person. */
export const named: readonly RuleSpec[] = Array.from({ length: RULES }, (_, index): RuleSpec => {
  const effect = (["allow", "allow", "ask", "allow", "deny"] as const)[index % 5] ?? "allow";
  const when: RuleSpec["when"] =
    index % 2 === 0 ? { input: { "/amount": { above: (index * 7) % 900 } } } : { principal: { id: `person-${index % PEOPLE}` } };
  return { id: `rule-${index}`, effect, reason: "measured", match: { tool: toolOf(index % TOOLS) }, when };
});

/** Rules of all sorts: names, patterns of names, people, hosts, values, paths, texts, hours and histories. */
export const mixed: readonly RuleSpec[] = Array.from({ length: RULES }, (_, index): RuleSpec => {
  const base = { id: `rule-${index}`, effect: (["allow", "deny", "ask"] as const)[index % 3] ?? "deny", reason: "measured" };
  const tool = toolOf(index % TOOLS);
  switch (index % 10) {
    case 0:
      return { ...base, match: { tool: `area${index % 97}.*` }, when: { input: { "/amount": { above: 950 } } } };
    case 1:
      return { ...base, match: {}, when: { principal: { id: `person-${index}` } } };
    case 2:
      return { ...base, match: {}, when: { input: { "/url": { host: `host-${index}.example.org` } } } };
    case 3:
      return { ...base, match: {}, when: { input: { "/currency": { one_of: [`C${index}`, `D${index}`] } } } };
    case 4:
      return { ...base, match: { tool }, when: { input: { "/path": { within: `/work/${index}` } } } };
    case 5:
      return { ...base, match: { tool }, when: { input: { "/text": { matches: `secret-?${index}` } } } };
    case 6:
      return { ...base, match: { tool }, when: { run: { calls: { [tool]: { min: 10 } } } } };
    case 7:
      return { ...base, match: { tool }, when: { time: { days: ["sat", "sun"], zone: "Europe/Berlin" } } };
    default:
      return { ...base, match: { tool }, when: { input: { "/amount": { above: index % 900 } }, principal: { role: ["office", "owner"] } } };
  }
});

/** What no index helps with: each rule looks for another text anywhere in one field, whatever the tool. */
export const texts: readonly RuleSpec[] = Array.from({ length: RULES }, (_, index) => ({
  id: `rule-${index}`,
  effect: "deny",
  reason: "measured",
  match: {},
  when: { input: { "/text": { matches: `secret-?${index}` } } },
}));

/** Calls to decide, each another. */
export const calls: readonly Action[] = Array.from({ length: 1_000 }, (_, index) => ({
  kind: "tool.call",
  resource: toolOf((index * 37) % TOOLS),
  principal: { id: `person-${(index * 13) % PEOPLE}`, tenant: "default", roles: ["office"] },
  input: {
    amount: (index * 31) % 1_000,
    url: `https://host-${(index * 17) % RULES}.example.org/a?b=${index}`,
    currency: "EUR",
    path: `/work/${index}/notes/../a.txt`,
    text: `A letter of some length to somebody, number ${index}, in which nothing stands that anybody looks for.`,
  },
  facts: {
    at: "2026-05-04T10:00:00.000Z",
    tool: { effect: "write", source: "built-in" },
    run: { runId: "r", workflow: "w", calls: { [toolOf(index % TOOLS)]: index % 12 }, tainted: [], tokens: 100, costUsd: 0.01 },
  },
}));

function toolOf(index: number): string {
  return `area${index % 97}.tool_${index}`;
}
