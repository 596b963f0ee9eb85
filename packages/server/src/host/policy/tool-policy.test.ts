import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decide, type Action, type Decision } from "@tutti/core";
import { Policies } from "../policies-in-force.ts";
import { randomAction, randomRules } from "./random-policies.ts";
import type { RuleSpec } from "./rule-schema.ts";
import { compileRules, ToolPolicy } from "./tool-policy.ts";

const STRICTNESS = { allow: 0, ask: 1, deny: 2 };

function compile(rules: readonly RuleSpec[]): ToolPolicy {
  const policy = compileRules(rules, (index) => [index]);
  assert.ok(policy instanceof ToolPolicy, JSON.stringify(policy));
  return policy;
}

function decided(rules: readonly RuleSpec[], action: Action): Decision {
  return decide([compile(rules).decide], action);
}

test("the order of rules changes nothing: neither what is decided nor by which rule nor the hash", () => {
  fc.assert(
    fc.property(randomRules, randomAction, fc.array(fc.nat(), { maxLength: 40 }), (rules, action, order) => {
      const shuffled = rules.toSorted((a, b) => (order[rules.indexOf(a)] ?? 0) - (order[rules.indexOf(b)] ?? 0));
      assert.deepEqual(decided(shuffled, action), decided(rules, action));
      assert.equal(compile(shuffled).hash, compile(rules).hash);
    }),
  );
});

test("adding a rule that denies never opens anything", () => {
  fc.assert(
    fc.property(randomRules, randomRules, randomAction, (rules, more, action) => {
      const denials = more.map((rule) => ({ ...rule, id: `more-${rule.id}`, effect: "deny" as const }));
      const before = decided(rules, action).effect;
      assert.ok(STRICTNESS[decided([...rules, ...denials], action).effect] >= STRICTNESS[before]);
    }),
  );
});

test("adding a rule that allows opens only what no rule spoke of; what a rule denies or asks about stays so", () => {
  fc.assert(
    fc.property(randomRules, randomRules, randomAction, (rules, more, action) => {
      const allowances = more.map((rule) => ({ ...rule, id: `more-${rule.id}`, effect: "allow" as const }));
      const before = decided(rules, action);
      if (before.rule !== "default-deny") assert.equal(decided([...rules, ...allowances], action).effect, before.effect);
    }),
  );
});

test("what is told before the input is known holds for every input, unless it depends on the input", () => {
  fc.assert(
    fc.property(randomRules, randomAction, (rules, { input, ...unknown }) => {
      const policies = new Policies([], []);
      policies.file(compile(rules));
      const preview = policies.preview(unknown).effect;
      if (preview !== "depends") assert.equal(policies.decide({ ...unknown, ...(input !== undefined && { input }) }).effect, preview);
    }),
    { numRuns: 1_000 },
  );
});

test("what some inputs are allowed or asked about depends on the input; what none opens does not", () => {
  const match = { tool: "pay" };
  const small = { id: "a", effect: "allow", reason: "r", match, when: { input: { "/n": { max: 5 } } } } as const;
  const ask = { id: "b", effect: "ask", reason: "r", match } as const;
  const large = { id: "c", effect: "deny", reason: "r", match, when: { input: { "/n": { min: 9 } } } } as const;
  const never = { id: "d", effect: "deny", reason: "r", match } as const;
  const principal = { id: "p", tenant: "t", roles: [] };
  const previewOf = (rules: readonly RuleSpec[]): string => {
    const policies = new Policies([], []);
    policies.file(compile(rules));
    return policies.preview({ kind: "tool.call", principal, resource: "pay" }).effect;
  };
  assert.deepEqual([[small], [ask, large], [small, ask], [small, never], [large], [ask]].map(previewOf), [
    "depends",
    "depends",
    "ask",
    "deny",
    "deny",
    "ask",
  ]);
});

test("explaining asks every rule, and finds the rule that decided among those that speak, as strict as any", () => {
  fc.assert(
    fc.property(randomRules, randomAction, (rules, action) => {
      const policy = compile(rules);
      const decision = policy.decide(action);
      const { speaking, silent } = policy.explain(action);
      assert.equal(speaking.length + silent, rules.length);
      if (decision === undefined) return assert.deepEqual(speaking, []);
      const strictest = Math.max(...speaking.map(({ effect }) => STRICTNESS[effect]));
      assert.equal(STRICTNESS[decision.effect], strictest);
      const [first] = speaking.filter(({ effect }) => STRICTNESS[effect] === strictest).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      assert.equal(decision.rule, first?.id);
    }),
    { numRuns: 1000 },
  );
});

