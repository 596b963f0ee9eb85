import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scheduleSchema, type ScheduleSpec } from "./schedule-spec.ts";
import { judgeTick, newSchedule, planTicks, withEnded, withMisses, withStarted, type ScheduleState } from "./schedule-state.ts";

const SECOND_MS = 1_000;
const START_MS = Date.parse("2026-01-01T00:00:00Z");

/** A schedule that is due every second. */
const every = (settings: Partial<ScheduleSpec> = {}): ScheduleState =>
  newSchedule(
    "the schedule",
    scheduleSchema.parse({
      name: "tick",
      workflow: "work",
      when: { everyMs: SECOND_MS, from: new Date(START_MS).toISOString() },
      ...settings,
    }),
    START_MS,
  );
const seconds = (ticks: readonly { readonly atMs: number }[]): readonly number[] => ticks.map(({ atMs }) => (atMs - START_MS) / SECOND_MS);

test("a tick is due when its time has come, once", () => {
  const state = every();
  assert.deepEqual(planTicks(state, START_MS + 999).due, []);
  const plan = planTicks(state, START_MS + SECOND_MS);
  assert.deepEqual(plan, {
    due: [{ atMs: START_MS + SECOND_MS, why: "time" }],
    missed: [],
    hasMore: false,
    cursorMs: START_MS + SECOND_MS,
    wakeMs: START_MS + 2 * SECOND_MS,
  });
  assert.deepEqual(planTicks({ ...state, cursorMs: plan.cursorMs }, START_MS + 1_999).due, []);
});

test("after standing still, missed ticks are left out, made up for by one, or all made up for, as the policy says", () => {
  const nowMs = START_MS + 5_200;
  const skipped = planTicks(every({ lateMaxMs: 0 }), nowMs);
  assert.deepEqual([seconds(skipped.due), seconds(skipped.missed)], [[], [1, 2, 3, 4, 5]]);
  const one = planTicks(every({ lateMaxMs: 0, catchUp: "one" }), nowMs);
  assert.deepEqual([one.due, seconds(one.missed)], [[{ atMs: START_MS + 5 * SECOND_MS, why: "late" }], [1, 2, 3, 4]]);
  const all = planTicks(every({ lateMaxMs: 0, catchUp: "all" }), nowMs);
  assert.deepEqual([seconds(all.due), seconds(all.missed)], [[1, 2, 3, 4, 5], []]);
  const some = planTicks(every({ lateMaxMs: 0, catchUp: "all", catchUpMax: 2 }), nowMs);
  assert.deepEqual(
    [seconds(some.due), seconds(some.missed)],
    [
      [4, 5],
      [1, 2, 3],
    ],
  );
});

test("with skip, the newest tick still runs when it is no later than it may be", () => {
  const plan = planTicks(every({ lateMaxMs: 200 }), START_MS + 3_200);
  assert.deepEqual([plan.due, seconds(plan.missed)], [[{ atMs: START_MS + 3 * SECOND_MS, why: "time" }], [1, 2]]);
});

test("after a year of standing still the missed ticks are counted up to a bound", () => {
  const plan = planTicks(every({ lateMaxMs: 0 }), START_MS + 366 * 86_400_000 + 1);
  assert.deepEqual([plan.due.length, plan.missed.length, plan.hasMore], [0, 100, true]);
});

test("a pause is no fault: its ticks are neither missed nor made up for", () => {
  const paused = { ...every({ catchUp: "all" }), paused: { reason: "holidays", sinceMs: START_MS } };
  const plan = planTicks(paused, START_MS + 10_000);
  assert.deepEqual(plan, { due: [], missed: [], hasMore: false, cursorMs: START_MS + 10_000, wakeMs: null });
  assert.deepEqual(planTicks({ ...paused, paused: null, cursorMs: plan.cursorMs }, START_MS + 10_500).due, []);
});

test("a clock that is set back repeats nothing", () => {
  const state = { ...every({ catchUp: "all" }), cursorMs: START_MS + 60_000 };
  assert.deepEqual(planTicks(state, START_MS + 30_000), {
    due: [],
    missed: [],
    hasMore: false,
    cursorMs: START_MS + 60_000,
    wakeMs: START_MS + 61_000,
  });
});

