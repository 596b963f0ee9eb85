import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { canonicalJson, type ApprovalRequest, type Decision, type Event, type Json, type Plugin } from "@tutti/core";
import type { ApprovalTerms } from "@tutti/core/policy";
import { z } from "zod";
import { startTestApp, type TestApp } from "../../testing.ts";

/** A tool that pays, about which policy asks; what it did is in `paid`. */
function bank(asks: (input: { readonly to: string; readonly amount: number }) => Decision | undefined = () => undefined) {
  const paid: Json[] = [];
  const ask = (approval?: ApprovalTerms): Decision => ({
    effect: "ask",
    reason: "payments are looked at",
    rule: "payments",
    ...(approval && { approval }),
  });
  const plugin: Plugin = {
    name: "bank",
    tools: [
      {
        name: "pay",
        description: "Pays.",
        effect: "write",
        input: z.object({ to: z.string(), amount: z.number().max(1000), note: z.string().default("") }),
        parameters: {},
        run: async (input) => {
          paid.push(input);
          return { paid: true };
        },
      },
      {
        name: "refund",
        description: "Pays back.",
        effect: "write",
        input: z.object({ to: z.string(), amount: z.number() }),
        parameters: {},
        run: async () => "refunded",
      },
    ],
    policies: [
      ({ kind, resource, input }) =>
        kind === "tool.call" && (resource === "pay" || resource === "refund")
          ? (asks(input as { readonly to: string; readonly amount: number }) ?? ask())
          : undefined,
    ],
  } as Plugin;
  return { plugin, paid, ask };
}

const INPUT = { to: "acme", amount: 12 };

interface Answer {
  readonly status: number;
  readonly body: {
    readonly approvalId: string;
    readonly runId: string;
    readonly argsHash: string;
    readonly grant: { readonly approvalId: string };
  } & { readonly error?: { readonly code: string; readonly message: string } };
}

