import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json } from "@tutti/core";
import { flow, never, owner, runToEnd, type Open } from "./setup.ts";

/** all, race and map. */
export function branchTests(open: Open): void {
  test("all returns results in the order of its branches, whatever order they end in", async () => {
    const first = Promise.withResolvers<void>();
    const both = flow("both", async (ctx) => [
      ...(await ctx.all<Json>([
        (branch) => branch.step("slow", () => first.promise.then(() => "slow")),
        async (branch) => {
          const value = await branch.step("quick", () => "quick");
          first.resolve();
          return value;
        },
      ])),
    ]);
    await using under = await open({ workflows: [both] });
    assert.deepEqual((await runToEnd(under, "both")).output, ["slow", "quick"]);
  });

  test("the winner of a race ends it, and the losers' steps are aborted and leave nothing", async () => {
    const aborted = Promise.withResolvers<void>();
    const race = flow("race", async (ctx) => {
      const winner = await ctx.race<Json>([
        (branch) =>
          branch.step("never", ({ signal }) => new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve()))),
        (branch) => branch.step("now", () => "now"),
      ]);
      return [winner, await ctx.step("after", () => "after")];
    });
    await using under = await open({ workflows: [race] });
    const { runId, output } = await runToEnd(under, "race");
    assert.deepEqual(output, ["now", "after"]);
    await aborted.promise;
    assert.ok(!JSON.stringify(await under.events(runId)).includes("never"));
  });

  test("the first branch of all that fails cancels the others", async () => {
    const aborted = Promise.withResolvers<void>();
    const fail = flow("fail", (ctx) =>
      ctx
        .all<Json>([
          (branch) =>
            branch.step("waits", ({ signal }) => new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve()))),
          (branch) => branch.step("fails", () => Promise.reject(new AppError("invalid_input", "no"))),
        ])
        .then((values) => [...values]),
    );
    await using under = await open({ workflows: [fail] });
    await assert.rejects(runToEnd(under, "fail"), { code: "invalid_input" });
    await aborted.promise;
  });

  test("map keeps to its concurrency", async () => {
    let open_ = 0;
    let most = 0;
    const squares = flow("squares", (ctx) =>
      ctx
        .map(
          [1, 2, 3, 4, 5, 6],
          async (branch, item) =>
            branch.step("square", async () => {
              most = Math.max(most, (open_ += 1));
              await new Promise(setImmediate);
              open_ -= 1;
              return item * item;
            }),
          { concurrency: 2 },
        )
        .then((values) => [...values]),
    );
    await using under = await open({ workflows: [squares] });
    assert.deepEqual((await runToEnd(under, "squares")).output, [1, 4, 9, 16, 25, 36]);
    assert.equal(most, 2);
  });

  test("what a losing branch waited for is waited for no more", async () => {
    const race = flow("race", async (ctx) => {
      await ctx.race([
        async (branch) => (await branch.waitFor("never")) ?? null,
        (branch) => branch.step("win", () => "won"),
        async (branch) => {
          await branch.sleep(3_600_000);
          return null;
        },
      ]);
      return (await ctx.waitFor("end")) ?? null;
    });
    await using under = await open({ workflows: [race] });
    const { runId } = await under.engine.start("race", null, { principal: owner });
    while ((await under.waits(runId)).map(({ name }) => name).join() !== "end") await new Promise((resolve) => setImmediate(resolve));
    await under.engine.signal(runId, { name: "end", value: 1 }, owner);
    assert.equal(await under.engine.result(runId, never), 1);
    const cancelled = (await under.events(runId)).flatMap((event) => (event.type === "step.cancelled" ? [event.name] : []));
    assert.deepEqual(cancelled.toSorted(), ["never", "sleep"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("two steps at once in one branch are refused with what to do instead", async () => {
    // eslint-disable-next-line workflow/no-native-race -- that the engine refuses it is what is tested.
    const native = flow("native", async (ctx) => Promise.all([ctx.step("a", () => 1), ctx.step("b", () => 2)]));
    await using under = await open({ workflows: [native] });
    await assert.rejects(runToEnd(under, "native"), { code: "concurrent_steps", message: /ctx\.all/ });
  });
}
