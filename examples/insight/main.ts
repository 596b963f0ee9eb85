// A deliberately slow workflow, run a few times, and what its logs say about it: where the time went and what would help.
// Run it with: npm run example:insight
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { diffRuns, readRun, runInsight, workflowInsight } from "@tutti/core/insight";
import { AppError, defineWorkflow, openApp, type Event } from "tutti";
import { z } from "zod";

const RUNS = 6;

// 1. The workflow. It loads two things one after the other although neither needs the other, makes six pictures two at a time, and its
// mail server refuses every third order at first.
const order = defineWorkflow({
  name: "slow-order",
  version: "1",
  input: z.object({ order: z.number() }),
  async run(ctx, input) {
    const customer = await ctx.step("load customer", () => pause(40, "Ada"));
    const stock = await ctx.step("load stock", () => pause(40, 12));
    const pictures = await ctx.map([1, 2, 3, 4, 5, 6], (branch, size) => branch.step("resize", () => pause(30, size * 100)), {
      concurrency: 2,
    });
    await ctx.step(
      "send mail",
      async ({ attempt }) => {
        await pause(20);
        if (input.order % 3 === 0 && attempt === 1) throw new AppError("upstream", "the mail server is busy");
      },
      { backoff: { delayMs: 50, delayMaxMs: 50 } },
    );
    return { customer, stock, pictures: pictures.length };
  },
});

// 2. Some runs of it.
await using folder = await mkdtempDisposable(join(tmpdir(), "insight-"));
await using app = await openApp({ dataDir: folder.path, plugins: [{ name: "insight", workflows: [order] }] });
const logs: (readonly Event[])[] = [];
for (let number = 1; number <= RUNS; number += 1) {
  const { runId } = await app.run("slow-order", { order: number });
  logs.push(await app.events(runId));
}

// 3. One run: the steps that decided when it ended. The third had to send its mail twice.
const [first = [], , third = []] = logs;
const { path, totals, retries } = runInsight(readRun({ events: third }));
console.log(`Run 3 took ${ms(totals.wallMs)}; ${path.length} of its steps decided that:`);
for (const { name, onPathMs, share } of path) console.log(`  ${bar(share)} ${name}, ${ms(onPathMs)}`);
console.log(`Its ${retries.attempts} failed attempt cost ${ms(retries.lostMs + retries.backoffMs)}.\n`);

// 4. Two runs, step by step.
const diff = diffRuns(first, third);
console.log(`Runs 1 and 3 have ${diff.counts.same} equal steps; their inputs differ: ${JSON.stringify(diff.input.differences)}\n`);

// 5. All runs: what makes the workflow slow, and what would help, with how sure that is.
const { slow, help, runs } = workflowInsight(
  "slow-order",
  logs.map((events) => readRun({ events })),
);
console.log(`What makes it slow, over ${runs.completed} runs:`);
for (const cause of slow)
  console.log(`  ${bar(cause.share)} ${cause.type === "step" ? cause.name : cause.type}, ${ms(cause.meanMs)} a run`);
console.log("\nWhat would help:");
for (const { title, savedMs, assumption } of help) {
  console.log(`  ${title}: saves ${ms(savedMs.mean)} a run (${ms(savedMs.low)} to ${ms(savedMs.high)})`);
  if (assumption !== undefined) console.log(`    if ${assumption}`);
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function bar(share: number): string {
  return "#".repeat(Math.round(share * 30)).padEnd(30, ".");
}
