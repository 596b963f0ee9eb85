import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json, type RunContext } from "@tutti/core";
import { flow, never, owner, runToEnd, types, type Open } from "./setup.ts";

const book = (ctx: RunContext, what: string, log: string[]): Promise<Json> =>
  ctx.step(what, () => `${what} booked`, {
    undo: (output) => {
      log.push(`${what}: ${String(output)}`);
    },
  });

const refuse = (): never => {
  throw new AppError("invalid_input", "no seats");
};

/** Compensation: what a run did is taken back when it does not succeed. */
export function undoingTests(open: Open): void {
  test("a run that fails undoes its steps, last first, each as a step of its own", async () => {
    const log: string[] = [];
    const trip = flow("trip", async (ctx) => {
      await book(ctx, "hotel", log);
      await ctx.all([(branch) => book(branch, "car", log)]);
      await ctx.step("flight", refuse);
      return null;
    });
    await using under = await open({ workflows: [trip] });
    const { runId } = await under.engine.start("trip", null, { principal: owner });
    await assert.rejects(under.engine.result(runId, never), { code: "invalid_input", message: "no seats" });
    assert.deepEqual(log, ["car: car booked", "hotel: hotel booked"]);
    const undone = (await under.events(runId)).filter((event) => event.type === "step.completed" && event.kind === "undo");
    assert.equal(undone.length, 2);
    assert.equal((await under.engine.replay(runId)).matches, true);
    assert.equal(log.length, 2, "a replay undoes nothing");
  });

  test("a run that succeeds undoes nothing; compensate() undoes at once and only once", async () => {
    const log: string[] = [];
    const trip = flow("trip", async (ctx) => {
      await book(ctx, "hotel", log);
      await ctx.compensate();
      await book(ctx, "tent", log);
      return "home";
    });
    await using under = await open({ workflows: [trip] });
    assert.equal((await runToEnd(under, "trip")).output, "home");
    assert.deepEqual(log, ["hotel: hotel booked"]);
  });

  test("a cancelled run undoes its steps before it ends", async () => {
    const log: string[] = [];
    const trip = flow("trip", async (ctx) => {
      await book(ctx, "hotel", log);
      await ctx.waitFor("never");
      return null;
    });
    await using under = await open({ workflows: [trip] });
    const { runId } = await under.engine.start("trip", null, { principal: owner });
    await under.engine.cancel(runId, "changed my mind", owner);
    await assert.rejects(under.engine.result(runId, never), { code: "cancelled" });
    assert.ok(log.length <= 1);
    const ends = types(await under.events(runId));
    assert.equal(ends.at(-1), "run.cancelled");
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("undoing goes on after a restart, where it stood", async () => {
    const log: string[] = [];
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const trip = flow("trip", async (ctx) => {
      await ctx.step("hotel", () => null, { undo: () => void log.push("hotel") });
      await ctx.step("car", () => null, {
        undo: async () => {
          log.push("car");
          reached.resolve();
          await gate.promise;
        },
      });
      await ctx.step("flight", refuse);
      return null;
    });
    const under = await open({ workflows: [trip] });
    const { runId } = await under.engine.start("trip", null, { principal: owner });
    await reached.promise;
    setImmediate(gate.resolve);
    await using again = await under.reopen({ workflows: [trip] });
    await again.engine.recover();
    await assert.rejects(again.engine.result(runId, never), { code: "invalid_input" });
    assert.deepEqual(log.filter((entry) => entry === "hotel").length, 1);
    assert.equal((await again.engine.replay(runId)).matches, true);
  });

  test("an undo handler that fails for good is named in the run's error, and the others run", async () => {
    const log: string[] = [];
    const trip = flow("trip", async (ctx) => {
      await book(ctx, "hotel", log);
      await ctx.step("car", () => null, { undo: refuse });
      await ctx.step("flight", refuse);
      return null;
    });
    await using under = await open({ workflows: [trip] });
    const { runId } = await under.engine.start("trip", null, { principal: owner });
    await assert.rejects(under.engine.result(runId, never), { code: "compensation_failed", message: /"car".*no seats/ });
    assert.deepEqual(log, ["hotel: hotel booked"]);
  });
}
