// An endless run: it goes on with a fresh log every so often, keeps its signals, and takes a new version of its code without a break.
// Run it with: npm run example:endless
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineWorkflow, openApp, type Workflow } from "tutti";
import { z } from "zod";

const STEPS_A_LOG = 3;
const State = z.object({ total: z.number(), logs: z.number() });
const signals = { add: z.number(), end: z.null() };

const counter = defineWorkflow({
  name: "counter",
  version: "1",
  input: State,
  signals,
  async run(ctx, state) {
    let { total } = state;
    ctx.onQuery("total", () => total);
    for (let step = 0; step < STEPS_A_LOG; step += 1) {
      const added = await ctx.race([(branch) => branch.waitFor("add"), (branch) => branch.waitFor("end")]);
      if (added === null) return { total, logs: state.logs };
      total += Number(added);
    }
    return ctx.continueAsNew({ total, logs: state.logs + 1 });
  },
});

/** The next version doubles what comes; runs that began before go on as they began, because of `patched`. */
const doubling = defineWorkflow({
  ...counter,
  async run(ctx, state) {
    const isDoubling = await ctx.patched("doubling");
    const factor = isDoubling ? 2 : 1;
    let { total } = state;
    ctx.onQuery("total", () => total);
    for (let step = 0; step < STEPS_A_LOG; step += 1) {
      const added = await ctx.race([(branch) => branch.waitFor("add"), (branch) => branch.waitFor("end")]);
      if (added === null) return { total, logs: state.logs };
      total += Number(added) * factor;
    }
    return ctx.continueAsNew({ total, logs: state.logs + 1 });
  },
});

await using folder = await mkdtempDisposable(join(tmpdir(), "counter-"));
const open = (workflow: Workflow) => openApp({ dataDir: folder.path, plugins: [{ name: "counter", workflows: [workflow] }] });
let runId: string;
{
  await using app = await open(counter as Workflow);
  ({ runId } = await app.start("counter", { total: 0, logs: 1 }));
  for (const value of [1, 2, 3, 4]) await app.engine.signal(runId, { name: "add", value }, app.owner);
  while ((await app.engine.query(runId, "total")) !== 10) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log("four signals later the total is 10, in the second log of the same run");
}
await using app = await open(doubling as Workflow);
for (const value of [10, 10, 10]) await app.engine.signal(runId, { name: "add", value }, app.owner);
await app.engine.signal(runId, { name: "end", value: null }, app.owner);
// The second log began before the new version and takes two more as they are; the third begins with it and doubles.
console.log("result:", JSON.stringify(await app.result(runId)));
