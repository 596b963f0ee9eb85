import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import { flow, never, owner, types, type Open } from "./setup.ts";

/** Cancelling and stopping. */
export function endingTests(open: Open): void {
  test("cancelling reaches the running step, the children and the finally blocks", async () => {
    const running = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    let cleaned = false;
    const child = flow("child", (ctx) =>
      ctx.step("long", ({ signal }) => {
        running.resolve();
        return new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve()));
      }),
    );
    const parent = flow("parent", async (ctx) => {
      try {
        return await ctx.start("child", null);
      } finally {
        cleaned = true;
      }
    });
    await using under = await open({ workflows: [child, parent] });
    const { runId } = await under.engine.start("parent", null, { principal: owner });
    await running.promise;
    await under.engine.cancel(runId, "no longer needed", owner);
    await assert.rejects(under.engine.result(runId, never), { code: "cancelled", message: /no longer needed/ });
    await aborted.promise;
    assert.ok(cleaned);
    assert.equal(types(await under.events(runId)).at(-1), "run.cancelled");
    await assert.rejects(under.engine.cancel(runId, "again", owner), { code: "conflict" });
  });

  test("stopping lets a running step finish, and the next start goes on after it", async () => {
    const running = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const done: string[] = [];
    const work = flow("work", async (ctx) => {
      await ctx.step("first", async () => {
        running.resolve();
        await gate.promise;
        done.push("first");
        return null;
      });
      return ctx.step("second", () => void done.push("second") as unknown as Json);
    });
    const under = await open({ workflows: [work] });
    const { runId } = await under.engine.start("work", null, { principal: owner });
    await running.promise;
    setImmediate(gate.resolve);
    await using again = await under.reopen({ workflows: [work] });
    assert.deepEqual(done, ["first"]);
    await again.engine.recover();
    await again.engine.result(runId, never);
    assert.deepEqual(done, ["first", "second"]);
    assert.ok(types(await again.events(runId)).includes("run.resumed"));
  });
}
