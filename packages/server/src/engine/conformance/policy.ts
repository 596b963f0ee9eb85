import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Action, type Decision, type Json, type Principal, type Tool } from "@tutti/core";
import { anything, flow, never, owner, runToEnd, types, waitFor, type Open } from "./setup.ts";

/** Decisions and their traces. */
export function policyTests(open: Open): void {
  const allow: Decision = { effect: "allow", reason: "fine", rule: "test" };
  const spell: Tool = {
    name: "spell",
    description: "Spells.",
    effect: "write",
    input: anything,
    parameters: {},
    run: () => Promise.resolve("spelt"),
  };

  test("a start that policy refuses leaves a receipt of the refusal and runs nothing", async () => {
    let ran = false;
    const secret = flow("secret", () => Promise.resolve((ran = true)));
    await using under = await open({ workflows: [secret], decide: () => ({ effect: "deny", reason: "not yours", rule: "test" }) });
    const runId = "0197e1a0-0000-7000-8000-000000000002";
    await assert.rejects(under.engine.start("secret", null, { principal: owner, runId }), { code: "denied", message: /not yours/ });
    assert.equal(ran, false);
    assert.deepEqual(types(await under.events(runId)), ["run.started", "policy.decided", "run.failed"]);
  });

  test("a tool call is decided, with its input and the policy's hash in the log; what needs approval waits for it", async () => {
    const cast = flow("cast", (ctx) => ctx.call("spell", { word: "abc" }));
    await using under = await open({
      workflows: [cast],
      tools: [spell],
      decide: (kind) => (kind === "tool.call" ? { effect: "ask", reason: "a person has to look", rule: "careful" } : allow),
    });
    const { runId } = await under.engine.start("cast", null, { principal: owner });
    const wait = await waitFor(under, runId, "approval");
    assert.match(wait.name, /a person has to look/);
    assert.deepEqual(wait.approval?.detail, { word: "abc" });
    await under.engine.answer(runId, { key: wait.key, approved: true, reason: "looked" }, owner);
    assert.equal(await under.engine.result(runId, never), "spelt");
    const decided = (await under.events(runId)).find((event) => event.type === "policy.decided" && event.action.kind === "tool.call");
    assert.ok(decided?.type === "policy.decided");
    assert.deepEqual(decided.action.input, { word: "abc" });
    assert.equal(decided.policyHash.length, 64);
  });

  test("calls are counted over the whole tree of runs: children, their parents, and what a run goes on as", async () => {
    const seen: Json[] = [];
    const once = flow("once", (ctx) => ctx.call("spell", null));
    const tree = flow("tree", async (ctx) => {
      await ctx.call("spell", null);
      await ctx.start("once", null);
      await ctx.join(await ctx.spawn("once", null));
      return ctx.call("spell", null);
    });
    const turning = flow("turning", async (ctx, input) => {
      await ctx.call("spell", null);
      return input === null ? ctx.continueAsNew("again") : null;
    });
    const above = flow("above", async (ctx) => {
      await ctx.start("turning", null);
      return ctx.call("spell", null);
    });
    const decide = (kind: string, _: string, { facts }: Action): Decision => {
      if (kind === "tool.call") seen.push(facts?.run?.calls["spell"] ?? 0);
      return allow;
    };
    await using under = await open({ workflows: [once, tree, turning, above], tools: [spell], decide });
    await runToEnd(under, "tree");
    await runToEnd(under, "above");
    assert.deepEqual(seen, [0, 1, 2, 3, 0, 1, 2]);
  });

  test("calls of a child that has ended still count after a restart, and in a fork", async () => {
    const seen: Json[] = [];
    const once = flow("once", (ctx) => ctx.call("spell", null));
    const pausing = flow("pausing", async (ctx) => {
      await ctx.start("once", null);
      await ctx.waitFor("go");
      return ctx.call("spell", null);
    });
    const decide = (kind: string, _: string, { facts }: Action): Decision => {
      if (kind === "tool.call") seen.push(facts?.run?.calls["spell"] ?? 0);
      return allow;
    };
    const setup = { workflows: [once, pausing], tools: [spell], decide };
    const under = await open(setup);
    const { runId } = await under.engine.start("pausing", null, { principal: owner });
    await waitFor(under, runId, "signal");
    await using again = await under.reopen(setup);
    await again.engine.signal(runId, { name: "go", value: null }, owner);
    await again.engine.result(runId, never);
    const fork = await again.engine.fork(runId, { beforeKey: "2" }, owner);
    await again.engine.result(fork.runId, never);
    assert.deepEqual(seen, [0, 1, 1]);
  });

  test("an answer is bound to the input's hash; a person may put another input in its place, which policy decides again", async () => {
    const inputs: Json[] = [];
    const cast = flow("cast", (ctx) => ctx.call("spell", { word: "abc" }));
    const tool: Tool = {
      ...spell,
      run: (input) => {
        inputs.push(input);
        return Promise.resolve("spelt");
      },
    };
    const decide = (kind: string): Decision => (kind === "tool.call" ? { effect: "ask", reason: "look", rule: "careful" } : allow);
    await using under = await open({ workflows: [cast], tools: [tool], decide });
    const { runId } = await under.engine.start("cast", null, { principal: owner });
    const { key, approval } = await waitFor(under, runId, "approval");
    const other = "0".repeat(64);
    await assert.rejects(under.engine.answer(runId, { key, approved: true, reason: "", argsHash: other }, owner), {
      code: "args_hash_mismatch",
    });
    const edited = { key, approved: true, reason: "shorter", argsHash: approval?.call?.argsHash, input: { word: "a" } };
    await under.engine.answer(runId, edited, owner);
    assert.equal(await under.engine.result(runId, never), "spelt");
    assert.deepEqual(inputs, [{ word: "a" }]);
    const decided = (await under.events(runId)).filter((event) => event.type === "policy.decided" && event.action.kind === "tool.call");
    assert.deepEqual(
      decided.map((event) => event.type === "policy.decided" && [event.decision.effect, event.action.input, event.approved?.by]),
      [
        ["ask", { word: "abc" }, undefined],
        ["ask", { word: "a" }, undefined],
        ["allow", { word: "a" }, ["owner"]],
      ],
    );
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("an approval by two waits for the second after a restart, and an edit asks everybody again", async () => {
    const cast = flow("cast", (ctx) => ctx.call("spell", { word: "abc" }));
    const decide = (kind: string): Decision =>
      kind === "tool.call" ? { effect: "ask", reason: "look", rule: "careful", approval: { approvalsMin: 2, isFourEyes: true } } : allow;
    const setup = { workflows: [cast], tools: [spell], decide };
    const under = await open(setup);
    const { runId } = await under.engine.start("cast", null, { principal: owner });
    const { key } = await waitFor(under, runId, "approval");
    const by = (id: string): Principal => ({ ...owner, id });
    await assert.rejects(under.engine.answer(runId, { key, approved: true, reason: "" }, owner), { code: "denied" });
    await under.engine.answer(runId, { key, approved: true, reason: "one" }, by("ada"));
    await under.engine.answer(runId, { key, approved: true, reason: "but so", input: { word: "xyz" } }, by("bob"));
    await using again = await under.reopen(setup);
    await again.engine.recover();
    const wait = await waitFor(again, runId, "approval");
    assert.deepEqual(wait.approval?.detail, { word: "xyz" });
    await again.engine.answer(runId, { key, approved: true, reason: "yes", argsHash: wait.approval.call?.argsHash }, by("ada"));
    assert.equal(await again.engine.result(runId, never), "spelt");
    const last = (await again.events(runId)).findLast((event) => event.type === "policy.decided" && event.approved !== undefined);
    assert.deepEqual(last?.type === "policy.decided" && last.approved?.by, ["bob", "ada"]);
  });

  test("a tool call that a person refuses fails with approval_refused and who refused it", async () => {
    let ran = false;
    const cast = flow("cast", (ctx) => ctx.call("spell", null));
    const tool: Tool = { ...spell, run: () => Promise.resolve((ran = true)) };
    const decide = (kind: string): Decision => (kind === "tool.call" ? { effect: "ask", reason: "look", rule: "careful" } : allow);
    await using under = await open({ workflows: [cast], tools: [tool], decide });
    const { runId } = await under.engine.start("cast", null, { principal: owner });
    const { key } = await waitFor(under, runId, "approval");
    await under.engine.answer(runId, { key, approved: false, reason: "too dear" }, owner);
    await assert.rejects(under.engine.result(runId, never), { code: "approval_refused", message: /owner: too dear/ });
    assert.equal(ran, false);
  });

  test("an allowed tool call returns the tool's output, an unknown tool is not found", async () => {
    const cast = flow("cast", async (ctx) => [
      await ctx.call("spell", null),
      await ctx.call("nothing", null).catch((error: unknown) => AppError.from(error).code),
    ]);
    await using under = await open({ workflows: [cast], tools: [spell] });
    assert.deepEqual((await runToEnd(under, "cast")).output, ["spelt", "not_found"]);
  });
}
