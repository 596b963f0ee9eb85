import assert from "node:assert/strict";
import { test } from "node:test";
import type { Principal } from "@tutti/core";
import { flow, never, owner, runToEnd, waitFor, type Open } from "./setup.ts";

const clerk: Principal = { id: "clerk", tenant: "default", roles: ["clerk"] };

/** Approvals as a first-class wait: who, why, until when, what then. */
export function approvingTests(open: Open): void {
  test("an approval waits for somebody it names, and tells who answered and why", async () => {
    const pay = flow("pay", async (ctx) => ({
      ...(await ctx.approve({ question: "Pay 90 €?", detail: { amount: 90 }, approvers: ["owner"] })),
    }));
    await using under = await open({ workflows: [pay] });
    const { runId } = await under.engine.start("pay", null, { principal: owner });
    const { key, approval } = await waitFor(under, runId, "approval");
    assert.deepEqual(approval, { question: "Pay 90 €?", detail: { amount: 90 }, approvers: ["owner"] });
    await assert.rejects(under.engine.answer(runId, { key, approved: true, reason: "mine" }, clerk), { code: "denied" });
    await assert.rejects(under.engine.answer(runId, { key: "9", approved: true, reason: "?" }, owner), { code: "conflict" });
    await under.engine.answer(runId, { key, approved: false, reason: "too much" }, owner);
    assert.deepEqual(await under.engine.result(runId, never), { approved: false, by: "owner", reason: "too much" });
    await assert.rejects(under.engine.answer(runId, { key, approved: true, reason: "late" }, owner), { code: "conflict" });
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("an approval that nobody answers in time is what the request says, or approval_timeout", async () => {
    const ask = flow("ask", async (ctx) => [
      (await ctx.approve({ question: "Yes?", timeoutMs: 5, otherwise: "approve" })).approved,
      (await ctx.approve({ question: "No?", timeoutMs: 5, otherwise: "refuse" })).approved,
      await ctx.approve({ question: "Well?", timeoutMs: 5 }).then(
        () => "answered",
        (error: { readonly code: string }) => error.code,
      ),
    ]);
    await using under = await open({ workflows: [ask] });
    const { runId, output } = await runToEnd(under, "ask");
    assert.deepEqual(output, [true, false, "approval_timeout"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("an approval goes on waiting after a restart, and an answer that came before is not asked for again", async () => {
    const twice = flow("twice", async (ctx) => {
      const first = await ctx.approve({ question: "First?" });
      const second = await ctx.approve({ question: "Second?" });
      return [first.approved, second.approved];
    });
    const under = await open({ workflows: [twice] });
    const { runId } = await under.engine.start("twice", null, { principal: owner });
    const { key } = await waitFor(under, runId, "approval");
    await under.engine.answer(runId, { key, approved: true, reason: "" }, owner);
    await using again = await under.reopen({ workflows: [twice] });
    await again.engine.recover();
    for (;;) {
      const wait = await waitFor(again, runId, "approval");
      if (wait.name !== "Second?") continue;
      await again.engine.answer(runId, { key: wait.key, approved: true, reason: "" }, owner);
      break;
    }
    assert.deepEqual(await again.engine.result(runId, never), [true, true]);
  });
}
