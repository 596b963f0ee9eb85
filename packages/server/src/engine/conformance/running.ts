import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json } from "@tutti/core";
import { flow, never, owner, runToEnd, types, type Open } from "./setup.ts";

/** Steps, retries, timeouts, values and ids. */
export function runningTests(open: Open): void {
  test("a run leaves a log of its decision, its steps and its output", async () => {
    const greet = flow("greet", async (ctx, input) => `${await ctx.step("hello", () => "Hello")}, ${JSON.stringify(input)}`);
    await using under = await open({ workflows: [greet] });
    const { runId, output } = await runToEnd(under, "greet", "Ada");
    assert.equal(output, `Hello, "Ada"`);
    assert.deepEqual(types(await under.events(runId)), ["run.started", "policy.decided", "step.completed", "run.completed"]);
  });

  test("a step that fails is tried again with the same idempotency key, and its attempts are in the log", async () => {
    const keys: string[] = [];
    const flaky = flow("flaky", (ctx) =>
      ctx.step("flaky", ({ idempotencyKey, attempt }) => {
        keys.push(idempotencyKey);
        if (attempt < 3) throw new Error("not yet");
        return attempt;
      }),
    );
    await using under = await open({ workflows: [flaky] });
    const { runId, output } = await runToEnd(under, "flaky");
    assert.equal(output, 3);
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(types(await under.events(runId)), [
      "run.started",
      "policy.decided",
      "step.failed",
      "step.failed",
      "step.completed",
      "run.completed",
    ]);
  });

  test("an error that cannot get better is not tried again", async () => {
    let attempts = 0;
    const wrong = flow("wrong", (ctx) =>
      ctx.step("wrong", (): Json => {
        attempts += 1;
        throw new AppError("invalid_input", "wanted a number");
      }),
    );
    await using under = await open({ workflows: [wrong] });
    await assert.rejects(runToEnd(under, "wrong"), { code: "invalid_input", message: "wanted a number" });
    assert.equal(attempts, 1);
  });

  test("a step that takes too long is aborted and fails with timeout", async () => {
    const aborted = Promise.withResolvers<void>();
    const slow = flow("slow", (ctx) =>
      ctx.step("slow", ({ signal }) => new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve())), {
        timeoutMs: 20,
        attemptsMax: 1,
      }),
    );
    await using under = await open({ workflows: [slow] });
    await assert.rejects(runToEnd(under, "slow"), { code: "timeout" });
    await aborted.promise;
  });

  test("a step's output is what a replay reads: JSON, not live objects", async () => {
    const dated = flow("dated", async (ctx) => {
      const value: unknown = await ctx.step("date", () => ({ at: new Date(0), left: undefined }) as unknown as Json);
      return { isSame: JSON.stringify(value) === '{"at":"1970-01-01T00:00:00.000Z"}' && !Object.hasOwn(value as object, "left") };
    });
    await using under = await open({ workflows: [dated] });
    assert.deepEqual((await runToEnd(under, "dated")).output, { isSame: true });
  });

  test("a step that returns what JSON cannot hold fails and says so", async () => {
    const bad = flow("bad", (ctx) => ctx.step("bad", () => Number.NaN));
    await using under = await open({ workflows: [bad] });
    await assert.rejects(runToEnd(under, "bad"), { code: "invalid_input", message: /wanted a JSON value, got NaN/ });
  });

  test("values over 64 KiB stand in the blob store and come back whole", async () => {
    const large = "é".repeat(100_000);
    const hold = flow("hold", async (ctx, input) => {
      const text = await ctx.step("make", () => input as string);
      return { length: text.length, text };
    });
    await using under = await open({ workflows: [hold] });
    const { runId, output } = await runToEnd(under, "hold", large);
    assert.deepEqual(output, { length: 100_000, text: large });
    for (const event of await under.events(runId)) assert.ok(JSON.stringify(event).length < 2000, `${event.type} is small`);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a step that gives more than the bound fails with too_large, and the run can go on", async () => {
    const big = flow("big", async (ctx) =>
      ctx.step("much", () => "x".repeat(64 * 1024 * 1024)).catch((error: unknown) => AppError.from(error).code),
    );
    await using under = await open({ workflows: [big] });
    assert.equal((await runToEnd(under, "big")).output, "too_large");
  });

  test("a value that looks like a blob reference stays what it is", async () => {
    const forged = { $blob: "0".repeat(64), sizeBytes: 3 };
    const pass = flow("pass", (ctx, input) => ctx.step("pass", () => input));
    await using under = await open({ workflows: [pass] });
    assert.deepEqual((await runToEnd(under, "pass", forged)).output, forged);
  });

  test("starting the same run id again returns the run that is there; another input is a conflict", async () => {
    let runs = 0;
    const once = flow("once", (ctx) => ctx.step("count", () => (runs += 1)));
    await using under = await open({ workflows: [once] });
    const options = { principal: owner, runId: "0197e1a0-0000-7000-8000-000000000001" };
    await Promise.all([under.engine.start("once", { a: 1 }, options), under.engine.start("once", { a: 1 }, options)]);
    await under.engine.result(options.runId, never);
    await under.engine.start("once", { a: 1 }, options);
    assert.equal(runs, 1);
    await assert.rejects(under.engine.start("once", { a: 2 }, options), { code: "conflict" });
  });

  test("now and uuid are the same on every replay, and uuids differ within a run", async () => {
    const ids = flow("ids", async (ctx) => [(await ctx.now()).toISOString(), ctx.uuid(), ctx.uuid()]);
    await using under = await open({ workflows: [ids] });
    const { runId, output } = await runToEnd(under, "ids");
    assert.equal(new Set(output as string[]).size, 3);
    assert.deepEqual(await under.engine.replay(runId), { matches: true, steps: 1, output });
  });
}
