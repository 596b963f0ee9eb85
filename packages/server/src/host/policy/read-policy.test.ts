import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { stringify } from "yaml";
import { AppError, type Action } from "@tutti/core";
import { readPolicyFiles } from "./policy-source.ts";
import { randomRules } from "./random-policies.ts";
import { problemText, readPolicy, requirePolicy } from "./read-policy.ts";
import { policyJsonSchema } from "./rule-schema.ts";

const ROOT = new URL("../../../../../", import.meta.url);

function problemsOf(text: string): readonly string[] {
  const reading = readPolicy([{ name: "p.yaml", text }]);
  return reading.ok ? [] : reading.problems.map(problemText);
}

function isReadOrRefused(text: string): void {
  try {
    requirePolicy([{ name: "p.yaml", text }]);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "invalid_config", String(error));
    assert.match(error.message, /^p\.yaml:\d+:\d+: /);
  }
}

test("whatever a text holds, it is a policy or refused with a place: no other error comes out", () => {
  const part = fc.constantFrom(
    "rules:",
    "\n",
    "  ",
    "- ",
    "id: a",
    "effect: deny",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "|",
    "'",
    "!!set",
    ":",
    "when: ",
    "not: ",
    "1e999",
    "\t",
    "\u0000",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 30 }).map((parts) => parts.join("")),
      ),
      isReadOrRefused,
    ),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => isReadOrRefused(stringify({ rules: [value] }))));
  for (const text of [
    "a: &a [*a]",
    "rules: &a\n  - *a",
    `rules: ${"[".repeat(20_000)}`,
    `${"not: {".repeat(3_000)}`,
    "rules: [{id: a, effect: deny, reason: r, when: &w {not: *w}}]",
  ])
    isReadOrRefused(text);
});

test("rules survive being written and read: random ones mean the same afterwards", () => {
  fc.assert(
    fc.property(randomRules, (rules) => {
      const text = stringify({ rules });
      assert.equal(requirePolicy([{ name: "p.yaml", text }]).rules.length, rules.length);
    }),
    { numRuns: 50 },
  );
});

test("every mistake is told with its line and column, and with what was probably meant", () => {
  const told = problemsOf(`version: 1
rules:
  - id: one
    efect: allow
    effect: alow
    reason: because
    match: { tool: [a, 4], knd: tool.call }
    when:
      input:
        to: { equals: 1 }
        /x: { maches: a }
      time: { hours: 9-17 }
  - id: two
    effect: deny
    reason: " "
`);
  assert.deepEqual(told, [
    "p.yaml:4:5: rules[0].efect is no key of a policy, did you mean effect?; wanted a rule: {id, effect, reason, match, when, approval}",
    'p.yaml:5:13: rules[0].effect must be one of allow, ask, deny, got "alow"',
    "p.yaml:7:24: rules[0].match.tool[1] must be a name, got 4",
    "p.yaml:7:28: rules[0].match.knd is no key of a policy, did you mean kind?; wanted {kind, tool, resource, effect, source}",
    'p.yaml:10:9: rules[0].when.input.to must be a JSON pointer such as /to or /items/0/price ("" is the whole input)',
    "p.yaml:11:15: rules[0].when.input./x.maches is no key of a policy, did you mean matches?; wanted conditions such as {equals: …}, {matches: …}, {max: …}",
    'p.yaml:12:22: rules[0].when.time.hours must be hours such as 09:00-17:30, got "9-17"',
    'p.yaml:15:13: rules[1].reason must be a text for people: why this rule is there, got " "',
  ]);
});

