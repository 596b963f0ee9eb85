import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Model } from "@tutti/core";
import { flow, never, owner, runToEnd, type Open } from "./setup.ts";

/** Signals, sleeps, children and watchers. */
export function waitingTests(open: Open): void {
  test("signals are buffered, consumed in order, and missed ones time out", async () => {
    const listen = flow("listen", async (ctx) => {
      await ctx.step("ready", () => null);
      const got = [await ctx.waitFor("word"), await ctx.waitFor("word")];
      return [...got.map((value) => value ?? null), (await ctx.waitFor("word", { timeoutMs: 5 })) ?? "none"];
    });
    await using under = await open({ workflows: [listen] });
    const { runId } = await under.engine.start("listen", null, { principal: owner });
    await under.engine.signal(runId, { name: "word", value: "one" }, owner);
    await under.engine.signal(runId, { name: "word", value: { two: 2 } }, owner);
    assert.deepEqual(await under.engine.result(runId, never), ["one", { two: 2 }, "none"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a wait goes on after a restart, with signals that came before", async () => {
    const pair = flow("pair", async (ctx) => [(await ctx.waitFor("a")) ?? null, (await ctx.waitFor("b")) ?? null]);
    const under = await open({ workflows: [pair] });
    const { runId } = await under.engine.start("pair", null, { principal: owner });
    await under.engine.signal(runId, { name: "b", value: 2 }, owner);
    await using again = await under.reopen({ workflows: [pair] });
    assert.equal(await again.engine.recover(), 1);
    await again.engine.signal(runId, { name: "a", value: 1 }, owner);
    assert.deepEqual(await again.engine.result(runId, never), [1, 2]);
  });

  test("a child's result and a child's failure reach its parent", async () => {
    const child = flow("child", (ctx, input) =>
      ctx.step("half", () => (Number(input) % 2 === 0 ? Number(input) / 2 : Promise.reject(new AppError("invalid_input", "odd")))),
    );
    const parent = flow("parent", async (ctx) => [
      await ctx.start("child", 8),
      await ctx.start("child", 3).catch((error: unknown) => AppError.from(error).code),
    ]);
    await using under = await open({ workflows: [child, parent] });
    const { runId, output } = await runToEnd(under, "parent");
    assert.deepEqual(output, [4, "invalid_input"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a sleep ends, also when the process ended first", async () => {
    const nap = flow("nap", async (ctx) => {
      await ctx.sleep(30);
      return "awake";
    });
    const under = await open({ workflows: [nap] });
    const { runId } = await under.engine.start("nap", null, { principal: owner });
    await using again = await under.reopen({ workflows: [nap] });
    await again.engine.recover();
    assert.equal(await again.engine.result(runId, never), "awake");
  });

  test("emitted events and model parts reach those who watch", async () => {
    const model: Model = {
      id: "m",
      async *generate() {
        yield { type: "text", text: "Hi" };
        yield { type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const talk = flow("talk", async (ctx) => {
      await ctx.emit({ name: "greeted", data: { who: "Ada" } });
      return (await ctx.generate("m", { messages: [{ role: "user", content: "Hello" }] })).content;
    });
    await using under = await open({ workflows: [talk], models: [model] });
    const parts: string[] = [];
    const { runId } = await under.engine.start("talk", null, { principal: owner, onPart: (part) => parts.push(part.type) });
    assert.equal(await under.engine.result(runId, never), "Hi");
    assert.deepEqual(parts, ["text", "finish"]);
    const emitted = (await under.events(runId)).find((event) => event.type === "step.completed" && event.kind === "emit");
    assert.ok(emitted?.type === "step.completed");
    assert.deepEqual([emitted.name, emitted.output], ["greeted", { who: "Ada" }]);
  });
}
