import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, RunRecord } from "@tutti/core";
import { SqliteStore } from "../../store/index.ts";
import { benchOn, flow, HandClock, owner, type Bench } from "../supervisor/engine-for-tests.ts";
import { SCHEDULE } from "./schedule-workflow.ts";
import { scheduleSchema } from "./schedule-spec.ts";
import type { ScheduleView } from "./schedules.ts";

const openBench = benchOn((dataDir) => SqliteStore.open(dataDir));

const at = (iso: string): number => Date.parse(iso);

/** A workflow that gives back what it was given. */
const echo = flow("echo", (ctx, input) => ctx.step("echo", () => input));
/** A workflow that goes on when it is told to. */
const patient = flow("patient", async (ctx, input) => {
  await ctx.waitFor("go");
  return input;
});

/** The outputs of all runs of a workflow, oldest first. */
async function outputs(bench: Bench, workflow: string): Promise<readonly Json[]> {
  const runs = await bench.store.runs({ workflow, statuses: ["completed"], limit: 1_000 });
  const found = runs.toReversed().map(async ({ id }) => {
    const last = (await bench.events(id)).at(-1);
    return last?.type === "run.completed" ? last.output : null;
  });
  return Promise.all(found);
}

const runsOf = (bench: Bench, workflow: string, statuses?: readonly RunRecord["status"][]): Promise<readonly RunRecord[]> =>
  bench.store.runs({ workflow, limit: 1_000, ...(statuses && { statuses }) });

/** Resolves once the schedule does nothing but sleep until its next tick, and says when that is. */
function asleep(bench: Bench, name: string): Promise<number> {
  return bench.until(async () => {
    const { runId } = await bench.schedules.show(name);
    const last = (await bench.events(runId)).at(-1);
    return last?.type === "step.waiting" && last.kind === "sleep" && last.until !== null && at(last.until);
  });
}

test("a schedule starts its workflow at every tick, on the clock of its zone, over a change of clocks", async () => {
  const clock = new HandClock(at("2026-10-24T00:00:00Z"));
  await using bench = await openBench({ workflows: [echo], clock });
  const when = { cron: "30 2 * * *", timeZone: "Europe/Rome" };
  await bench.schedules.create({ name: "nightly", workflow: "echo", when, input: {}, tickField: "at" }, owner);
  for (let tick = 0; tick < 3; tick += 1) {
    const until = await asleep(bench, "nightly");
    clock.set(until);
    await bench.until(async () => (await outputs(bench, "echo")).length > tick);
  }
  assert.deepEqual(await outputs(bench, "echo"), [
    { at: "2026-10-24T00:30:00.000Z" },
    { at: "2026-10-25T00:30:00.000Z" },
    { at: "2026-10-26T01:30:00.000Z" },
  ]);
  const { counts, last, nextAt, runId } = await settled(bench, "nightly", 3);
  assert.deepEqual(counts, { started: 3, completed: 3, failed: 0, cancelled: 0, missed: 0 });
  assert.deepEqual([last?.at, last?.why, last?.status], ["2026-10-26T01:30:00.000Z", "time", "completed"]);
  assert.equal(nextAt, "2026-10-27T01:30:00.000Z");
  assert.equal((await bench.engine.replay(runId)).matches, true);
});

const HOUR_MS = 3_600_000;
const START_MS = at("2026-01-01T00:00:00Z");
const hourly = { name: "hourly", workflow: "echo", when: { everyMs: HOUR_MS }, input: {}, tickField: "at", lateMaxMs: 1_000 };
const hours = (found: readonly Json[]): readonly number[] =>
  found.map((output) => (at((output as { readonly at: string }).at) - START_MS) / HOUR_MS).toSorted((a, b) => a - b);

for (const [catchUp, expected, missed] of [
  ["skip", [6], 5],
  ["one", [5, 6], 4],
  ["all", [2, 3, 4, 5, 6], 1],
] as const) {
  test(`ticks that fell due while nothing ran are made up for: ${catchUp}`, async () => {
    const clock = new HandClock(START_MS);
    await using first = await openBench({ workflows: [echo], clock });
    await first.schedules.create({ ...hourly, catchUp, catchUpMax: 4, overlap: "allow" }, owner);
    await asleep(first, "hourly");
    // Half an hour after the fifth tick, it starts again.
    await using bench = await first.reopen(() => clock.set(START_MS + 5.5 * HOUR_MS));
    await bench.until(async () => (await bench.schedules.show("hourly")).counts.missed === missed);
    await settled(bench, "hourly", expected.length - 1);
    clock.set(await asleep(bench, "hourly"));
    const schedule = await settled(bench, "hourly", expected.length);
    assert.deepEqual(hours(await outputs(bench, "echo")), expected);
    assert.equal(schedule.last?.at, "2026-01-01T06:00:00.000Z");
    assert.deepEqual(
      schedule.misses.map(({ reason }) => reason),
      Array.from({ length: missed }, () => "late"),
    );
  });
}

