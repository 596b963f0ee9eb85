import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Event } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

const POLICY = String.raw`
version: 1
undecided: answer
rules:
  - id: calc
    match: '(?i)^what is (?P<expression>[\d+*/(). -]+)\?$'
    tool: safe_calc
    params: { expression: $expression }
    reason: it looks like arithmetic
    answer: $text
  - id: repeat
    match_any: ['^echo (?P<what>.+)$', '^say (?P<what>.+)$']
    tool: echo
    params: { text: $what }
    reason: it asks for an echo
  - id: maybe
    match: '(?i)perhaps'
    tool: echo
    params: { text: $text }
    confidence: 0.4
    reason: it is not sure itself
  - id: summary
    tool: summarize_text
    params: { text: $text }
    examples: [summarize this article, give me a short summary of the report, what are the main points of this text]
    reason: it asks for a summary
  - id: weather
    tool: echo
    params: { text: weather }
    examples: [what is the weather like today, will it rain tomorrow, how warm is it in Rome]
    reason: it asks about the weather
`;

interface Decision {
  readonly tier: string;
  readonly rule?: string;
  readonly target?: { readonly type: string; readonly name: string };
  readonly input?: unknown;
  readonly confidence: number;
  readonly gap: number;
  readonly candidates: readonly { readonly rule: string }[];
  readonly reason: string;
  readonly policyHash: string;
}

interface Answer {
  readonly runId: string;
  readonly answer: string;
  readonly route: Decision & { readonly chosenBy?: string };
  readonly output: unknown;
}

let folder: string;
let file: string;
let app: TestApp;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-routing-"));
  file = await write("router_policy.yaml", POLICY);
  const shadow = await write(
    "shadow.yaml",
    POLICY.replace("tool: safe_calc", "tool: echo").replace("{ expression: $expression }", "{ text: $expression }"),
  );
  app = await startTestApp({ routerPolicyPath: file, routerPolicyShadowPath: shadow });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  // As editors do: a whole file takes the old one's place.
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

async function explain(text: string, policy?: string): Promise<Decision & { readonly problem?: string }> {
  const response = await app.fetch("/v1/route", policy === undefined ? { text } : { text, policy });
  assert.equal(response.status, 200, await response.clone().text());
  const { decision, problem } = (await response.json()) as { readonly decision: Decision; readonly problem?: string };
  return { ...decision, ...(problem !== undefined && { problem }) };
}

async function query(text: string): Promise<Answer> {
  const response = await app.fetch("/query", { text });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Answer;
}

async function routeStep(runId: string): Promise<{ readonly decision: Decision; readonly shadow?: { readonly agrees: boolean } }> {
  const events: readonly Event[] = await app.app.store.read(runId, { afterSeq: 0, limit: 50 });
  const step = events.find((event) => event.type === "step.completed" && event.name === "route");
  assert.ok(step?.type === "step.completed");
  return step.output as never;
}

