import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Decision, type Tool } from "@tutti/core";
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
