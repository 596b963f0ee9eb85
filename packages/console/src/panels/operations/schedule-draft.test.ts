import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScheduleEntry, ScheduleTiming } from "@tutti/client";
import { draftOf, NEW_SCHEDULE, requestOf, whenWords } from "./schedule-draft.ts";

const entry = (when: ScheduleTiming): ScheduleEntry => ({
  name: "nightly",
  workflow: "report",
  when,
  input: { shop: "Milano" },
  jitterMs: 1500,
  lateMaxMs: 60_000,
  catchUp: "one",
  overlap: "queue",
  queueMax: 7,
  endAt: "2027-01-01T00:00:00.000Z",
  runId: "",
  status: "active",
  paused: null,
  nextAt: null,
  last: null,
  active: [],
  queued: 0,
  counts: { started: 0, completed: 0, failed: 0, cancelled: 0, missed: 0 },
  misses: [],
});

test("a schedule that is edited and saved as it is stays what it was, also where the form shows nothing of it", () => {
  for (const when of [
    { cron: "30 2 * * *", timeZone: "Europe/Rome" },
    { everyMs: 5_400_000, from: "2026-11-21T00:00:00.000Z" },
    { at: "2026-12-31T23:00:00.000Z" },
  ] satisfies readonly ScheduleTiming[]) {
    const { name, workflow, input, jitterMs, lateMaxMs, catchUp, overlap, queueMax, endAt } = entry(when);
    assert.deepEqual(requestOf(draftOf(entry(when)), when), {
      name,
      workflow,
      when,
      input,
      jitterMs,
      lateMaxMs,
      catchUp,
      overlap,
      queueMax,
      endAt,
    });
  }
});

test("a distance is given in the largest unit that it is whole in", () => {
  const { every, unit } = draftOf(entry({ everyMs: 5_400_000 }));
  assert.deepEqual([every, unit], ["90", "minutes"]);
  assert.equal(whenWords({ everyMs: 5_400_000 }), "every 1 h 30 m");
});

test("what says nothing is refused before it is sent", () => {
  for (const wrong of [{ cron: " " }, { kind: "every", every: "0" }, { kind: "every", every: "often" }, { kind: "once", at: "" }] as const)
    assert.throws(() => requestOf({ ...NEW_SCHEDULE, ...wrong }), { code: "invalid_input" });
});