describe("routing", () => {
  test("a rule routes, fills its params, acts, and the whole decision stands in the run", async () => {
    const { answer, route, runId } = await query("What is 12 * 7?");
    assert.equal(answer, "12 * 7 = 84");
    const { tier, rule, target, input, confidence, gap, reason } = route;
    assert.deepEqual(
      { tier, rule, target, input, confidence, gap, reason },
      {
        tier: "rule",
        rule: "calc",
        target: { type: "tool", name: "safe_calc" },
        input: { expression: "12 * 7" },
        confidence: 1,
        gap: 1,
        reason: "it looks like arithmetic",
      },
    );
    assert.match(route.policyHash, /^[0-9a-f]{64}$/);
    assert.deepEqual((await routeStep(runId)).decision, route);
  });

  test("any pattern of a rule will do, and a rule that is not sure enough is only a candidate", async () => {
    assert.deepEqual((await query("say good morning")).output, { text: "good morning" });
    const { tier, candidates, reason } = await explain("Perhaps tea?");
    assert.equal(tier, "none");
    assert.ok(candidates.some(({ rule }) => rule === "maybe"));
    assert.match(reason, /the nearest rule is .* wanted 0\.85 and 0\.05/);
  });

  test("examples route what no rule matches, the second time from what was decided before", async () => {
    const text = "will it rain tomorrow?";
    const first = await query(text);
    assert.deepEqual([first.route.tier, first.route.rule], ["semantic", "weather"]);
    assert.ok(first.route.confidence >= 0.85 && first.route.gap >= 0.05);
    const again = await query(`  ${text.toUpperCase()}`);
    assert.deepEqual([again.route.tier, again.route.rule, again.output], ["cache", "weather", { text: "weather" }]);
    assert.match(again.route.reason, /by semantic/);
  });

  test("what nobody can decide is said with the candidates, and runs nothing", async () => {
    const { answer, route, output } = await query("who wrote Hamlet");
    assert.equal(route.tier, "none");
    assert.match(answer, /^Nobody could decide where this goes: .* Candidates: /);
    assert.equal(output, null);
  });

  test("an intent that names an agent or workflow needs no router; an unknown one is routed", async () => {
    const named = await app.fetch("/query", { text: "say hi", intent: "nothing-of-that-name" });
    assert.equal(((await named.json()) as Answer).route.rule, "repeat");
  });

  test("a person is asked where the policy says so, chooses by the rule's name, and is remembered", async () => {
    await write("router_policy.yaml", POLICY.replace("undecided: answer", "undecided: ask"));
    const asked = await app.fetch("/query", { text: "perhaps a kettle" });
    assert.equal(asked.status, 202);
    const { runId } = (await asked.json()) as { readonly runId: string };
    const [wait] = await app.app.store.waits({ runId, kind: "approval", limit: 1 });
    assert.match(wait?.name ?? "", /^Where should this go: "perhaps a kettle"\?/);
    const person = { id: "ada", tenant: "default", roles: ["owner"] };
    await app.app.engine.answer(runId, { key: wait?.key ?? "", approved: true, reason: "weather" }, person);
    const output = (await app.app.engine.result(runId, AbortSignal.timeout(120_000))) as unknown as { readonly chosenBy: string };
    assert.equal(output.chosenBy, "ada");
    const again = await query("Perhaps a kettle");
    assert.deepEqual([again.route.tier, again.route.rule], ["cache", "weather"]);
    assert.match(again.route.reason, /by ada/);
    await write("router_policy.yaml", POLICY);
  });

  test("a changed file holds from the next text on, and a wrong one changes nothing but says so with the place", async () => {
    const before = await explain("say hi");
    await write("router_policy.yaml", POLICY.replace("id: repeat", "id: parrot"));
    const changed = await explain("say hi");
    assert.equal(changed.rule, "parrot");
    assert.notEqual(changed.policyHash, before.policyHash);
    await write("router_policy.yaml", "version: 1\nrules:\n  - id: x\n    match: '('\n    tool: echo\n    reason: no\n");
    const kept = await explain("say hi");
    assert.equal(kept.rule, "parrot");
    assert.match(kept.problem ?? "", /router_policy\.yaml:4:12: rules\[0\]\.match: wanted a regular expression in RE2 syntax/);
    await write("router_policy.yaml", POLICY);
    assert.equal((await explain("say hi")).problem, undefined);
  });

  test("a policy that is sent along explains without acting, and its mistakes have places", async () => {
    const decision = await explain("anything", "rules: [{id: all, match: '.', agent: holly, reason: all}]");
    assert.deepEqual([decision.target, decision.input], [{ type: "agent", name: "holly" }, { message: "anything" }]);
    const wrong = await app.fetch("/v1/route", {
      text: "x",
      policy: "rules:\n  - id: a\n    tool: echo\n    agent: holly\n    reason: r\n",
    });
    assert.equal(wrong.status, 400);
    assert.match(
      await wrong.text(),
      /policy:2:5: rules\[0\]: wanted one of tool, agent, workflow, got tool and agent.*wanted match, match_any or examples/s,
    );
  });

  test("a shadow policy is compared on live texts, and does not act", async () => {
    const { runId, output } = await query("what is 3+4?");
    assert.equal((output as { readonly result: string }).result, "7");
    assert.equal((await routeStep(runId)).shadow?.agrees, false);
    const response = await app.fetch("/v1/routing/shadow?limit=100");
    const report = (await response.json()) as {
      readonly compared: number;
      readonly agreed: number;
      readonly different: readonly { readonly runId: string; readonly would: { readonly target: unknown } }[];
    };
    assert.ok(report.compared > report.agreed && report.agreed > 0);
    assert.deepEqual(report.different.find((one) => one.runId === runId)?.would.target, { type: "tool", name: "echo" });
  });
});

test("without a policy a query says how to write one, and a wrong file does not start", async () => {
  await using plain = await startTestApp({});
  const response = await plain.fetch("/query", { text: "hello" });
  assert.match(await response.text(), /write a router_policy\.yaml and name it in `routerPolicyPath`/);
  const missing = join(tmpdir(), "no-such-router-policy.yaml");
  await assert.rejects(startTestApp({ routerPolicyPath: missing }), { code: "invalid_config", message: /cannot be read/ });
});

test("models for agents that name none are found by the message's pattern; a wrong rule is told with its place", async () => {
  const models = "models:\n  - {id: code, match: '(?i)refactor', model: large, reason: it is about code}\n";
  const path = await write("models.yaml", `${models}rules: []\n`);
  await using one = await startTestApp({ routerPolicyPath: path });
  assert.deepEqual(await one.app.textRouter.modelFor("Please REFACTOR this"), {
    model: "large",
    reason: "rule code of the router policy: it is about code",
  });
  assert.equal(await one.app.textRouter.modelFor("what is 1+1?"), undefined);
  const wrong = await one.fetch("/v1/route", { text: "x", policy: "models: [{id: a, model: m, reason: r}]\nrules: []" });
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /models\[0\]: wanted match or match_any/);
});

test("what was decided outlives a restart, until the policy changes; what was only explained is not kept", async () => {
  const dataDir = await mkdtemp(join(folder, "data-"));
  const policy = await write("lasting.yaml", POLICY);
  const text = "will it be raining tomorrow";
  const routed = async (how: "explain" | "query"): Promise<string> => {
    await using one = await startTestApp({ routerPolicyPath: policy, dataDir });
    const response = await one.fetch(how === "query" ? "/query" : "/v1/route", { text });
    const told = (await response.json()) as { readonly route: Decision; readonly decision: Decision };
    return (how === "query" ? told.route : told.decision).tier;
  };
  assert.equal(await routed("explain"), "semantic");
  assert.equal(await routed("query"), "semantic");
  assert.equal(await routed("query"), "cache");
  await write("lasting.yaml", POLICY.replace("it asks about the weather", "it asks for the weather"));
  assert.equal(await routed("query"), "semantic");
});