async function post(app: TestApp, path: string, body: unknown): Promise<Answer> {
  const response = await app.fetch(path, body);
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

const approve = (app: TestApp, body: unknown): Promise<Answer> => post(app, "/v1/tools/approve", body);
const execute = (app: TestApp, body: unknown): Promise<Answer> => post(app, "/v1/tools/execute", body);

async function events(app: TestApp, runId: string): Promise<readonly Event[]> {
  return app.app.store.read(runId, { afterSeq: 0, limit: 1000 });
}

async function newestRun(app: TestApp): Promise<string> {
  const [run] = await app.app.store.runs({ workflow: "tutti.tool-call", limit: 1 });
  return run?.id ?? "";
}

/** The question that a run asks, once it does. */
async function question(app: TestApp): Promise<{ readonly runId: string; readonly key: string } & ApprovalRequest> {
  for (;;) {
    const { approvals } = (await (await app.fetch("/v1/approvals")).json()) as {
      readonly approvals: readonly ({ readonly runId: string; readonly key: string } & ApprovalRequest)[];
    };
    const [first] = approvals;
    if (first !== undefined) return first;
    const came = Promise.withResolvers<void>();
    using _ = app.app.engine.subscribe(() => came.resolve());
    await Promise.race([came.promise, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
}

test("a call that policy asks about is refused as missing_approval, and says how to get one", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const { status, body } = await execute(app, { tool: "pay", input: INPUT });
  assert.equal(status, 403);
  assert.equal(body.error?.code, "missing_approval");
  assert.match(body.error?.message ?? "", /payments are looked at.*POST \/v1\/tools\/approve.*"wait": true/);
  assert.deepEqual(paid, []);
});

test("an approval is bound to what the input says, not to how it is written; it is used once, and the receipt names it", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const given = await approve(app, { tool: "pay", input: INPUT, reason: "we need chairs" });
  assert.equal(given.status, 201);
  const whole = { amount: 12, note: "", to: "acme" };
  const argsHash = createHash("sha256").update(canonicalJson(whole)).digest("hex");
  assert.equal(given.body.argsHash, argsHash);
  const { approvalId } = given.body;
  const done = await execute(app, { tool: "pay", input: { amount: 12.0, to: "acme", note: "" }, approvalId });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  assert.deepEqual(paid, [whole]);
  const again = await execute(app, { tool: "pay", input: INPUT, approvalId });
  assert.equal(again.body.error?.code, "already_consumed");
  assert.equal(paid.length, 1);
  const decisions = (await events(app, done.body.runId)).filter((event) => event.type === "policy.decided");
  const last = decisions.at(-1);
  assert.deepEqual(last?.approved, { approvalId, by: ["owner"], reason: "we need chairs", argsHash });
  assert.deepEqual(last?.decision, { effect: "allow", rule: "payments", reason: "approved by owner: we need chairs" });
  const receipt = await (await app.fetch(`/v1/trust/verify/${approvalId}`)).json();
  assert.partialDeepStrictEqual(receipt, { valid: true, events: 2 });
});

test("each way in which an approval does not fit is refused by its own name, and uses nothing up", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const { approvalId } = (await approve(app, { tool: "pay", input: INPUT })).body;
  const other = (await approve(app, { tool: "pay", input: INPUT, principal: "somebody" })).body.approvalId;
  const old = (await approve(app, { tool: "pay", input: INPUT, expiresInMs: 1 })).body.approvalId;
  const taken = (await approve(app, { tool: "pay", input: INPUT })).body.approvalId;
  await post(app, `/v1/approvals/grants/${taken}/revoke`, { reason: "no longer" });
  const codes: (string | undefined)[] = [];
  for (const body of [
    { tool: "pay", input: INPUT },
    { tool: "pay", input: INPUT, approvalId: "0197e1a0-0000-7000-8000-000000000002" },
    { tool: "refund", input: INPUT, approvalId },
    { tool: "pay", input: { ...INPUT, amount: 13 }, approvalId },
    { tool: "pay", input: INPUT, approvalId: other },
    { tool: "pay", input: INPUT, approvalId: old },
    { tool: "pay", input: INPUT, approvalId: taken },
  ])
    codes.push((await execute(app, body)).body.error?.code);
  assert.deepEqual(codes, [
    "missing_approval",
    "unknown_approval",
    "tool_mismatch",
    "args_hash_mismatch",
    "principal_mismatch",
    "expired",
    "revoked",
  ]);
  assert.deepEqual(paid, []);
  assert.equal((await execute(app, { tool: "pay", input: INPUT, approvalId })).status, 200);
  assert.equal((await execute(app, { tool: "pay", input: INPUT, approvalId })).body.error?.code, "already_consumed");
});

test("of a hundred calls with one approval at once, exactly one is made", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const { approvalId } = (await approve(app, { tool: "pay", input: INPUT })).body;
  const answers = await Promise.all(Array.from({ length: 100 }, () => execute(app, { tool: "pay", input: INPUT, approvalId })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ body }) => body.error?.code === "already_consumed").length, 99);
  assert.equal(paid.length, 1);
});

test("what nobody may do is refused whatever anybody approves, and whoever approves their own is told so at once", async () => {
  const { plugin, ask } = bank(({ amount, to }) => {
    if (amount > 500) return { effect: "deny", reason: "too much", rule: "limit" };
    return to === "self" ? ask({ isFourEyes: true }) : undefined;
  });
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  assert.equal((await approve(app, { tool: "pay", input: { to: "acme", amount: 600 } })).body.error?.code, "denied");
  assert.equal((await approve(app, { tool: "pay", input: { to: "self", amount: 1 } })).body.error?.code, "approver_mismatch");
  const foreign = await approve(app, { tool: "pay", input: { to: "acme", amount: 2000 } });
  assert.equal(foreign.body.error?.code, "invalid_input");
});

