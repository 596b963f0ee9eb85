import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json, type RunContext, type Workflow } from "@tutti/core";
import { anything, flow, never, owner, runToEnd, types, waitFor, type Open } from "./setup.ts";

/** Other runs, queries, endless runs, patches, versions and forks. */
export function steeringTests(open: Open): void {
  test("a run spawns others and joins them, sends them signals, and cancels them", async () => {
    const worker = flow("worker", async (ctx, input) => [input, (await ctx.waitFor("go")) ?? null]);
    const boss = flow("boss", async (ctx) => {
      const first = await ctx.spawn("worker", 1);
      const second = await ctx.spawn("worker", 2);
      await ctx.send(first, { name: "go", value: "now" });
      await ctx.cancel(second, "not needed");
      await ctx.cancel(second, "twice is as good as once");
      const code = await ctx.join(second).then(
        () => "completed",
        (error: unknown) => AppError.from(error).code,
      );
      return [await ctx.join(first), code];
    });
    await using under = await open({ workflows: [worker, boss] });
    const { runId, output } = await runToEnd(under, "boss");
    assert.deepEqual(output, [[1, "now"], "cancelled"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a query answers what the workflow knows now, and after its end", async () => {
    const count = flow("count", async (ctx) => {
      let done = 0;
      ctx.onQuery("progress", () => ({ done }));
      for (const name of ["one", "two"]) {
        await ctx.step(name, () => null);
        done += 1;
      }
      await ctx.waitFor("end");
      return "ended";
    });
    await using under = await open({ workflows: [count] });
    const { runId } = await under.engine.start("count", null, { principal: owner });
    await waitFor(under, runId, "signal");
    assert.deepEqual(await under.engine.query(runId, "progress"), { done: 2 });
    await assert.rejects(under.engine.query(runId, "nothing"), { code: "not_found", message: /progress/ });
    await under.engine.signal(runId, { name: "end", value: null }, owner);
    await under.engine.result(runId, never);
    assert.deepEqual(await under.engine.query(runId, "progress"), { done: 2 });
  });

  test("an endless run goes on with a fresh log, keeps signals it has not taken, and is steered under its first id", async () => {
    const counter = flow("counter", async (ctx, input) => {
      const total = Number(input) + Number(await ctx.waitFor("add"));
      return total >= 6 ? total : ctx.continueAsNew(total);
    });
    await using under = await open({ workflows: [counter] });
    const { runId } = await under.engine.start("counter", 0, { principal: owner });
    for (const value of [1, 2, 3]) await under.engine.signal(runId, { name: "add", value }, owner);
    assert.equal(await under.engine.result(runId, never), 6);
    const first = await under.events(runId);
    const end = first.at(-1);
    assert.ok(end?.type === "run.continued");
    const next = (await under.events(end.nextRunId))[0];
    assert.ok(next?.type === "run.started");
    assert.deepEqual(next.origin, { type: "continued", runId });
  });

  test("a signal that is sent again with its id after its run has ended, or gone on, is no error and is not taken twice", async () => {
    const once = flow("once", async (ctx) => (await ctx.waitFor("go")) ?? null);
    const twice = flow("twice", async (ctx, input) =>
      input === null ? ctx.continueAsNew((await ctx.waitFor("go")) ?? "none") : [input, (await ctx.waitFor("go")) ?? "none"],
    );
    await using under = await open({ workflows: [once, twice] });
    const ended = await under.engine.start("once", null, { principal: owner });
    const continued = await under.engine.start("twice", null, { principal: owner });
    for (const { runId } of [ended, continued]) await under.engine.signal(runId, { name: "go", value: 1, id: "a" }, owner);
    await under.engine.result(ended.runId, never);
    await under.engine.signal(ended.runId, { name: "go", value: 1, id: "a" }, owner);
    await assert.rejects(under.engine.signal(ended.runId, { name: "go", value: 1, id: "b" }, owner), { code: "conflict" });
    while ((await under.events(continued.runId)).at(-1)?.type !== "run.continued") await new Promise((resolve) => setImmediate(resolve));
    await under.engine.signal(continued.runId, { name: "go", value: 1, id: "a" }, owner);
    await under.engine.signal(continued.runId, { name: "go", value: 2, id: "b" }, owner);
    assert.deepEqual(await under.engine.result(continued.runId, never), [1, 2]);
  });

  test("signals are checked against the workflow's schemas, and one id is taken once", async () => {
    const text = {
      "~standard": { validate: (value: unknown) => (typeof value === "string" ? { value } : { issues: [{ message: "wanted a text" }] }) },
    };
    const listen = flow("listen", async (ctx) => [(await ctx.waitFor("say")) ?? null, (await ctx.waitFor("say")) ?? null], {
      signals: { say: text },
    });
    await using under = await open({ workflows: [listen] });
    const { runId } = await under.engine.start("listen", null, { principal: owner });
    await assert.rejects(under.engine.signal(runId, { name: "say", value: 3 }, owner), { code: "invalid_input", message: /wanted a text/ });
    await assert.rejects(under.engine.signal(runId, { name: "shout", value: "a" }, owner), {
      code: "invalid_input",
      message: /it takes: say/,
    });
    for (const value of ["a", "a"]) await under.engine.signal(runId, { name: "say", value, id: "1" }, owner);
    await under.engine.signal(runId, { name: "say", value: "b", id: "2" }, owner);
    assert.deepEqual(await under.engine.result(runId, never), ["a", "b"]);
  });

  test("a patch lets old runs go the old way and new ones the new way", async () => {
    const before = flow("work", async (ctx) => {
      const first = await ctx.step("first", () => "old");
      await ctx.waitFor("go");
      return [first, await ctx.step("last", () => "end")];
    });
    const after = flow("work", async (ctx) => {
      const first = (await ctx.patched("better first")) ? await ctx.step("better", () => "new") : await ctx.step("first", () => "old");
      await ctx.waitFor("go");
      return [first, await ctx.step("last", () => "end")];
    });
    const under = await open({ workflows: [before] });
    const old = await under.engine.start("work", null, { principal: owner });
    await waitFor(under, old.runId, "signal");
    await using again = await under.reopen({ workflows: [after] });
    await again.engine.recover();
    const fresh = await again.engine.start("work", null, { principal: owner });
    for (const { runId } of [old, fresh]) await again.engine.signal(runId, { name: "go", value: null }, owner);
    assert.deepEqual(await again.engine.result(old.runId, never), ["old", "end"]);
    assert.deepEqual(await again.engine.result(fresh.runId, never), ["new", "end"]);
    for (const { runId } of [old, fresh]) assert.equal((await again.engine.replay(runId)).matches, true);
  });

  test("a run stays on the version it began with; a paused one is resumed on it once it is installed", async () => {
    const version = (number: string, name: string): Workflow => ({
      name: "work",
      version: number,
      input: anything,
      run: async (ctx) => {
        const made = await ctx.step(name, () => name);
        await ctx.waitFor("go");
        return made;
      },
    });
    const under = await open({ workflows: [version("1", "plan")] });
    const { runId } = await under.engine.start("work", null, { principal: owner });
    await waitFor(under, runId, "signal");
    const paused = await under.reopen({ workflows: [version("2", "design")] });
    await paused.engine.recover();
    await assert.rejects(paused.engine.result(runId, never), { code: "workflow_changed", message: /"plan".*"design"/ });
    await assert.rejects(paused.engine.resume(runId, { version: "1" }, owner), { code: "not_found" });
    await using both = await paused.reopen({ workflows: [version("1", "plan"), version("2", "design")] });
    await both.engine.resume(runId, { version: "1" }, owner);
    await both.engine.signal(runId, { name: "go", value: null }, owner);
    assert.equal(await both.engine.result(runId, never), "plan");
    await assert.rejects(both.engine.resume(runId, {}, owner), { code: "conflict" });
  });

  test("a paused run takes no signals, can be cancelled in the same process, and after a restart", async () => {
    const wait = async (ctx: RunContext, name: string): Promise<Json> => {
      await ctx.step(name, () => name);
      return (await ctx.waitFor("go")) ?? null;
    };
    const under = await open({ workflows: [flow("work", (ctx) => wait(ctx, "plan"))] });
    const runs = [
      await under.engine.start("work", null, { principal: owner }),
      await under.engine.start("work", null, { principal: owner }),
    ];
    for (const { runId } of runs) await waitFor(under, runId, "signal");
    const changed = { workflows: [flow("work", (ctx) => wait(ctx, "design"))] };
    const [first = { runId: "" }, second = { runId: "" }] = runs;
    const again = await under.reopen(changed);
    await again.engine.recover();
    for (const { runId } of runs) await assert.rejects(again.engine.result(runId, never), { code: "workflow_changed" });
    await assert.rejects(again.engine.signal(first.runId, { name: "go", value: 1 }, owner), { code: "conflict", message: /paused/ });
    await again.engine.cancel(first.runId, "no longer needed", owner);
    await assert.rejects(again.engine.result(first.runId, never), { code: "cancelled" });
    await using third = await again.reopen(changed);
    await third.engine.cancel(second.runId, "no longer needed", owner);
    await assert.rejects(third.engine.result(second.runId, never), { code: "cancelled" });
  });

  test("a fork keeps the steps before a place, with other outputs if wanted, and does the rest again", async () => {
    const done: string[] = [];
    const work = flow("work", async (ctx, input) => {
      const step = (name: string, value: Json): Promise<Json> => ctx.step(name, () => (done.push(name), value));
      const [one, two] = await ctx.all([() => Promise.resolve(input), (branch) => branch.step("two", () => (done.push("two"), 2))]);
      return [one ?? null, two ?? null, await step("three", 3), await step("four", 4)];
    });
    await using under = await open({ workflows: [work] });
    const { runId } = await runToEnd(under, "work", "a");
    done.length = 0;
    const fork = await under.engine.fork(runId, { beforeKey: "2", input: "b", outputs: { "0.1.0": 22 } }, owner);
    assert.deepEqual(await under.engine.result(fork.runId, never), ["b", 22, 3, 4]);
    assert.deepEqual(done, ["four"]);
    const first = (await under.events(fork.runId))[0];
    assert.ok(first?.type === "run.started");
    assert.deepEqual(first.origin, { type: "fork", runId });
    await assert.rejects(under.engine.fork(runId, { beforeKey: "77" }, owner), { code: "invalid_input" });
    await assert.rejects(under.engine.fork(runId, { beforeKey: "1", outputs: { "2": 1 } }, owner), { code: "invalid_input" });
  });

  test("a failed run is run again from the step that failed it", async () => {
    let isBroken = true;
    const done: string[] = [];
    const work = flow("work", async (ctx) => {
      await ctx.step("first", () => void done.push("first"));
      await ctx.step("caught", () => Promise.reject(new AppError("invalid_input", "harmless"))).catch(() => undefined);
      return ctx.step("second", () => (isBroken ? Promise.reject(new AppError("invalid_input", "broken")) : "mended"));
    });
    await using under = await open({ workflows: [work] });
    const { runId } = await under.engine.start("work", null, { principal: owner });
    await assert.rejects(under.engine.result(runId, never), { message: "broken" });
    isBroken = false;
    const again = await under.engine.fork(runId, {}, owner);
    assert.equal(await under.engine.result(again.runId, never), "mended");
    assert.deepEqual(done, ["first"]);
    assert.ok(types(await under.events(again.runId)).includes("step.failed"));
  });
}
