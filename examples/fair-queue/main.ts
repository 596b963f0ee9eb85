// Many runs of one tenant do not hold up another's, urgent ones go first, and a full queue says so. Run it with: npm run example:queue
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, defineWorkflow, openApp } from "tutti";
import { z } from "zod";

const order: string[] = [];
const gate = Promise.withResolvers<void>();

const render = defineWorkflow({
  name: "render",
  version: "1",
  input: z.string(),
  run: (ctx, page) =>
    ctx.step("render", async () => {
      order.push(page);
      if (page === "first") await gate.promise;
      return page;
    }),
});

await using folder = await mkdtempDisposable(join(tmpdir(), "render-"));
await using app = await openApp({
  dataDir: folder.path,
  plugins: [{ name: "render", workflows: [render] }],
  // Two at once, but one for each tenant; six may wait.
  queues: [{ name: "pages", concurrency: 2, concurrencyPerKey: 1, queuedMax: 6 }],
});
const put = (page: string, key: string, priority = 0) => app.start("render", page, { queue: { queue: "pages", key, priority } });

const runs = [await put("first", "ada"), await put("ada 1", "ada"), await put("ada 2", "ada"), await put("ada 3", "ada")];
runs.push(await put("bob 1", "bob"));
await app.result(runs.at(-1)?.runId ?? "");
console.log("bob did not wait for ada:", order.join(", "));

runs.push(await put("urgent", "ada", -1), await put("ada 4", "ada"), await put("ada 5", "ada"));
await put("one too many", "ada").catch((error: unknown) => console.log("refused:", AppError.from(error).code));
const [queue] = app.engine.queues;
console.log(`${queue?.running} runs, ${queue?.queued} wait`);

gate.resolve();
for (const { runId } of runs) await app.result(runId);
console.log("in the end:", order.join(", "));
