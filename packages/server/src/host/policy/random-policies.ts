import fc from "fast-check";
import type { Action } from "@tutti/core";
import type { RuleSpec } from "./rule-schema.ts";

/** Few names, so that random rules and random actions meet. */
const tool = fc.constantFrom("mail.send", "mail.read", "pay", "web_fetch");
const toolPattern = fc.constantFrom("mail.send", "mail.*", "*", "pay", "web_*", "*.read");
const person = fc.constantFrom("alice", "bob", "agent");
const amount = fc.integer({ min: 0, max: 5 });
const text = fc.constantFrom("a", "ab", "https://a.example/x", "https://b.example", "/work/a", "/work/../etc", "");
const scalar = fc.oneof(text, amount, fc.boolean(), fc.constant(null));

const range = fc.record({ min: amount, max: amount, above: amount, below: amount }, { requiredKeys: [] });
const fieldTest = fc.record(
  {
    present: fc.boolean(),
    type: fc.constantFrom("string" as const, "number" as const, "array" as const),
    equals: scalar,
    one_of: fc.array(scalar, { minLength: 1, maxLength: 3 }),
    matches: fc.constantFrom("^a", "^https://a\\.", "b$", "^ab?", "(?i)A"),
    length: range,
    host: fc.constantFrom("a.example", "*.example"),
    within: fc.constantFrom("/work", "/"),
    min: amount,
    below: amount,
  },
  { requiredKeys: [] },
);
const when = fc.record(
  {
    input: fc.dictionary(fc.constantFrom("/to", "/amount", "/deep/0"), fieldTest, { maxKeys: 2 }),
    principal: fc.record({ id: person, role: fc.constantFrom("owner", "guest"), tenant: fc.constantFrom("t", "u*") }, { requiredKeys: [] }),
    time: fc.record(
      { days: fc.constantFrom("mon" as const, "tue" as const), hours: fc.constantFrom("08:00-18:00", "22:00-06:00") },
      { requiredKeys: [] },
    ),
    run: fc.record(
      { calls: fc.dictionary(toolPattern, range, { maxKeys: 1 }), tainted: fc.boolean(), tokens: range },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const nested = fc.record({ any_of: fc.array(when, { minLength: 1, maxLength: 2 }), not: when }, { requiredKeys: [] });

/** Rules without ids of their own. */
const rule = fc.record({
  effect: fc.constantFrom("allow" as const, "ask" as const, "deny" as const),
  match: fc.record(
    {
      tool: fc.oneof(toolPattern, fc.array(toolPattern, { minLength: 1, maxLength: 3 })),
      kind: fc.constantFrom("tool.call" as const, "run.start" as const),
      effect: fc.constantFrom("read" as const, "write" as const),
      source: fc.constantFrom("built-in", "plugin:*"),
    },
    { requiredKeys: [] },
  ),
  when: fc.tuple(when, fc.option(nested, { nil: {}, freq: 4 })).map(([plain, more]) => ({ ...plain, ...more })),
});

/** Some rules, each with an id of its own. */
export const randomRules: fc.Arbitrary<readonly RuleSpec[]> = fc
  .array(rule, { maxLength: 40 })
  .map((rules) => rules.map((one, index) => ({ ...one, id: `r${(index * 7) % 41}`, reason: "because" }) as RuleSpec));

/** Something that somebody wants, with or without what is known of it. */
export const randomAction: fc.Arbitrary<Action> = fc.record(
  {
    kind: fc.constantFrom("tool.call" as const, "tool.call" as const, "run.start" as const),
    principal: fc.record({ id: person, tenant: fc.constantFrom("t", "ux"), roles: fc.subarray(["owner", "guest"]) }),
    resource: tool,
    input: fc.record({ to: scalar, amount: scalar, deep: fc.array(scalar, { maxLength: 2 }) }, { requiredKeys: [] }),
    facts: fc.record(
      {
        at: fc.constantFrom("2026-05-04T10:00:00.000Z", "2026-05-05T23:00:00.000Z"),
        tool: fc.record({ effect: fc.constantFrom("read" as const, "write" as const), source: fc.constantFrom("built-in", "plugin:x") }),
        run: fc.record({
          runId: fc.constant("r"),
          workflow: fc.constant("w"),
          calls: fc.dictionary(tool, amount, { maxKeys: 2 }),
          tainted: fc.subarray(["web_fetch"]),
          tokens: amount,
          costUsd: amount,
        }),
      },
      { requiredKeys: ["at"] },
    ),
  },
  { requiredKeys: ["kind", "principal", "resource"] },
);