test("a tick that meets the run before it is left out, and says so", async () => {
  const { bench, clock } = await busy({ overlap: "skip" });
  await using _ = bench;
  clock.set(START_MS + 2 * HOUR_MS);
  const { misses, counts } = await bench.until(async () => {
    const schedule = await bench.schedules.show("busy");
    return schedule.counts.missed === 1 && schedule;
  });
  assert.deepEqual(misses, [{ at: "2026-01-01T02:00:00.000Z", reason: "overlap" }]);
  assert.equal(counts.started, 1);
});

test("a tick that meets the run before it waits for it, up to a bound", async () => {
  const { bench, clock } = await busy({ overlap: "queue", queueMax: 1 });
  await using _ = bench;
  for (const hour of [2, 3]) {
    await asleep(bench, "busy");
    clock.set(START_MS + hour * HOUR_MS);
    await bench.until(async () => {
      const { queued, counts } = await bench.schedules.show("busy");
      return queued + counts.missed === hour - 1;
    });
  }
  const { queued, misses } = await bench.schedules.show("busy");
  assert.deepEqual([queued, misses], [1, [{ at: "2026-01-01T03:00:00.000Z", reason: "queue full" }]]);
  for (let run = 0; run < 2; run += 1) await letGo(bench);
  await settled(bench, "busy", 2);
  assert.deepEqual(hours(await outputs(bench, "patient")), [1, 2]);
});

test("a tick that meets the run before it takes its place once that one has unwound", async () => {
  const { bench, clock } = await busy({ overlap: "cancel" });
  await using _ = bench;
  const before = (await runsOf(bench, "patient"))[0]?.id;
  clock.set(START_MS + 2 * HOUR_MS);
  const { active } = await bench.until(async () => {
    const schedule = await bench.schedules.show("busy");
    return schedule.counts.cancelled === 1 && schedule.counts.started === 2 && schedule;
  });
  assert.equal(active[0]?.at, "2026-01-01T02:00:00.000Z");
  assert.deepEqual(
    (await runsOf(bench, "patient", ["cancelled"])).map(({ id }) => id),
    [before],
  );
});

test("a supervised run that a tick takes the place of is stopped, not restarted", async () => {
  const { bench, clock } = await busy({ overlap: "cancel", supervise: { restart: "always" } });
  await using _ = bench;
  await bench.until(async () => (await runsOf(bench, "patient", ["waiting"])).length === 1);
  clock.set(START_MS + 2 * HOUR_MS);
  await bench.until(async () => (await bench.schedules.show("busy")).counts.started === 2);
  await bench.until(async () => (await runsOf(bench, "patient", ["waiting"])).length === 1);
  assert.deepEqual(
    (await runsOf(bench, "patient")).map(({ status }) => status),
    ["waiting", "cancelled"],
  );
});

test("a tick that may run beside the one before does", async () => {
  const { bench, clock } = await busy({ overlap: "allow" });
  await using _ = bench;
  clock.set(START_MS + 2 * HOUR_MS);
  await bench.until(async () => (await bench.schedules.show("busy")).active.length === 2);
});

test("a paused schedule starts nothing, and what it slept through is not made up for", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  await bench.schedules.create({ ...hourly, catchUp: "all" }, owner);
  await bench.schedules.pause("hourly", "stocktaking", owner);
  const { paused } = await bench.until(async () => {
    const schedule = await bench.schedules.show("hourly");
    return schedule.status === "paused" && schedule;
  });
  assert.equal(paused?.reason, "stocktaking");
  clock.set(START_MS + 3.5 * HOUR_MS);
  await bench.schedules.resume("hourly", owner);
  clock.set(await asleep(bench, "hourly"));
  const { counts } = await settled(bench, "hourly", 1);
  assert.equal(counts.missed, 0);
  assert.deepEqual(hours(await outputs(bench, "echo")), [4]);
});

test("a schedule is triggered by hand under its own rule for overlaps", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [patient], clock });
  await bench.schedules.create({ ...hourly, workflow: "patient" }, owner);
  const runId = await bench.schedules.trigger("hourly", owner);
  await bench.until(async () => (await bench.store.run(runId)) !== undefined);
  const second = await bench.schedules.trigger("hourly", owner);
  const { misses, last } = await bench.until(async () => {
    const schedule = await bench.schedules.show("hourly");
    return schedule.counts.missed === 1 && schedule;
  });
  assert.equal(misses[0]?.reason, "overlap");
  assert.deepEqual([last?.runId, last?.why], [runId, "manual"]);
  assert.equal(await bench.store.run(second), undefined);
});