test("what is not known never opens: with fields and facts taken away, an action is allowed only if it was before", () => {
  fc.assert(
    fc.property(
      randomRules.map((rules) => rules.filter(({ when = {} }) => when.not === undefined && !JSON.stringify(when).includes("present"))),
      randomAction,
      (rules, action) => {
        const { input: _, facts: __, ...bare } = action;
        if (decided(rules, bare).effect === "allow") assert.notEqual(decided(rules, action).rule, "default-deny");
      },
    ),
  );
});

const MAIL: Action = {
  kind: "tool.call",
  resource: "mail",
  principal: { id: "alice", tenant: "t", roles: ["owner"] },
  input: { to: "bob@example.org", amount: 5, path: "notes/a.txt", url: "https://api.example.org/x" },
};

/** What a rule that allows, and one that denies, do for a field: "open" when the first speaks, "closed" when the second does. */
function effectsOf(field: object, input: Action["input"]): readonly [allows: boolean, denies: boolean] {
  const rule = (effect: "allow" | "deny"): RuleSpec => ({ id: effect, effect, reason: "r", match: {}, when: { input: { "/x": field } } });
  const speaks = (effect: "allow" | "deny"): boolean => compile([rule(effect)]).decide({ ...MAIL, input: input ?? null }) !== undefined;
  return [speaks("allow"), speaks("deny")];
}

const HOLDS = [true, true] as const;
const NOT = [false, false] as const;
const UNKNOWN = [false, true] as const;

test("a condition that cannot be told keeps a rule that allows silent, and lets one that denies speak", () => {
  const cases: readonly (readonly [field: object, x: unknown, readonly [boolean, boolean]])[] = [
    [{ equals: "a" }, "a", HOLDS],
    [{ equals: "a" }, "b", NOT],
    [{ equals: "a" }, 1, UNKNOWN],
    [{ equals: "a" }, undefined, UNKNOWN],
    [{ present: false }, undefined, HOLDS],
    [{ present: true }, undefined, NOT],
    [{ one_of: ["a", 1] }, 2, NOT],
    [{ max: 5 }, 5, HOLDS],
    [{ below: 5 }, 5, NOT],
    [{ max: 5 }, "4.99", HOLDS],
    [{ max: 5 }, "4,99", UNKNOWN],
    [{ max: 5 }, "1e3", UNKNOWN],
    [{ max: 5 }, null, UNKNOWN],
    [{ type: "integer" }, 5, HOLDS],
    [{ type: ["string", "null"] }, 5, NOT],
    [{ length: { max: 2 } }, "abc", NOT],
    [{ length: { max: 2 } }, ["a"], HOLDS],
    [{ length: { max: 2 } }, 3, UNKNOWN],
    [{ contains: "b" }, "abc", HOLDS],
    [{ each: { max: 5 } }, [1, 2], HOLDS],
    [{ each: { max: 5 } }, [1, 9], NOT],
    [{ each: { max: 5 } }, [1, "x"], UNKNOWN],
    [{ some: { equals: "a" } }, ["b", "a"], HOLDS],
    [{ some: { equals: "a" } }, "a", UNKNOWN],
    [{ matches: "^a" }, "a".repeat(20_000), UNKNOWN],
  ];
  for (const [field, x, wanted] of cases)
    assert.deepEqual(effectsOf(field, (x === undefined ? {} : { x }) as Action["input"]), wanted, JSON.stringify([field, x]));
});

test("a host is what a browser would go to, whatever the text looks like", () => {
  const hosts = { host: ["example.org", "*.example.org"] };
  for (const url of [
    "https://example.org",
    "http://API.Example.ORG./x",
    "https://example.org:8443/?q=evil.test",
    "https://u:p@a.b.example.org/",
  ])
    assert.deepEqual(effectsOf(hosts, { x: url }), HOLDS, url);
  for (const url of [
    "https://example.org@evil.test",
    "https://evil.test/example.org",
    "https://example.org.evil.test",
    "https://notexample.org",
    "https://evil.test\\@example.org/",
  ])
    assert.deepEqual(effectsOf(hosts, { x: url }), NOT, url);
  for (const url of ["example.org", "ftp://example.org", "javascript:alert(1)", ""])
    assert.deepEqual(effectsOf(hosts, { x: url }), UNKNOWN, url);
});