test("one mistake hides no other: a wrong effect, an id that stands twice and a pattern that RE2 does not know are told together", () => {
  const text = `version: 1
rules:
  - {id: a, effect: alow, reason: r}
  - {id: a, effect: deny, reason: r, when: {input: {/x: {matches: "(?<=a)b"}}}}
`;
  const reading = readPolicy([{ name: "p.yaml", text }]);
  assert.ok(!reading.ok);
  assert.deepEqual(
    reading.problems.map(({ line }) => line),
    [3, 4, 4],
  );
  assert.match(reading.problems.map(({ message }) => message).join("\n"), /one of allow, ask, deny.*\n.*got a again\n.*matches/);
  const empty = readPolicy([{ name: "p.yaml", text: "" }]);
  assert.ok(!empty.ok);
  assert.match(empty.problems[0]?.message ?? "", /got an empty file/);
});

test("an id that stands twice, also in two files, or that Tutti's own rules have, is refused", () => {
  const rule = (id: string): string => `rules: [{ id: ${id}, effect: deny, reason: r }]`;
  const reading = readPolicy([
    { name: "a.yaml", text: rule("one") },
    { name: "b.yaml", text: rule("one") },
  ]);
  assert.ok(!reading.ok);
  assert.deepEqual(reading.problems.map(problemText), ["b.yaml:1:15: rules[0].id must be a name of its own, got one again"]);
  assert.match(problemsOf(rule("default-deny"))[0] ?? "", /Tutti's own rule/);
});

/** Patterns and inputs that stall engines which backtrack. */
const REDOS: readonly (readonly [pattern: string, input: string])[] = [
  ["^(a+)+$", `${"a".repeat(16_000)}!`],
  ["^(a|a)*$", `${"a".repeat(16_000)}!`],
  ["^(a|aa)+$", `${"a".repeat(16_000)}!`],
  ["(.*a){12}", "a".repeat(16_000)],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(16_000)],
  ["^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$", "a".repeat(16_000)],
  ["(x+x+)+y", "x".repeat(16_000)],
  ["^(\\w+\\s?)*$", `${"word ".repeat(3_000)}!`],
  ["\\s*,\\s*$", `${" ".repeat(16_000)}x`],
];

test("patterns that stall other engines end in a number of steps that grows with the text, and larger ones are refused", () => {
  for (const [pattern, input] of REDOS) {
    const text = stringify({ rules: [{ id: "r", effect: "deny", reason: "r", when: { input: { "/x": { matches: pattern } } } }] });
    const { decide } = requirePolicy([{ name: "p.yaml", text }]);
    const action: Action = { kind: "tool.call", resource: "t", principal: { id: "p", tenant: "t", roles: [] }, input: { x: input } };
    // Ends at all: a backtracking engine would need longer than the sun lasts.
    decide(action);
  }
  const large = ["(a{1000}){10}", "((a{100}){100}){100}", `(${"a|".repeat(499)}a){30}`, "a".repeat(1_001), "(?=a)b", "(a)\\1"];
  for (const pattern of large)
    assert.notDeepEqual(
      problemsOf(stringify({ rules: [{ id: "r", effect: "deny", reason: "r", when: { input: { "/x": { matches: pattern } } } }] })),
      [],
      pattern,
    );
});

test("the example policies are right", async () => {
  for (const name of ["office", "developer"]) {
    const reading = readPolicy(await readPolicyFiles(fileURLToPath(new URL(`examples/policies/${name}.yaml`, ROOT))));
    assert.deepEqual(reading.ok ? [] : reading.problems.map(problemText), []);
  }
});

test("the rules in docs/policy.md are right", async () => {
  const page = await readFile(new URL("docs/policy.md", ROOT), "utf8");
  const blocks = Array.from(page.matchAll(/```yaml\n([^`]+)```/g), ([, text = ""]) => text);
  assert.ok(blocks.length >= 4);
  for (const text of blocks) assert.deepEqual(problemsOf(text.startsWith("- ") ? `rules:\n${text}` : text), [], text);
});

test("docs/schemas/tool-policy.schema.json is what the format is", async () => {
  const text = await readFile(new URL("docs/schemas/tool-policy.schema.json", ROOT), "utf8");
  assert.deepEqual(
    JSON.parse(text),
    JSON.parse(JSON.stringify(policyJsonSchema())),
    "run: node packages/server/src/host/policy/write-schema.ts",
  );
});
