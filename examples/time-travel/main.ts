// A run that failed is looked at, run again from the step that failed it, and forked with another past. Run it with: npm run example:time-travel
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diffRuns } from "@tutti/core/insight";
import { AppError, defineWorkflow, openApp } from "tutti";
import { z } from "zod";

let isPrinterOn = false;
const done: string[] = [];

const invoice = defineWorkflow({
  name: "invoice",
  version: "1",
  input: z.object({ order: z.number() }),
  async run(ctx, { order }) {
    const price = Number(await ctx.step("price", () => (done.push("price"), order * 10)));
    const total = Number(await ctx.step("add tax", () => (done.push("add tax"), price * 1.2)));
    await ctx.step("print", () => {
      done.push("print");
      if (!isPrinterOn) throw new AppError("denied", "the printer is off");
    });
    return { order, total };
  },
});

await using folder = await mkdtempDisposable(join(tmpdir(), "invoice-"));
await using app = await openApp({ dataDir: folder.path, plugins: [{ name: "invoice", workflows: [invoice] }] });

const { runId } = await app.start("invoice", { order: 7 });
await app.result(runId).catch((error: unknown) => console.log("failed:", AppError.from(error).message));
console.log("replayed exactly:", (await app.engine.replay(runId)).matches);

// Again from the step that failed: the steps before it are taken over from the log.
isPrinterOn = true;
done.length = 0;
const again = await app.engine.fork(runId, {}, app.owner);
console.log("again:", JSON.stringify(await app.result(again.runId)), "doing only:", done.join(", "));

// What if the price had been 100? Everything after it is done anew.
done.length = 0;
const whatIf = await app.engine.fork(runId, { beforeKey: "1", outputs: { "0": 100 } }, app.owner);
console.log("what if:", JSON.stringify(await app.result(whatIf.runId)), "doing:", done.join(", "));

const diff = diffRuns(await app.events(again.runId), await app.events(whatIf.runId));
console.log("steps that differ:", diff.counts["other-output"]);
