import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, Decision, Event, Tool } from "@tutti/core";
import { anything, flow, never, owner, runToEnd, type Open } from "./setup.ts";

const page: Tool = {
  name: "page",
  description: "Reads a page.",
  effect: "read",
  isUntrusted: true,
  input: anything,
  parameters: {},
  run: (input) => (input === "gone" ? Promise.reject(new Error("gone, says the page")) : Promise.resolve("a page")),
};
const write: Tool = { ...page, name: "write", effect: "write", isUntrusted: false, run: () => Promise.resolve("written") };

/** What the engine knew of untrusted content at each call of `write`, in order. */
function watching(): {
  readonly seen: (readonly string[] | undefined)[];
  decide: (kind: string, resource: string, action: Action) => Decision;
} {
  const seen: (readonly string[] | undefined)[] = [];
  return {
    seen,
    decide: (_, resource, { facts }) => {
      if (resource === "write") seen.push(facts?.run?.tainted);
      return { effect: "allow", reason: "a test", rule: "test" };
    },
  };
}

const taintedBy = (event: Event | undefined): unknown => event !== undefined && "tainted" in event && event.tainted;

/** What a run has read from outside stays known to policy, wherever it goes. */
export function taintingTests(open: Open): void {
  const tools = [page, write];
  const writing = flow("writing", (ctx) => ctx.call("write", null));

  test("a run counts as tainted from the moment an untrusted tool has given it something, also an error", async () => {
    const read = flow("read", async (ctx) => {
      await ctx.call("write", 1);
      await ctx.call("page", null);
      return ctx.call("write", 2);
    });
    const fail = flow("fail", async (ctx) => {
      await ctx.call("page", "gone", { attemptsMax: 1 }).catch(() => undefined);
      return ctx.call("write", 3);
    });
    const { seen, decide } = watching();
    await using under = await open({ workflows: [read, fail], tools, decide });
    const { runId } = await runToEnd(under, "read");
    await runToEnd(under, "fail");
    assert.deepEqual(seen, [[], ["page"], ["page"]]);
    assert.deepEqual(taintedBy((await under.events(runId)).at(-1)), ["page"]);
  });

  test("a step may say itself that what it gives comes from outside", async () => {
    const mail = flow("mail", async (ctx) => {
      await ctx.step("fetch", ({ taint }) => taint(["mailbox"]));
      return ctx.call("write", null);
    });
    const { seen, decide } = watching();
    await using under = await open({ workflows: [mail], tools, decide });
    await runToEnd(under, "mail");
    assert.deepEqual(seen, [["mailbox"]]);
  });

  test("taint goes down into children and runs of their own, and up from a child into its parent", async () => {
    const reading = flow("reading", (ctx) => ctx.call("page", null));
    const down = flow("down", async (ctx) => {
      await ctx.call("page", null);
      await ctx.start("writing", null);
      return ctx.join(await ctx.spawn("writing", null));
    });
    const up = flow("up", async (ctx) => {
      await ctx.start("reading", null);
      return ctx.call("write", null);
    });
    const { seen, decide } = watching();
    await using under = await open({ workflows: [writing, reading, down, up], tools, decide });
    await runToEnd(under, "down");
    await runToEnd(under, "up");
    assert.deepEqual(seen, [["page"], ["page"], ["page"]]);
  });

  test("taint goes with a signal to another run, and on into the run that a run continues as", async () => {
    const listening = flow("listening", async (ctx) => {
      await ctx.waitFor("news");
      return ctx.call("write", null);
    });
    const telling = flow("telling", async (ctx, to) => {
      await ctx.call("page", null);
      await ctx.send(to as string, { name: "news", value: "…" });
      return null;
    });
    const turning = flow("turning", async (ctx, input) => {
      if (input !== null) return ctx.call("write", null);
      await ctx.call("page", null);
      return ctx.continueAsNew("again");
    });
    const { seen, decide } = watching();
    await using under = await open({ workflows: [listening, telling, turning], tools, decide });
    const { runId } = await under.engine.start("listening", null, { principal: owner });
    await runToEnd(under, "telling", runId);
    assert.equal(await under.engine.result(runId, never), "written");
    await runToEnd(under, "turning");
    assert.deepEqual(seen, [["page"], ["page"]]);
  });

  test("a run is still tainted after a restart, and so is a fork of it", async () => {
    const pausing = flow("pausing", async (ctx) => {
      await ctx.call("page", null);
      await ctx.waitFor("go");
      return ctx.call("write", null);
    });
    const before = watching();
    const after = watching();
    const under = await open({ workflows: [pausing], tools, decide: before.decide });
    const { runId } = await under.engine.start("pausing", null, { principal: owner });
    await under.engine.signal(runId, { name: "other", value: null }, owner);
    await using again = await under.reopen({ workflows: [pausing], tools, decide: after.decide });
    await again.engine.signal(runId, { name: "go", value: null }, owner);
    await again.engine.result(runId, never);
    const fork = await again.engine.fork(runId, { beforeKey: "2" }, owner);
    await again.engine.result(fork.runId, never);
    assert.deepEqual([...before.seen, ...after.seen], [["page"], ["page"]]);
  });
}