test("looking often or seldom, with jitter or without, starts each tick once and in order, never before its time", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 5_000 }),
      (pausesMs, jitterMs) => {
        let state = every({ catchUp: "all", catchUpMax: 1_000, jitterMs });
        let nowMs = START_MS;
        const started: number[] = [];
        for (const pauseMs of [...pausesMs, 10_000]) {
          nowMs += pauseMs;
          const plan = planTicks(state, nowMs);
          assert.deepEqual(plan.missed, []);
          assert.ok(plan.wakeMs !== null && plan.wakeMs > nowMs);
          for (const { atMs } of plan.due) assert.ok(atMs <= nowMs);
          started.push(...seconds(plan.due));
          state = { ...state, cursorMs: plan.cursorMs };
        }
        assert.deepEqual(
          started,
          Array.from(started, (_, index) => index + 1),
        );
        assert.ok(started.length >= Math.floor((nowMs - START_MS - jitterMs) / SECOND_MS));
      },
    ),
  );
});

test("a tick that meets the run before it is left out, queued up to a bound, takes its place, or runs beside it", () => {
  const tick = { atMs: START_MS, why: "time", runId: "one" } as const;
  const busy = (settings: Partial<ScheduleSpec>): ScheduleState => withStarted(every(settings), { ...tick, isSupervised: false });
  assert.equal(judgeTick(every()), "start");
  assert.equal(judgeTick(busy({ overlap: "skip" })), "overlap");
  assert.equal(judgeTick(busy({ overlap: "cancel" })), "replace");
  assert.equal(judgeTick(busy({ overlap: "allow" })), "start");
  const queue = busy({ overlap: "queue", queueMax: 1 });
  assert.equal(judgeTick(queue), "queue");
  assert.equal(judgeTick({ ...queue, queue: [tick] }), "queue full");
  const crowd = Array.from({ length: 100 }, (_, index) => ({ ...tick, runId: String(index), isSupervised: false }));
  assert.equal(judgeTick({ ...busy({ overlap: "allow" }), active: crowd }), "too many");
});

test("the newest tick's run is the last one, also when an older one ends later", () => {
  const first = { atMs: START_MS, why: "time", runId: "first", isSupervised: false } as const;
  const second = { ...first, atMs: START_MS + SECOND_MS, runId: "second" };
  const both = withStarted(withStarted(every({ overlap: "allow" }), first), second);
  const ended = withEnded(withEnded(both, second, { status: "completed" }), first, {
    status: "failed",
    error: { code: "upstream", message: "no answer" },
  });
  assert.deepEqual(ended.last, { atMs: second.atMs, why: "time", runId: "second", status: "completed" });
  assert.deepEqual(ended.counts, { started: 2, completed: 1, failed: 1, cancelled: 0, missed: 0 });
  assert.deepEqual(ended.active, []);
});

test("what a schedule remembers is bounded", () => {
  const misses = Array.from({ length: 50 }, (_, index) => ({ atMs: index, reason: "late" as const }));
  const state = withMisses(every(), misses);
  assert.equal(state.counts.missed, 50);
  assert.deepEqual(state.misses, misses.slice(-20));
});

test("settings that make no sense are refused by name", () => {
  const wrong = (settings: object): string => {
    const { error } = scheduleSchema.safeParse({ name: "tick", workflow: "work", when: { everyMs: 1_000 }, ...settings });
    return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") ?? "";
  };
  assert.match(wrong({ when: { cron: "61 * * * *" } }), /^when: wanted a cron expression such as/);
  assert.match(wrong({ when: { cron: "* * * * *", timeZone: "Mars/Phobos" } }), /^when: wanted a time zone/);
  assert.match(wrong({ when: { everyMs: 5 } }), /^when/);
  assert.match(wrong({ when: { at: "tomorrow" } }), /^when/);
  assert.match(wrong({ startAt: "2026-02-01T00:00:00Z", endAt: "2026-01-01T00:00:00Z" }), /^endAt: a moment after startAt/);
  assert.match(wrong({ tickField: "at", input: [1] }), /^tickField: needs an input that is an object/);
  assert.match(wrong({ input: "x".repeat(40_000) }), /^input: at most 32768 characters/);
  assert.match(wrong({ name: "no spaces" }), /^name: a name of letters/);
  assert.match(wrong({ overlap: "often" }), /^overlap/);
  assert.match(wrong({ crom: 1 }), /crom/);
});
