import assert from "node:assert/strict";
import { test } from "node:test";
import type { Workflow } from "@tutti/core";
import { flow, never, owner, runToEnd, types, type EngineUnderTest, type Open } from "./setup.ts";

/** Workflows that changed or went away. */
export function replayTests(open: Open): void {
  const steps = (names: readonly string[]): Workflow =>
    flow("steps", async (ctx) => {
      for (const name of names) await ctx.step(name, () => name);
      return (await ctx.waitFor("go")) ?? null;
    });
  const waiting = async (under: EngineUnderTest): Promise<string> => {
    const { runId } = await under.engine.start("steps", null, { principal: owner });
    while (!types(await under.events(runId)).includes("step.waiting")) await new Promise(setImmediate);
    return runId;
  };

  for (const [change, names] of [
    ["asks for another step", ["a", "x"]],
    ["no longer asks for a step", ["a"]],
  ] as const) {
    test(`a workflow that ${change} pauses its run and says where, and goes on when the old one is back`, async () => {
      const under = await open({ workflows: [steps(["a", "b"])] });
      const runId = await waiting(under);
      const changed = await under.reopen({ workflows: [steps(names)] });
      await changed.engine.recover();
      while (!types(await changed.events(runId)).includes("run.paused")) await new Promise((resolve) => setTimeout(resolve, 5));
      const paused = (await changed.events(runId)).at(-1);
      assert.ok(paused?.type === "run.paused");
      assert.equal(paused.code, "workflow_changed");
      assert.match(paused.message, /"b"/);
      await using back = await changed.reopen({ workflows: [steps(["a", "b"])] });
      await back.engine.recover();
      await back.engine.signal(runId, { name: "go", value: "on" }, owner);
      assert.equal(await back.engine.result(runId, never), "on");
    });
  }

  test("a run that cannot go on can be cancelled, whether its workflow changed or is gone", async () => {
    for (const workflows of [[steps(["a", "x"])], []]) {
      const under = await open({ workflows: [steps(["a", "b"])] });
      const runId = await waiting(under);
      await using changed = await under.reopen({ workflows });
      await changed.engine.recover();
      while (!types(await changed.events(runId)).includes("run.paused")) await new Promise((resolve) => setTimeout(resolve, 5));
      await changed.engine.cancel(runId, "given up", owner);
      while (types(await changed.events(runId)).at(-1) !== "run.cancelled") await new Promise((resolve) => setTimeout(resolve, 5));
      await assert.rejects(changed.engine.cancel(runId, "again", owner), { code: "conflict" });
    }
  });

  test("a workflow that is no longer installed pauses its run", async () => {
    const under = await open({ workflows: [steps(["a"])] });
    const runId = await waiting(under);
    await using gone = await under.reopen({ workflows: [] });
    assert.equal(await gone.engine.recover(), 0);
    const last = (await gone.events(runId)).at(-1);
    assert.ok(last?.type === "run.paused" && last.message.includes("not installed"));
  });

  test("a replay of a changed workflow tells the difference and does nothing", async () => {
    let effects = 0;
    const version = (word: string): Workflow =>
      flow("word", async (ctx) => `${await ctx.step("word", () => ((effects += 1), "w"))}${word}`);
    const under = await open({ workflows: [version("1")] });
    const { runId } = await runToEnd(under, "word");
    await using changed = await under.reopen({ workflows: [version("2")] });
    const replay = await changed.engine.replay(runId);
    assert.ok(!replay.matches && replay.reason.includes("w2"));
    assert.equal(effects, 1);
  });
}