test("with wait, the run waits for people, who see the call's hash; an answer to another hash is refused", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const waiting = execute(app, { tool: "pay", input: INPUT, wait: true });
  const { runId, key, call, detail } = await question(app);
  assert.equal(call?.tool, "pay");
  assert.equal(call.argsHash, createHash("sha256").update(canonicalJson(detail)).digest("hex"));
  const wrong = await post(app, `/v1/runs/${runId}/approvals/${key}`, { approved: true, argsHash: "0".repeat(64) });
  assert.equal(wrong.body.error?.code, "args_hash_mismatch");
  await post(app, `/v1/runs/${runId}/approvals/${key}`, { approved: true, argsHash: call.argsHash, reason: "fine" });
  assert.equal((await waiting).status, 200);
  assert.equal(paid.length, 1);
  const last = (await events(app, runId)).findLast((event) => event.type === "policy.decided" && event.approved !== undefined);
  assert.partialDeepStrictEqual(last, { approved: { approvalId: `${runId}/${key}`, by: ["owner"], reason: "fine" } });
});

test("an approver may change the input: its hash is new, its schema is checked, policy decides it again, both stand in the log", async () => {
  const { plugin, paid } = bank(({ amount }) => (amount > 500 ? { effect: "deny", reason: "too much", rule: "limit" } : undefined));
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const waiting = execute(app, { tool: "pay", input: { to: "acme", amount: 400 }, wait: true });
  const { runId, key, call } = await question(app);
  const answer = (input: unknown): Promise<Answer> =>
    post(app, `/v1/runs/${runId}/approvals/${key}`, { approved: true, reason: "less will do", input });
  assert.equal((await answer({ to: "acme", amount: "many" })).body.error?.code, "invalid_input");
  const denied = await answer({ to: "acme", amount: 600 });
  assert.equal(denied.body.error?.code, "denied");
  assert.match(denied.body.error?.message ?? "", /too much/);
  assert.equal((await answer({ to: "acme", amount: 40 })).status, 202);
  assert.equal((await waiting).status, 200);
  assert.deepEqual(paid, [{ to: "acme", amount: 40, note: "" }]);
  const log = await events(app, runId);
  const answered = log.find((event) => event.type === "approval.answered");
  assert.equal(answered?.argsHash, call?.argsHash);
  assert.deepEqual(answered?.edited?.input, { to: "acme", amount: 40, note: "" });
  assert.notEqual(answered?.edited?.argsHash, call?.argsHash);
  const amounts = log.flatMap((event) =>
    event.type === "policy.decided" && event.action.kind === "tool.call"
      ? [`${(event.action.input as { readonly amount: number }).amount} ${event.decision.effect}`]
      : [],
  );
  assert.deepEqual(amounts, ["400 ask", "600 deny", "40 ask", "40 allow"]);
  assert.equal((await app.app.engine.replay(runId)).matches, true);
});

test("a rule that names approvers, two of them or four eyes is held to, for answers and for approvals given before", async () => {
  const { plugin, paid, ask } = bank(({ to }) => ask(to === "two" ? { approvalsMin: 2 } : { isFourEyes: true }));
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const waiting = execute(app, { tool: "pay", input: { to: "two", amount: 1 }, wait: true });
  const { runId, key } = await question(app);
  const ada = { id: "ada", tenant: "default", roles: ["owner"] };
  await app.app.engine.answer(runId, { key, approved: true, reason: "one" }, ada);
  await assert.rejects(app.app.engine.answer(runId, { key, approved: true, reason: "again" }, ada), { code: "conflict" });
  assert.deepEqual(paid, []);
  assert.equal((await post(app, `/v1/runs/${runId}/approvals/${key}`, { approved: true, reason: "two" })).status, 202);
  assert.equal((await waiting).status, 200);
  const [last] = (await events(app, runId)).filter((event) => event.type === "policy.decided" && event.approved !== undefined);
  assert.partialDeepStrictEqual(last, { approved: { by: ["ada", "owner"], reason: "one; two" } });

  const given = (await approve(app, { tool: "pay", input: { to: "two", amount: 2 } })).body.approvalId;
  const alone = await execute(app, { tool: "pay", input: { to: "two", amount: 2 }, approvalId: given });
  assert.equal(alone.body.error?.code, "missing_approval");
  await app.app.approvals.second(given, "me too", ada);
  assert.equal((await execute(app, { tool: "pay", input: { to: "two", amount: 2 }, approvalId: given })).status, 200);

  const own = execute(app, { tool: "pay", input: { to: "eyes", amount: 3 }, wait: true });
  const asked = await question(app);
  const mine = await post(app, `/v1/runs/${asked.runId}/approvals/${asked.key}`, { approved: true });
  assert.equal(mine.body.error?.code, "denied");
  await app.app.engine.answer(asked.runId, { key: asked.key, approved: true, reason: "looked" }, ada);
  assert.equal((await own).status, 200);
});