test("new settings hold from now on", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  await bench.schedules.create(hourly, owner);
  await asleep(bench, "hourly");
  await bench.schedules.update("hourly", { ...hourly, when: { everyMs: 2 * HOUR_MS }, input: { who: "new" } }, owner);
  await bench.until(async () => (await bench.schedules.show("hourly")).nextAt === "2026-01-01T02:00:00.000Z");
  clock.set(await asleep(bench, "hourly"));
  await settled(bench, "hourly", 1);
  assert.deepEqual(await outputs(bench, "echo"), [{ who: "new", at: "2026-01-01T02:00:00.000Z" }]);
});

test("what is declared again changes nothing, unless its settings changed", async () => {
  await using bench = await openBench({ workflows: [echo], clock: new HandClock(START_MS) });
  assert.equal(await bench.schedules.declare(hourly, owner), "created");
  assert.equal(await bench.schedules.declare(hourly, owner), "unchanged");
  assert.equal(await bench.schedules.declare({ ...hourly, overlap: "queue" }, owner), "updated");
});

test("a name belongs to one schedule, and is free again once that is deleted", async () => {
  await using bench = await openBench({ workflows: [echo], clock: new HandClock(START_MS) });
  const first = await bench.schedules.create(hourly, owner);
  await assert.rejects(bench.schedules.create(hourly, owner), { code: "conflict" });
  const both = await Promise.allSettled([1, 2].map(() => bench.schedules.create({ ...hourly, name: "twin" }, owner)));
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  await asleep(bench, "hourly");
  await bench.schedules.delete("hourly", "no longer wanted", owner);
  await bench.until(async () => (await bench.store.run(first.runId))?.status === "cancelled");
  const again = await bench.schedules.create(hourly, owner);
  assert.notEqual(again.runId, first.runId);
  assert.deepEqual(
    (await bench.schedules.list()).map(({ name }) => name),
    ["hourly", "twin"],
  );
  await assert.rejects(bench.schedules.show("nobody"), { code: "not_found" });
});

test("making a schedule reads no list of those there are, and hears of those that went on as another run or ended", async () => {
  let lists = 0;
  const openCounting = benchOn(async (dataDir) => {
    const store = await SqliteStore.open(dataDir);
    const read = store.runs.bind(store);
    store.runs = (filter) => {
      // The engine has lists of its own to look through, at times of its own.
      if (filter.workflow === SCHEDULE) lists += 1;
      return read(filter);
    };
    return store;
  });
  const clock = new HandClock(START_MS);
  await using bench = await openCounting({ workflows: [echo], clock });
  const { runId } = await bench.schedules.create(hourly, owner);
  for (let tick = 1; (await bench.store.run(runId))?.endedAt === null; tick += 1) {
    clock.set(await asleep(bench, "hourly"));
    await settled(bench, "hourly", tick);
  }
  lists = 0;
  await bench.schedules.create({ ...hourly, name: "another" }, owner);
  await assert.rejects(bench.schedules.create(hourly, owner), { code: "conflict" });
  const newest = await bench.schedules.show("hourly");
  await bench.schedules.delete("hourly", "no longer wanted", owner);
  await bench.until(async () => (await bench.store.run(newest.runId))?.status === "cancelled");
  await bench.schedules.create(hourly, owner);
  assert.equal(lists, 0);
  await bench.schedules.list();
  assert.equal(lists, 1);
});

test("what can never be due, and what does not exist, is refused", async () => {
  await using bench = await openBench({ workflows: [echo], clock: new HandClock(START_MS) });
  const create = (settings: object): Promise<unknown> => bench.schedules.create({ ...hourly, ...settings }, owner);
  await assert.rejects(create({ when: { at: "2025-01-01T00:00:00Z" } }), { code: "invalid_input", message: /a time to come/ });
  await assert.rejects(create({ when: { cron: "0 0 30 2 *" } }), { code: "invalid_input", message: /a time to come/ });
  await assert.rejects(create({ workflow: "nobody" }), { code: "not_found" });
  assert.deepEqual(await bench.schedules.list(), []);
});

test("a schedule for one moment ends when that has come", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  const { runId } = await bench.schedules.create({ ...hourly, when: { at: "2026-12-24T18:00:00Z" } }, owner);
  clock.set(await asleep(bench, "hourly"));
  const counts = await bench.engine.result(runId, new AbortController().signal);
  assert.deepEqual(counts, { started: 1, completed: 1, failed: 0, cancelled: 0, missed: 0 });
  assert.deepEqual(await outputs(bench, "echo"), [{ at: "2026-12-24T18:00:00.000Z" }]);
  assert.deepEqual(await bench.schedules.list(), []);
});