test("a path is where it leads, not how it begins", () => {
  const within = { within: "/work/files" };
  for (const path of ["/work/files", "/work/files/a", "/work//files/./a", "/work/x/../files/a"])
    assert.deepEqual(effectsOf(within, { x: path }), HOLDS, path);
  for (const path of ["/work/filesystem", "/work/files/../../etc/passwd", "/../work", "/"])
    assert.deepEqual(effectsOf(within, { x: path }), NOT, path);
  for (const path of ["~/a", "..\\a", "C:/work", "a\0b", ""]) assert.deepEqual(effectsOf(within, { x: path }), UNKNOWN, path);
});

test("a relative path, as file tools take it, is within a relative folder or not, and of an absolute one nothing is known", () => {
  const absolute = { within: "/work/files" };
  for (const path of ["a/b", "work/files/a", "../work/files/a", "."]) assert.deepEqual(effectsOf(absolute, { x: path }), UNKNOWN, path);
  const relative = { within: "notes/open" };
  for (const path of ["notes/open", "./notes//open/a", "notes/x/../open/a"])
    assert.deepEqual(effectsOf(relative, { x: path }), HOLDS, path);
  for (const path of ["notes", "notes/opened", "notes/open/../a", "."]) assert.deepEqual(effectsOf(relative, { x: path }), NOT, path);
  for (const path of ["/notes/open/a", "../notes/open/a", "notes/../../notes/open"])
    assert.deepEqual(effectsOf(relative, { x: path }), UNKNOWN, path);
});

test("hours go over midnight and belong to the day on which they begin, in the zone that is named, also when clocks change", () => {
  const night: RuleSpec = {
    id: "night",
    effect: "allow",
    reason: "r",
    match: {},
    when: { time: { days: ["fri", "sat"], hours: "22:00-06:00", zone: "Europe/Berlin" } },
  };
  const { decide: opinion } = compile([night]);
  const isAllowed = (at: string): boolean => opinion({ ...MAIL, facts: { at } }) !== undefined;
  // Friday, 2 January 2026 is at UTC+1; 28 March 2026 at 22:00 is too, and the night after it loses an hour.
  const told = [
    "2026-01-02T20:59:59Z",
    "2026-01-02T21:00:00Z",
    "2026-01-03T04:59:59Z",
    "2026-01-03T05:00:00Z",
    "2026-01-04T04:59:00Z",
    "2026-03-29T03:59:00Z",
    "2026-03-29T04:00:00Z",
    "2026-01-04T21:30:00Z",
  ];
  assert.deepEqual(told.map(isAllowed), [false, true, true, false, true, true, false, false]);
  assert.equal(opinion(MAIL), undefined);
});

test("rules of run history look at calls, tokens, dollars and what was read", () => {
  const rule = (run: object): RuleSpec => ({ id: "r", effect: "deny", reason: "r", match: {}, when: { run } });
  const run = {
    runId: "r",
    workflow: "mail-agent",
    calls: { "mail.send": 2, "mail.read": 3, pay: 1 },
    tainted: ["web_fetch"],
    tokens: 900,
    costUsd: 0.5,
  };
  const denies = (wanted: object): boolean =>
    compile([rule(wanted)]).decide({ ...MAIL, facts: { at: "2026-01-01T00:00:00Z", run } }) !== undefined;
  const told = [
    { calls: { "mail.*": { min: 5 } } },
    { calls: { "mail.*": { above: 5 } } },
    { calls: { never: { below: 1 } } },
    { tokens: { min: 900 } },
    { cost_usd: { above: 0.5 } },
    { tainted: true },
    { tainted: false },
    { tainted: "web_*" },
    { workflow: "mail-*" },
  ];
  assert.deepEqual(told.map(denies), [true, false, true, true, false, true, false, true, true]);
});

test("when several rules ask, the terms of all of them hold", () => {
  const asks = (id: string, approval: object): RuleSpec => ({ id, effect: "ask", reason: "r", match: {}, approval });
  const { decide: opinion } = compile([
    asks("b", { approvers: ["office", "alice"], expires: "2h" }),
    asks("a", { approvers: ["alice", "bob"], expires: "15m", four_eyes: true }),
  ]);
  assert.deepEqual(opinion(MAIL), {
    effect: "ask",
    reason: "r",
    rule: "a",
    approval: { approvers: ["alice"], expiresInMs: 900_000, isFourEyes: true },
  });
});
