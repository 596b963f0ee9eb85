import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { defineWorkflow, type Event, type Json, type Plugin } from "@tutti/core";
import { z } from "zod";
import { defineTool } from "../../tools/define-tool.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

const pay = defineTool({
  name: "pay",
  description: "Pays somebody.",
  effect: "write",
  input: z.object({ to: z.string(), amount: z.number() }),
  run: ({ amount }) => Promise.resolve({ paid: amount }),
});

const payAll = defineWorkflow<{ amounts: number[] }, Json>({
  name: "pay-all",
  version: "1",
  input: z.object({ amounts: z.array(z.number()) }),
  run: async (ctx, { amounts }) => {
    const said = await ctx.all(
      amounts.map((amount) => async (branch: typeof ctx) => branch.call("pay", { to: "ada", amount }).catch(() => null)),
    );
    return said as Json;
  },
});

const plugin: Plugin = { name: "payments", tools: [pay], workflows: [payAll] };

const POLICY = `version: 1
rules:
  - id: small-payments
    effect: allow
    reason: small amounts need nobody
    match: { tool: pay }
    when:
      input:
        /amount: { above: 0, max: 100 }
  - id: three-a-run
    effect: deny
    reason: a run pays three times at most
    match: { tool: pay }
    when:
      run:
        calls: { pay: { min: 3 } }
`;

let folder: string;
let path: string;
let app: TestApp;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-policy-"));
  path = join(folder, "tool_policy.yaml");
  await writeFile(path, POLICY);
  app = await startTestApp({ toolPolicyPath: path, inlinePlugins: [plugin] });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Reply {
  readonly status: number;
  readonly body: { readonly [key: string]: Json };
}

async function ask(route: string, body?: Json, to = app): Promise<Reply> {
  const response = await to.fetch(route, body);
  return { status: response.status, body: (await response.json()) as Reply["body"] };
}

const call = (amount: number, to = app): Promise<Reply> => ask("/v1/tools/execute", { tool: "pay", input: { to: "ada", amount } }, to);

async function decisionsOf(runId: Json | undefined): Promise<readonly Extract<Event, { readonly type: "policy.decided" }>[]> {
  const { body } = await ask(`/v1/runs/${typeof runId === "string" ? runId : ""}/events`);
  return (body["events"] as unknown as readonly Event[]).filter((event) => event.type === "policy.decided");
}

test("a rule allows what its conditions hold of, and nothing else; the decision has the rule, the reason, the hash and what was known", async () => {
  const paid = await call(99);
  assert.deepEqual([paid.status, paid.body["output"]], [200, { paid: 99 }]);
  const refused = await call(101);
  assert.equal(refused.status, 403);
  assert.match(JSON.stringify(refused.body), /no policy allows tool.call on \\"pay\\"/);
  const { body: status } = await ask("/v1/policy");
  const decided = (await decisionsOf(paid.body["runId"])).find(({ action }) => action.kind === "tool.call");
  assert.partialDeepStrictEqual(decided, {
    decision: { effect: "allow", rule: "small-payments", reason: "small amounts need nobody" },
    policyHash: status["policyHash"],
    action: { facts: { tool: { effect: "write", source: "plugin:payments" }, run: { calls: {}, tainted: [], tokens: 0, costUsd: 0 } } },
  });
});

test("the rules in force say in which line of which file they stand", async () => {
  const { body } = await ask("/v1/policy?rules=true");
  const lines = POLICY.split("\n");
  assert.partialDeepStrictEqual(
    body["rules"],
    ["small-payments", "three-a-run"].map((id) => ({ id, name: path, line: 1 + lines.findIndex((line) => line.includes(id)) })),
  );
});

test("a tool whose rules look at the input is listed as one that depends on it", async () => {
  const { body } = await ask("/v1/tools/pay");
  assert.deepEqual((body["tool"] as { readonly allowed: Json }).allowed, {
    effect: "depends",
    reason: "depends on the input: small amounts need nobody",
    rule: "small-payments",
  });
});