test("a schedule that has run for long keeps a short log, and remembers", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  const first = await bench.schedules.create(hourly, owner);
  const TICKS = 25;
  for (let tick = 1; tick <= TICKS; tick += 1) {
    clock.set(await asleep(bench, "hourly"));
    await settled(bench, "hourly", tick);
  }
  const now = await bench.schedules.show("hourly");
  assert.notEqual(now.runId, first.runId);
  assert.deepEqual([now.counts.started, now.counts.missed], [TICKS, 0]);
  assert.equal((await bench.store.run(first.runId))?.status, "continued");
  assert.deepEqual(
    hours(await outputs(bench, "echo")),
    Array.from({ length: TICKS }, (_, index) => index + 1),
  );
});

test("jitter starts a tick later than its time, and its run knows its time", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  await bench.schedules.create({ ...hourly, jitterMs: HOUR_MS / 2 }, owner);
  const startsAtMs = await asleep(bench, "hourly");
  assert.ok(startsAtMs > START_MS + HOUR_MS && startsAtMs <= START_MS + 1.5 * HOUR_MS);
  clock.set(startsAtMs - 1);
  clock.set(startsAtMs);
  await settled(bench, "hourly", 1);
  assert.deepEqual(hours(await outputs(bench, "echo")), [1]);
});

test("a run that has ended is in the way of no tick, also when the next one's time comes before anybody has heard of the end", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  await bench.schedules.create(hourly, owner);
  await asleep(bench, "hourly");
  const TICKS = 12;
  let tick = 1;
  // The clock moves before those are told who wait for the run's end.
  using _ = bench.engine.subscribe((event) => {
    if (event.type === "run.completed" && tick < TICKS) clock.set(START_MS + (tick += 1) * HOUR_MS);
  });
  clock.set(START_MS + HOUR_MS);
  const { counts, runId } = await settled(bench, "hourly", TICKS);
  assert.deepEqual([counts.started, counts.missed], [TICKS, 0]);
  assert.equal((await bench.engine.replay(runId)).matches, true);
});

test("settings that reach a schedule by another way than its door are checked again", async () => {
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [echo], clock });
  const { runId, ...before } = await bench.schedules.create(hourly, owner);
  const spec = await scheduleSchema.parseAsync(hourly);
  const tell = (value: Json): Promise<void> => bench.engine.signal(runId, { name: "command", value }, owner);
  await assert.rejects(tell({ do: "update", spec: { ...spec, workflow: "tutti.webhook" } }), { code: "invalid_input" });
  await assert.rejects(tell({ do: "trigger", runId: "nobody's" }), { code: "invalid_input" });
  const refused = [{ name: "another" }, { when: { at: "2025-01-01T00:00:00Z" } }];
  for (const [index, settings] of refused.entries()) {
    await tell({ do: "update", spec: { ...spec, ...settings } });
    await bench.until(async () => (await refusals(bench, runId)).length > index);
  }
  assert.deepEqual(await refusals(bench, runId), [
    { schedule: "hourly", why: 'a schedule keeps its name, got "another"' },
    { schedule: "hourly", why: "their time never comes" },
  ]);
  const { runId: _, ...after } = await bench.schedules.show("hourly");
  assert.deepEqual(after, before);
});

/** What a schedule said about commands that it did not obey. */
async function refusals(bench: Bench, runId: string): Promise<readonly Json[]> {
  const events = await bench.events(runId);
  return events.flatMap((event) => (event.type === "step.completed" && event.name === "tutti.schedule.refused" ? [event.output] : []));
}

/** A bench with a schedule whose first run is under way and will not end by itself. */
async function busy(settings: object): Promise<{ readonly bench: Bench; readonly clock: HandClock }> {
  const clock = new HandClock(START_MS);
  const bench = await openBench({ workflows: [patient], clock });
  await bench.schedules.create({ ...hourly, name: "busy", workflow: "patient", ...settings }, owner);
  clock.set(await asleep(bench, "busy"));
  await bench.until(async () => (await bench.schedules.show("busy")).active.length === 1);
  await asleep(bench, "busy");
  return { bench, clock };
}

/** Lets the run that is under way end. */
async function letGo(bench: Bench): Promise<void> {
  const runId = await bench.until(async () => (await runsOf(bench, "patient", ["running", "waiting"]))[0]?.id);
  await bench.engine.signal(runId, { name: "go", value: null }, owner);
  await bench.engine.result(runId, new AbortController().signal);
}

/** The schedule, once so many of its runs have completed and none is under way. */
function settled(bench: Bench, name: string, completed: number): Promise<ScheduleView> {
  return bench.until(async () => {
    const schedule = await bench.schedules.show(name);
    return schedule.counts.completed === completed && schedule.active.length === 0 && schedule;
  });
}
