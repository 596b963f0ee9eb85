// Schedules: a report at fixed times, over a change of clocks, a restart and a failure. Run it with: npm run example:schedules
import { createClient, type ScheduleRequest } from "@tutti/client";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, defineWorkflow, type Plugin } from "tutti";
import { startTestApp } from "tutti/testing";
import { z } from "zod";

// 1. What is to be done at every tick. The tick's own time comes in the field that the schedule names, so a tick that is made up for later
// still reports on its own day.
const reported: string[] = [];
let isPrinterOn = false;
const report = defineWorkflow({
  name: "report",
  version: "1",
  input: z.object({ shop: z.string(), day: z.string() }),
  async run(ctx, { shop, day }) {
    await ctx.step("add up", () => void reported.push(`${shop} ${day.slice(0, 10)}`));
    return null;
  },
});
const print = defineWorkflow({
  name: "print",
  version: "1",
  input: z.null(),
  run: (ctx) =>
    ctx.step("print", () => {
      if (!isPrinterOn) throw new AppError("unsupported", "the printer is off");
      return "printed";
    }),
});

// 2. A schedule can come with a plugin. It is made when the plugin is first loaded, and changed when its settings change.
const nightly: ScheduleRequest = {
  name: "nightly-report",
  workflow: "report",
  when: { cron: "30 2 * * *", timeZone: "Europe/Rome" },
  input: { shop: "Milano" },
  tickField: "day",
  catchUp: "one",
  overlap: "queue",
  jitterMs: 60_000,
};
const plugin: Plugin = { name: "shop", workflows: [report, print], schedules: [{ ...nightly }] };
await using folder = await mkdtempDisposable(join(tmpdir(), "schedules-"));
await using tutti = await startTestApp({ inlinePlugins: [plugin], dataDir: folder.path });
const client = createClient({ baseUrl: tutti.url, token: tutti.token });
console.log("schedules:", (await client.schedules()).map(({ name, status }) => `${name} is ${status}`).join(", "));

// 3. When would it run? On the night when clocks go forward there is no 02:30: that tick comes when the clock has jumped, and is not lost.
const march = { ...nightly, name: "march", startAt: "2027-03-27T00:00:00+01:00" };
console.log("in March 2027:", (await client.previewSchedule(march, 3)).join(" "));

// 4. Nobody has to wait for a tick to see what it does.
const runId = await client.triggerSchedule("nightly-report");
await until(async () => (await client.schedule("nightly-report")).counts.completed === 1);
console.log(`triggered: ${(await client.run(runId)).run.status}, ${reported.length} report for ${reported[0]?.slice(0, 6)}`);

// 5. Every hundred milliseconds, with a stop in between: what fell due meanwhile is made up for, and no tick runs twice.
await client.createSchedule({ ...nightly, name: "quick", when: { everyMs: 100 }, catchUp: "all", jitterMs: 0, input: { shop: "Roma" } });
await until(async () => (await client.schedule("quick")).counts.completed >= 3);
await tutti.app.stop(1_000);
await using again = await startTestApp({ inlinePlugins: [plugin], dataDir: folder.path });
const clientAgain = createClient({ baseUrl: again.url, token: again.token });
await until(async () => (await clientAgain.schedule("quick")).counts.completed >= 6);
const { counts } = await clientAgain.schedule("quick");
console.log(`over a restart: ${counts.missed} ticks missed`);
await clientAgain.pauseSchedule("quick", "that is enough");

// 6. A tick whose run fails for good leaves a dead letter: it waits for somebody to mend the cause and try again.
await clientAgain.createSchedule({ name: "printing", workflow: "print", when: { at: "2099-01-01T00:00:00Z" } });
await clientAgain.triggerSchedule("printing");
await until(async () => (await clientAgain.deadLetters()).length === 1);
const [letter] = await clientAgain.deadLetters();
console.log(`dead letter from ${letter?.source}: ${letter?.error.message}`);
isPrinterOn = true;
await clientAgain.retryDeadLetter(letter?.id ?? "", {});
await until(async () => (await clientAgain.deadLetters()).length === 0);
console.log("after the retry no letter waits");

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 10));
}