test("calls are counted when they are decided, so that calls at the same time do not slip through together", async () => {
  const { body } = await ask("/v1/runs", { workflow: "pay-all", input: { amounts: [1, 2, 3, 4, 5, 6] }, wait: true });
  const runId = (body["run"] as { readonly id: string }).id;
  await app.app.engine.result(runId, AbortSignal.timeout(120_000));
  const decided = (await decisionsOf(runId)).filter(({ action }) => action.kind === "tool.call");
  assert.deepEqual(
    decided.map(({ decision }) => decision.rule),
    ["small-payments", "small-payments", "small-payments", "three-a-run", "three-a-run", "three-a-run"],
  );
  assert.deepEqual(
    decided.map(({ action }) => action.facts?.run?.calls["pay"] ?? 0),
    [0, 1, 2, 3, 3, 3],
  );
});

test("a fork is told of the calls it keeps", async () => {
  const { body } = await ask("/v1/runs", { workflow: "pay-all", input: { amounts: [1, 2, 3] }, wait: true });
  const runId = (body["run"] as { readonly id: string }).id;
  await app.app.engine.result(runId, AbortSignal.timeout(120_000));
  const last = (await decisionsOf(runId)).findLast(({ action }) => action.kind === "tool.call");
  const owner = { id: "owner", tenant: "default", roles: ["owner"] };
  const fork = await app.app.engine.fork(runId, { beforeKey: last?.key ?? "" }, owner);
  await app.app.engine.result(fork.runId, AbortSignal.timeout(120_000));
  const again = (await decisionsOf(fork.runId)).find(({ action }) => action.kind === "tool.call");
  assert.deepEqual(again?.action.facts?.run?.calls, { pay: 2 });
});

test("a file that changes is in force at once; one that is wrong is not, says where, and the one before it stays", async () => {
  await writeFile(path, POLICY.replace("max: 100", "max: 10"));
  const { body: next } = await ask("/v1/policy/reload", {});
  assert.equal(next["status"], "in-force");
  assert.equal((await call(99)).status, 403);
  await writeFile(path, POLICY.replace("effect: deny", "efect: deny"));
  const { body: broken } = await ask("/v1/policy/reload", {});
  assert.equal(broken["status"], "broken");
  assert.equal(broken["policyHash"], next["policyHash"]);
  assert.match(
    JSON.stringify(broken["problems"]),
    /"line":11,"column":5,"message":"rules\[1\].efect is no key of a policy, did you mean effect\?/,
  );
  assert.equal((await call(9)).status, 200);
  assert.match(JSON.stringify((await ask("/")).body["off"]), /tool policy.*the one before it stays in force.*tutti policy check/);
  await rm(path);
  assert.equal((await ask("/v1/policy/reload", {})).body["status"], "broken");
  assert.equal((await call(99)).status, 403);
  await writeFile(path, POLICY);
  assert.equal((await ask("/v1/policy/reload", {})).body["status"], "in-force");
  assert.equal((await call(99)).status, 200);
});

test("a file that changes is found without being told", async () => {
  const next = app.app.policy.nextState();
  await writeFile(path, POLICY.replace("max: 100", "max: 50"));
  assert.equal((await next).status, "in-force");
  assert.equal((await call(99)).status, 403);
  await writeFile(path, POLICY);
  await ask("/v1/policy/reload", {});
});

test("a start with a file that is wrong allows nothing but looking and stopping, and says so", async () => {
  const wrong = join(folder, "wrong.yaml");
  await writeFile(wrong, "rules: [");
  await using closed = await startTestApp({ toolPolicyPath: wrong });
  const echo = await ask("/v1/tools/execute", { tool: "echo", input: { text: "hi" } }, closed);
  assert.equal(echo.status, 403);
  assert.match(JSON.stringify(echo.body), /tool policy is not right/);
  const { body } = await ask("/v1/health/components", undefined, closed);
  const found = (body["components"] as unknown as readonly { readonly name: string }[]).find(({ name }) => name === "tool policy");
  assert.partialDeepStrictEqual(found, { status: "down", todo: "mend what `tutti policy check` says" });
});

