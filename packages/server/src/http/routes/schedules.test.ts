import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, Plugin } from "@tutti/core";
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
  ],
};

const YEARLY = { cron: "0 0 1 1 *", timeZone: "Europe/Rome" };
const nightly = { name: "nightly", workflow: "echo", when: YEARLY, input: { who: "Ada" } };

interface Reply {
  readonly status: number;
  readonly body: Record<string, Json>;
}

async function call(app: TestApp, path: string, body?: Json): Promise<Reply> {
  const response = await app.fetch(path, body);
  return { status: response.status, body: (await response.json()) as Record<string, Json> };
}

const scheduleOf = ({ body }: Reply): Record<string, Json> => body["schedule"] as Record<string, Json>;
const codeOf = ({ body }: Reply): Json => (body["error"] as Record<string, Json>)["code"] ?? null;

/** The schedule, once it is as wanted. */
async function until(app: TestApp, name: string, isWanted: (schedule: Record<string, Json>) => boolean): Promise<Record<string, Json>> {
  for (;;) {
    const schedule = scheduleOf(await call(app, `/v1/schedules/${name}`));
    if (isWanted(schedule)) return schedule;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a schedule is made, listed, triggered, changed, paused, resumed and deleted", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const made = await call(app, "/v1/schedules", nightly);
  assert.equal(made.status, 201);
  assert.deepEqual([scheduleOf(made)["status"], scheduleOf(made)["overlap"]], ["active", "skip"]);
  const triggered = await call(app, "/v1/schedules/nightly/trigger", {});
  assert.equal(triggered.status, 202);
  const done = await until(app, "nightly", ({ counts }) => (counts as { readonly completed: number }).completed === 1);
  const { runId, status, why } = done["last"] as Record<string, Json>;
  assert.deepEqual([runId, status, why], [triggered.body["runId"], "completed", "manual"]);
  const run = await call(app, `/v1/runs/${String(runId)}`);
  assert.deepEqual(run.body["output"], { who: "Ada" });
  assert.equal((await call(app, "/v1/schedules/nightly", { ...nightly, overlap: "queue" })).status, 202);
  await until(app, "nightly", ({ overlap }) => overlap === "queue");
  await call(app, "/v1/schedules/nightly/pause", { reason: "holidays" });
  const paused = await until(app, "nightly", (schedule) => schedule["status"] === "paused");
  assert.deepEqual([paused["nextAt"], (paused["paused"] as Record<string, Json>)["reason"]], [null, "holidays"]);
  await call(app, "/v1/schedules/nightly/resume", {});
  await until(app, "nightly", (schedule) => schedule["status"] === "active");
  assert.equal(((await call(app, "/v1/schedules")).body["schedules"] as readonly Json[]).length, 1);
  assert.equal((await call(app, "/v1/schedules/nightly/delete", {})).status, 202);
});

test("the next ticks are told, also of a schedule that does not exist yet", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await call(app, "/v1/schedules", nightly);
  const { body } = await call(app, "/v1/schedules/nightly/next?count=2");
  const isNewYearInRome = (tick: Json): boolean => String(tick).endsWith("-12-31T23:00:00.000Z");
  assert.ok((body["next"] as readonly Json[]).length === 2 && (body["next"] as readonly Json[]).every(isNewYearInRome));
  const preview = await call(app, "/v1/schedules/preview?count=3", { ...nightly, name: "other", workflow: "to be written" });
  assert.equal((preview.body["next"] as readonly Json[]).length, 3);
  assert.equal((await call(app, "/v1/schedules/other")).status, 404);
  assert.equal((await call(app, "/v1/schedules/nightly/next?count=0")).status, 400);
});

test("what is wrong with a schedule is said by name", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const refused = async (change: Record<string, Json>): Promise<string> => {
    const reply = await call(app, "/v1/schedules", { ...nightly, ...change });
    return `${reply.status} ${String((reply.body["error"] as Record<string, Json>)["message"])}`;
  };
  assert.match(await refused({ when: { cron: "61 * * * *" } }), /^400 .*when: wanted a cron expression such as/);
  assert.match(await refused({ workflow: "nobody" }), /^404 wanted a workflow or agent called "nobody"/);
  assert.match(await refused({ workflow: "tutti.schedule" }), /^404 /);
  assert.match(await refused({ crom: true }), /^400 .*crom/);
  assert.equal((await call(app, "/v1/schedules", nightly)).status, 201);
  assert.equal(codeOf(await call(app, "/v1/schedules", nightly)), "conflict");
  assert.equal(codeOf(await call(app, "/v1/schedules/nightly", { ...nightly, name: "other" })), "invalid_input");
  assert.equal(codeOf(await call(app, "/v1/schedules/nobody/pause", {})), "not_found");
});

test("a schedule goes on after a restart", async () => {
  await using folder = await startTestApp({ inlinePlugins: [plugin] });
  await call(folder, "/v1/schedules", { ...nightly, when: { everyMs: 100 } });
  await until(folder, "nightly", ({ counts }) => (counts as { readonly completed: number }).completed >= 2);
  await folder.app.stop(1_000);
  await using app = await startTestApp({ inlinePlugins: [plugin], dataDir: folder.dataDir });
  await until(app, "nightly", ({ counts }) => (counts as { readonly completed: number }).completed >= 4);
});