test("a standing grant lets fitting calls through until its uses or its amount are used up, and is revoked at once", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const made = await post(app, "/v1/approvals/grants", {
    tool: "pay",
    where: { to: { pattern: "acme|bolt" }, amount: { max: 50 } },
    usesMax: 3,
    amount: { path: "amount", max: 0.3 },
    expiresInMs: 60_000,
    reason: "small things",
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const pay = async (to: string, amount: number): Promise<string | undefined> =>
    (await execute(app, { tool: "pay", input: { to, amount } })).body.error?.code;
  assert.equal(await pay("acme", 0.1), undefined);
  assert.equal(await pay("carl", 0.1), "missing_approval");
  assert.equal(await pay("bolt", 0.2), undefined);
  assert.equal(await pay("acme", 0.01), "missing_approval");
  assert.equal(await pay("acme", 0), undefined);
  assert.equal(await pay("acme", 0), "missing_approval");
  assert.equal(paid.length, 3);
  const id = made.body.grant.approvalId;
  const { grant } = (await (await app.fetch(`/v1/approvals/grants/${id}`)).json()) as { readonly grant: Json };
  assert.partialDeepStrictEqual(grant, { status: "used up", used: 3, amountLeft: 0, by: ["owner"], reason: "small things" });
  const last = (await events(app, await newestRun(app))).map(({ type }) => type);
  assert.ok(last.length > 0);

  const other = await post(app, "/v1/approvals/grants", { tool: "refund", usesMax: 9, expiresInMs: 60_000, principal: "owner" });
  const refund = { tool: "refund", input: INPUT };
  assert.equal((await execute(app, refund)).status, 200);
  const otherId = other.body.grant.approvalId;
  assert.equal((await post(app, `/v1/approvals/grants/${otherId}/revoke`, { reason: "enough" })).status, 200);
  assert.equal((await execute(app, refund)).body.error?.code, "missing_approval");
  const { grants } = (await (await app.fetch("/v1/approvals/grants")).json()) as { readonly grants: readonly Json[] };
  assert.deepEqual(grants, []);
  const all = (await (await app.fetch("/v1/approvals/grants?all=true")).json()) as { readonly grants: readonly Json[] };
  assert.equal(all.grants.length, 2);
});

test("of many calls at once a grant lets through as many as it has uses, and counts each", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await post(app, "/v1/approvals/grants", { tool: "pay", usesMax: 7, expiresInMs: 60_000 });
  const answers = await Promise.all(Array.from({ length: 40 }, () => execute(app, { tool: "pay", input: INPUT })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 7);
  assert.equal(paid.length, 7);
});

test("a fork of a run does not take the approval along", async () => {
  const { plugin, paid } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const waiting = execute(app, { tool: "pay", input: INPUT, wait: true });
  const { runId, key } = await question(app);
  await post(app, `/v1/runs/${runId}/approvals/${key}`, { approved: true });
  await waiting;
  const fork = await app.app.engine.fork(runId, { beforeKey: key }, { id: "owner", tenant: "default", roles: ["owner"] });
  assert.equal((await question(app)).runId, fork.runId);
  assert.equal(paid.length, 1);
});

test("old runs are removed, but not the log of an approval that can still be used", async () => {
  const { plugin } = bank();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const open = (await approve(app, { tool: "pay", input: INPUT })).body.approvalId;
  const used = (await approve(app, { tool: "pay", input: INPUT })).body.approvalId;
  await execute(app, { tool: "pay", input: INPUT, approvalId: used });
  // By the clock of tomorrow, all that ended today is old.
  await app.app.retention.prune({ days: -1 });
  assert.equal(await app.app.store.run(used), undefined);
  assert.equal((await execute(app, { tool: "pay", input: INPUT, approvalId: open })).status, 200);
});
