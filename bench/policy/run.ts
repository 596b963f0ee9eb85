// How long it takes to decide by ten thousand rules: by index, one after the other, and by Cedar.
import { join } from "node:path";
import { createRequire } from "node:module";
import type { Action } from "../../packages/core/src/index.ts";
import { compileRule, speaks } from "../../packages/server/src/host/policy/compile-rule.ts";
import type { RuleSpec } from "../../packages/server/src/host/policy/rule-schema.ts";
import { compileRules, ToolPolicy } from "../../packages/server/src/host/policy/tool-policy.ts";
import { installPeers } from "../shared/peers.ts";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { calls, mixed, named, texts } from "./rules.ts";

interface Subject {
  readonly name: string;
  readonly decide: (action: Action) => unknown;
  readonly rounds: number;
}

function indexed(rules: readonly RuleSpec[]): Subject {
  const policy = compileRules(rules, (index) => [index]);
  if (!(policy instanceof ToolPolicy)) throw new Error(JSON.stringify(policy));
  return { name: "tutti", decide: policy.decide, rounds: 10 };
}

/** The same rules without their index: what a list of rules costs. */
function linear(rules: readonly RuleSpec[]): Subject {
  const compiled = rules.map((rule, index) => compileRule(rule, [index]));
  return { name: "one rule after the other", decide: (action) => compiled.filter((rule) => speaks(rule, action)).length, rounds: 1 };
}

const PEERS = join(import.meta.dirname, "peers");

/** Cedar's own engine, with the policies read beforehand; it has no `ask`, so those are permits. */
function cedar(rules: readonly RuleSpec[]): Subject | undefined {
  const installed = installPeers(PEERS);
  if (!installed.ok) {
    console.error(installed.reason);
    return undefined;
  }
  const wasm = createRequire(join(PEERS, "package.json"))("@cedar-policy/cedar-wasm/nodejs") as {
    readonly preparsePolicySet: (id: string, policies: unknown) => { readonly type: string };
    readonly statefulIsAuthorized: (call: unknown) => { readonly type: string };
  };
  const staticPolicies = Object.fromEntries(rules.map((rule) => [rule.id, cedarText(rule)]));
  const parsed = wasm.preparsePolicySet("bench", { staticPolicies });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
  const decide = ({ principal, resource, input }: Action): unknown => {
    const answer = wasm.statefulIsAuthorized({
      principal: { type: "User", id: principal.id },
      action: { type: "Action", id: "call" },
      resource: { type: "Tool", id: resource },
      context: { amount: (input as { readonly amount: number }).amount },
      preparsedPolicySetId: "bench",
      entities: [],
    });
    if (answer.type !== "success") throw new Error(JSON.stringify(answer));
    return answer;
  };
  return { name: "@cedar-policy/cedar-wasm 4.13.0", decide, rounds: 1 };
}

function cedarText({ effect, match, when }: RuleSpec): string {
  const id = when?.principal?.id;
  const who = typeof id === "string" ? `principal == User::"${id}"` : "principal";
  const above = when?.input?.["/amount"]?.above;
  const condition = above === undefined ? "" : ` when { context.amount > ${above} }`;
  return `${effect === "deny" ? "forbid" : "permit"}(${who}, action, resource == Tool::"${String(match.tool)}")${condition};`;
}

function measure(name: string, { name: subject, decide, rounds }: Subject): readonly Row[] {
  const few = rounds === 1 || name === SLOWEST ? calls.slice(0, 50) : calls;
  for (const call of few) decide(call);
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const call of few) {
      const start = performance.now();
      decide(call);
      times.push((performance.now() - start) * 1_000);
    }
  times.sort((a, b) => a - b);
  return [
    { subject, case: name, metric: "medianUs", value: percentile(times, 0.5) },
    { subject, case: name, metric: "p99Us", value: percentile(times, 0.99) },
  ];
}

function withRatios(rows: readonly Row[]): readonly Row[] {
  return rows.flatMap((row) => {
    const own = rows.find(({ subject, metric, case: name }) => subject === "tutti" && metric === "medianUs" && name === row.case);
    if (own === undefined || row.metric !== "medianUs") return [row];
    return [row, { ...row, metric: "timesTutti", value: row.value / own.value }];
  });
}

const SLOWEST = "a text anywhere in one field";
const CASES = [
  ["a tool and an amount or a person", named, true],
  ["all sorts", mixed, false],
  [SLOWEST, texts, false],
] as const;
const rows = CASES.flatMap(([name, rules, isForPeers]) => {
  const subjects = [indexed(rules), linear(rules), ...(isForPeers ? [cedar(rules)] : [])].filter((subject) => subject !== undefined);
  return withRatios(subjects.flatMap((subject) => measure(name, subject)));
});
printTable(rows);
await writeResults("policy", rows, { rules: 10_000 });
