import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, Model } from "@tutti/core";
import { flow, never, owner, runToEnd, types, type Open } from "./setup.ts";

const model: Model = {
  id: "m",
  async *generate() {
    yield { type: "text", text: "Hi" };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 30, outputTokens: 20 } };
  },
};
const ask = { messages: [{ role: "user", content: "Hello" }] } as const;

/** Deadlines, budgets, heartbeats and retries. */
export function boundingTests(open: Open): void {
  test("a run that takes longer than its limit is ended with deadline_exceeded, after its undo handlers", async () => {
    const log: string[] = [];
    const slow = flow("slow", async (ctx) => {
      await ctx.step("one", () => null, { undo: () => void log.push("undone") });
      await ctx.waitFor("never");
      return null;
    });
    await using under = await open({ workflows: [slow] });
    const { runId } = await under.engine.start("slow", null, { principal: owner, limits: { timeMs: 150 } });
    await assert.rejects(under.engine.result(runId, never), { code: "deadline_exceeded", message: /150 ms/ });
    assert.deepEqual(log, ["undone"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a deadline counts from the run's start, also when the process ended in between", async () => {
    const slow = flow("slow", async (ctx) => (await ctx.waitFor("never")) ?? null);
    const under = await open({ workflows: [slow] });
    const { runId } = await under.engine.start("slow", null, { principal: owner, limits: { timeMs: 100 } });
    await using again = await under.reopen({ workflows: [slow] });
    await again.engine.recover();
    await assert.rejects(again.engine.result(runId, never), { code: "deadline_exceeded" });
  });

  test("a run that has used up its tokens is refused more, its children's tokens included", async () => {
    const child = flow("child", async (ctx) => (await ctx.generate("m", ask)).content);
    const parent = flow("parent", async (ctx) => {
      const said: Json[] = [await ctx.start("child", null), (await ctx.generate("m", ask)).content];
      return [...said, (await ctx.generate("m", ask)).content];
    });
    await using under = await open({ workflows: [child, parent], models: [model] });
    const { runId } = await under.engine.start("parent", null, { principal: owner, limits: { tokensMax: 100 } });
    await assert.rejects(under.engine.result(runId, never), { code: "budget_exceeded", message: /100 tokens/ });
    const end = (await under.events(runId)).at(-1);
    assert.ok(end?.type === "run.failed");
    assert.deepEqual(end.usage, { inputTokens: 60, outputTokens: 40, costUsd: 0 });
  });

  test("a run that has used up its dollars is refused more", async () => {
    const talk = flow("talk", async (ctx) => {
      for (;;) await ctx.generate("m", ask);
    });
    await using under = await open({ workflows: [talk], models: [model], costUsd: 0.02 });
    const { runId } = await under.engine.start("talk", null, { principal: owner, limits: { costUsdMax: 0.05 } });
    await assert.rejects(under.engine.result(runId, never), { code: "budget_exceeded", message: /\$0\.05 for this run, got \$0\.0600/ });
    const end = (await under.events(runId)).at(-1);
    assert.ok(end?.type === "run.failed" && end.usage !== undefined);
    assert.ok(Math.abs(end.usage.costUsd - 0.06) < 1e-9);
  });

  test("a step that falls silent is stuck, and its next attempt is told how far it was", async () => {
    const work = flow("work", (ctx) =>
      ctx.step(
        "long",
        async (step) => {
          if (step.attempt > 1) return { progress: step.progress ?? null };
          const { heartbeat } = step;
          heartbeat({ done: 3 });
          await new Promise((resolve) => step.signal.addEventListener("abort", resolve));
          return null;
        },
        { heartbeatMs: 40, backoff: { delayMs: 1, delayMaxMs: 1 } },
      ),
    );
    await using under = await open({ workflows: [work] });
    const { runId, output } = await runToEnd(under, "work");
    assert.deepEqual(output, { progress: { done: 3 } });
    const failed = (await under.events(runId)).find((event) => event.type === "step.failed");
    assert.ok(failed?.type === "step.failed");
    assert.equal(failed.code, "stuck");
    assert.ok(types(await under.events(runId)).includes("step.progressed"));
  });

  test("a step's own retry policy holds: its attempts, and the codes it gives up on", async () => {
    let attempts = 0;
    const work = flow("work", async (ctx) => {
      const fail = (code: string) => (): never => {
        attempts += 1;
        throw Object.assign(new Error("no"), { code });
      };
      const options = { attemptsMax: 4, backoff: { delayMs: 1, delayMaxMs: 2 }, nonRetryable: ["ENOENT"] };
      await ctx.step("tries", fail("EAGAIN"), options).catch(() => undefined);
      const tried = attempts;
      await ctx.step("gives up", fail("ENOENT"), options).catch(() => undefined);
      return [tried, attempts - tried];
    });
    await using under = await open({ workflows: [work] });
    assert.deepEqual((await runToEnd(under, "work")).output, [4, 1]);
  });

  test("a full queue refuses, keys take turns, priorities go first, and no more run at once than the queue lets", async () => {
    const order: Json[] = [];
    let running = 0;
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const work = flow("work", (ctx, input) =>
      ctx.step("do", async () => {
        running += 1;
        assert.ok(running <= 1, "two at once");
        order.push(input);
        await gates.get(input as string)?.promise;
        running -= 1;
        return null;
      }),
    );
    gates.set("first", Promise.withResolvers<void>());
    await using under = await open({ workflows: [work], queues: [{ name: "q", concurrency: 1, queuedMax: 4 }] });
    const put = (input: string, key: string, priority = 0): Promise<{ readonly runId: string }> =>
      under.engine.start("work", input, { principal: owner, queue: { queue: "q", key, priority } });
    const runs = [await put("first", "a")];
    for (const [input, key, priority] of [
      ["a1", "a", 0],
      ["a2", "a", 0],
      ["b1", "b", 0],
      ["urgent", "c", -1],
    ] as const)
      runs.push(await put(input, key, priority));
    await assert.rejects(put("too many", "a"), { code: "overloaded", message: /queuedMax/ });
    await assert.rejects(under.engine.start("work", 1, { principal: owner, queue: { queue: "none" } }), { code: "invalid_input" });
    assert.deepEqual(
      under.engine.queues.map(({ queued, running: at }) => [queued, at]),
      [[4, 1]],
    );
    gates.get("first")?.resolve();
    for (const { runId } of runs) await under.engine.result(runId, never);
    assert.deepEqual(order, ["first", "urgent", "a1", "b1", "a2"]);
    const last = await under.events(runs.at(-1)?.runId ?? "");
    assert.deepEqual(types(last).slice(0, 4), ["run.started", "policy.decided", "run.queued", "run.admitted"]);
  });

  test("runs of one key do not hold up another's, and each key has a bound of its own", async () => {
    const order: Json[] = [];
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const work = flow("work", (ctx, input) =>
      ctx.step("do", async () => {
        order.push(input);
        if (input === "a1") {
          begun.resolve();
          await gate.promise;
        }
        return null;
      }),
    );
    await using under = await open({ workflows: [work], queues: [{ name: "q", concurrency: 2, concurrencyPerKey: 1, queuedMax: 9 }] });
    const runs: string[] = [];
    for (const input of ["a1", "a2", "a3", "b1"])
      runs.push((await under.engine.start("work", input, { principal: owner, queue: { queue: "q", key: input.slice(0, 1) } })).runId);
    await begun.promise;
    await under.engine.result(runs[3] ?? "", never);
    assert.deepEqual(new Set(order), new Set(["a1", "b1"]));
    const [status] = under.engine.queues;
    assert.deepEqual(
      status?.keys.find(({ key }) => key === "a"),
      { key: "a", queued: 2, running: 1 },
    );
    assert.match(status?.oldestAt ?? "nobody waits", /^\d{4}-.*Z$/);
    gate.resolve();
    for (const runId of runs) await under.engine.result(runId, never);
    assert.deepEqual(order.slice(2), ["a2", "a3"]);
  });

  test("a queue that names workflows takes their runs by itself, keyed by who starts them", async () => {
    const order: Json[] = [];
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const work = flow("work", (ctx, input) =>
      ctx.step("do", async () => {
        order.push(input);
        if (input === 1) {
          begun.resolve();
          await gate.promise;
        }
        return null;
      }),
    );
    const queue = { name: "q", workflows: ["work"], keyBy: "principal", concurrency: 9, concurrencyPerKey: 1, queuedMax: 9 } as const;
    await using under = await open({ workflows: [work], queues: [queue] });
    const runs: string[] = [];
    for (const [id, input] of [
      ["ada", 1],
      ["ada", 2],
      ["bob", 3],
    ] as const)
      runs.push((await under.engine.start("work", input, { principal: { ...owner, id } })).runId);
    await begun.promise;
    await under.engine.result(runs[2] ?? "", never);
    assert.deepEqual(new Set(order), new Set([1, 3]));
    gate.resolve();
    for (const runId of runs) await under.engine.result(runId, never);
    assert.equal(order.at(-1), 2);
  });

  test("queued runs keep their order over a restart, and can be cancelled before their turn", async () => {
    const order: Json[] = [];
    const gate = Promise.withResolvers<void>();
    const work = flow("work", (ctx, input) =>
      ctx.step("do", async () => {
        order.push(input);
        if (input === 0) await gate.promise;
        return null;
      }),
    );
    const setup = { workflows: [work], queues: [{ name: "q", concurrency: 1, queuedMax: 10 }] };
    const under = await open(setup);
    const ids: string[] = [];
    for (const input of [0, 1, 2, 3])
      ids.push((await under.engine.start("work", input, { principal: owner, queue: { queue: "q" } })).runId);
    await under.engine.cancel(ids[2] ?? "", "not needed", owner);
    setImmediate(gate.resolve);
    await using again = await under.reopen(setup);
    await again.engine.recover();
    for (const index of [0, 1, 3]) await again.engine.result(ids[index] ?? "", never);
    await assert.rejects(again.engine.result(ids[2] ?? "", never), { code: "cancelled" });
    assert.deepEqual(
      order.filter((input) => input !== 0),
      [1, 3],
    );
  });
}
