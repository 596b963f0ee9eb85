import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type Client, type ScheduleEntry } from "@tutti/client";
import { defineWorkflow, type Plugin } from "@tutti/core";
import { z } from "zod";
import { startTestApp, type TestApp } from "../../testing.ts";

const plugin: Plugin = {
  name: "test",
  workflows: [
    {
      name: "echo",
      version: "1",
      input: { "~standard": { validate: (value: unknown) => ({ value }) } },
      run: (ctx, input) => ctx.step("echo", () => input),
    },
    defineWorkflow({ name: "dinner", version: "1", input: z.object({ at: z.string() }), run: async () => null }),
  ],
};

const YEARLY = { cron: "0 0 1 1 *", timeZone: "Europe/Rome" };
const nightly = { name: "nightly", workflow: "echo", when: YEARLY, input: { who: "Ada" } };

const clientOf = ({ url, token }: TestApp): Client => createClient({ baseUrl: url, token });

/** The schedule, once it is as wanted. */
async function until(client: Client, isWanted: (schedule: ScheduleEntry) => boolean): Promise<ScheduleEntry> {
  for (;;) {
    const schedule = await client.schedule("nightly");
    if (isWanted(schedule)) return schedule;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a schedule is made, listed, triggered, changed, paused, resumed and deleted", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  const made = await client.createSchedule(nightly);
  assert.deepEqual([made.status, made.overlap, made.last], ["active", "skip", null]);
  const runId = await client.triggerSchedule("nightly");
  const { last } = await until(client, ({ counts }) => counts.completed === 1);
  assert.deepEqual([last?.runId, last?.status, last?.why], [runId, "completed", "manual"]);
  assert.deepEqual((await client.run(runId)).output, { who: "Ada" });
  await client.updateSchedule({ ...nightly, overlap: "queue" });
  await until(client, ({ overlap }) => overlap === "queue");
  await client.pauseSchedule("nightly", "holidays");
  const paused = await until(client, ({ status }) => status === "paused");
  assert.deepEqual([paused.nextAt, paused.paused?.reason], [null, "holidays"]);
  await client.resumeSchedule("nightly");
  await until(client, ({ status }) => status === "active");
  assert.deepEqual(
    (await client.schedules()).map(({ name }) => name),
    ["nightly"],
  );
  await client.deleteSchedule("nightly", "no longer wanted");
});

test("the next ticks are told, also of a schedule that does not exist yet", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  await client.createSchedule(nightly);
  const ticks = await client.nextTicks("nightly", 2);
  assert.ok(ticks.length === 2 && ticks.every((tick) => tick.endsWith("-12-31T23:00:00.000Z")));
  const preview = await client.previewSchedule({ ...nightly, name: "other", workflow: "to be written" }, 3);
  assert.equal(preview.length, 3);
  await assert.rejects(client.schedule("other"), { code: "not_found" });
  assert.equal((await app.fetch("/v1/schedules/nightly/next?count=0")).status, 400);
});

test("what is wrong with a schedule is said by name", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  const make = (change: object): Promise<unknown> => client.createSchedule({ ...nightly, ...change });
  await assert.rejects(make({ when: { cron: "61 * * * *" } }), {
    code: "invalid_input",
    message: /when: wanted a cron expression such as/,
  });
  await assert.rejects(make({ workflow: "nobody" }), { code: "not_found", message: /wanted a workflow or agent called "nobody"/ });
  await assert.rejects(make({ workflow: "tutti.schedule" }), { code: "not_found" });
  await assert.rejects(make({ crom: true }), { code: "invalid_input", message: /crom/ });
  await assert.rejects(make({ workflow: "dinner", input: null }), { code: "invalid_input", message: /the input of "dinner"/ });
  await make({ name: "dinners", workflow: "dinner", input: { at: 1 }, tickField: "at" });
  assert.equal((await app.fetch("/v1/schedules", nightly)).status, 201);
  assert.equal((await app.fetch("/v1/schedules", nightly)).status, 409);
  assert.equal((await app.fetch("/v1/schedules/nightly", { ...nightly, name: "other" })).status, 400);
  assert.equal((await app.fetch("/v1/schedules/nobody/pause", {})).status, 404);
});

test("a schedule goes on after a restart", async () => {
  await using folder = await startTestApp({ inlinePlugins: [plugin] });
  await clientOf(folder).createSchedule({ ...nightly, when: { everyMs: 100 } });
  await until(clientOf(folder), ({ counts }) => counts.completed >= 2);
  await folder.app.stop(1_000);
  await using app = await startTestApp({ inlinePlugins: [plugin], dataDir: folder.dataDir });
  await until(clientOf(app), ({ counts }) => counts.completed >= 4);
});

test("a plugin's schedules are there when it is loaded, and stay as they are at the next start", async () => {
  const withSchedule = { ...plugin, schedules: [nightly] };
  await using folder = await startTestApp({ inlinePlugins: [withSchedule] });
  const { runId } = await clientOf(folder).schedule("nightly");
  await folder.app.stop(1_000);
  await using app = await startTestApp({ inlinePlugins: [withSchedule], dataDir: folder.dataDir });
  assert.equal((await clientOf(app).schedule("nightly")).runId, runId);
});