test("checking says everything that is wrong, warns of tools that are not there, and puts nothing in force", async () => {
  const { body: before } = await ask("/v1/policy");
  const text = POLICY.replace("tool: pay }", "tool: pya }");
  const { body: odd } = await ask("/v1/policy/check", { files: [{ name: "new.yaml", text }] });
  assert.equal(odd["ok"], true);
  assert.match(
    JSON.stringify(odd["warnings"]),
    /"name":"new.yaml","line":6,"column":20,"message":"rule small-payments names the tool \\"pya\\", which is not there; did you mean pay\?"/,
  );
  const { body: wrong } = await ask("/v1/policy/check", {
    files: [{ text: "rules: [{ id: a, effect: deny, reason: r, when: { input: { /x: { matches: '(' } } } }]" }],
  });
  assert.match(JSON.stringify(wrong), /"ok":false.*RE2/);
  assert.equal((await ask("/v1/policy")).body["hash"], before["hash"]);
});

test("explaining names the rule that decided, what each wanted and got, and answers for recorded steps too", async () => {
  const action = { kind: "tool.call", resource: "pay", input: { to: "ada", amount: 500 } };
  const { body } = await ask("/v1/policy/explain", { action });
  assert.partialDeepStrictEqual(body, {
    decision: { effect: "deny", rule: "three-a-run" },
    rules: { speaking: [{ id: "three-a-run", holds: "unknown" }], near: [{ id: "small-payments", holds: "no" }] },
  });
  assert.match(JSON.stringify(body), /input \/amount at most 100 and above 0","got":"500","holds":"no"/);
  const refused = await call(101);
  const { body: runs } = await ask("/v1/runs?limit=1");
  const [run] = runs["runs"] as unknown as readonly { readonly id: string }[];
  const { body: told } = await ask("/v1/policy/explain", { run: { runId: run?.id ?? "" } });
  assert.equal(refused.status, 403);
  assert.partialDeepStrictEqual(told, { decision: { rule: "default-deny" }, recorded: { decision: { rule: "default-deny" }, key: "0" } });
});

test("a policy in the shadow does not act; where it differs is counted and journaled, and listed", async () => {
  const shadowPath = join(folder, "shadow.yaml");
  await writeFile(shadowPath, POLICY.replace("max: 100", "max: 10"));
  await using shaded = await startTestApp({ toolPolicyPath: path, shadowPolicyPath: shadowPath, inlinePlugins: [plugin] });
  const paid = await call(50, shaded);
  await call(5, shaded);
  assert.equal(paid.status, 200);
  const { body } = await ask("/v1/policy/shadow", undefined, shaded);
  assert.partialDeepStrictEqual(body, {
    changed: 1,
    byChange: { "allow → deny": 1 },
    shadow: { status: "in-force", counts: { differed: 1, byChange: { "allow → deny": 1 } } },
    changes: [{ runId: paid.body["runId"], resource: "pay", from: { rule: "small-payments" }, to: { rule: "default-deny" } }],
  });
});

test("a replay says what recorded calls would have got, by the facts that were recorded with them", async () => {
  await using fresh = await startTestApp({ toolPolicyPath: path, inlinePlugins: [plugin] });
  for (const amount of [5, 50, 500]) await call(amount, fresh);
  const files = [{ name: "new.yaml", text: POLICY.replace("above: 0, max: 100", "above: 10, max: 1000") }];
  const { body } = await ask("/v1/policy/replay", { files }, fresh);
  assert.partialDeepStrictEqual(body, {
    changed: 2,
    byChange: { "allow → deny": 1, "deny → allow": 1 },
    nextPosition: null,
    withoutFacts: 0,
  });
  const since = new Date(Date.now() + 60_000).toISOString();
  assert.equal((await ask("/v1/policy/replay", { files, since }, fresh)).body["decided"], 0);
  const { body: compared } = await ask("/v1/policy/replay", { files, against: [{ name: "old.yaml", text: POLICY }] }, fresh);
  assert.partialDeepStrictEqual(compared, { changed: 2, rules: { added: [], removed: [], same: 1 } });
  assert.match(JSON.stringify(compared["rules"]), /"keys":\["when"\]/);
});
