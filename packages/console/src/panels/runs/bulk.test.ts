import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunCounts } from "@tutti/client";
import type { RunRecord, RunStatus } from "@tutti/core";
import { countOf, planOf, wordsOf } from "./bulk.ts";
import { filtersOf } from "./run-filters.ts";
import { NOTHING, withSelected, type Selection } from "./selection.ts";

const none: Readonly<Record<RunStatus, number>> = {
  queued: 0,
  running: 0,
  waiting: 0,
  paused: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  continued: 0,
};
const run = (id: string, status: RunStatus): RunRecord => ({
  id,
  status,
  workflow: "a",
  version: "1",
  startedAt: "",
  endedAt: null,
  parentId: null,
  principalId: "",
  events: 1,
  head: "",
});
const rows = [run("1", "running"), run("2", "failed"), run("3", "waiting"), run("4", "completed")];
const ids = rows.map(({ id }) => id);
const counts: RunCounts = {
  total: 2005,
  isWhole: true,
  byStatus: { ...none, failed: 2000, running: 5 },
  byWorkflow: [
    { workflow: "a", total: 1505, byStatus: { ...none, failed: 1500, running: 5 }, p50DurationMs: null },
    { workflow: "b", total: 500, byStatus: { ...none, failed: 500 }, p50DurationMs: null },
  ],
};
const ground = { rows, filters: filtersOf({}), counts };
const select = (...chosen: readonly string[]): Selection =>
  chosen.reduce<Selection>((selection, id) => withSelected(selection, id, { isRange: false, ids }), NOTHING);

test("a selection is of single runs, of ranges, and of all; taking one out of all leaves those that are listed", () => {
  const range = withSelected(select("1"), "3", { isRange: true, ids });
  assert.deepEqual(range.type === "some" && [...range.ids], ["1", "2", "3"]);
  const fewer = withSelected({ type: "all" }, "2", { isRange: false, ids });
  assert.deepEqual(fewer.type === "some" && [...fewer.ids], ["1", "3", "4"]);
});

test("an action is about those of the selected runs that it fits, and about none when it fits none", () => {
  const plan = planOf("cancel", select("1", "2", "3", "4"), ground);
  assert.deepEqual(plan?.which, { ids: ["1", "3"] });
  assert.equal(planOf("resume", select("1", "2"), ground), undefined);
});

test("of all that fit the filters the server chooses; how many is counted, and that a thousand is the bound is said", () => {
  const plan = planOf("retry", { type: "all" }, ground);
  assert.deepEqual(plan?.which, { filter: { statuses: ["failed"], parent: "none" } });
  assert.equal(plan === undefined ? "" : wordsOf(plan), "the newest 1000 of 2000 runs");
  const one = planOf("retry", { type: "all" }, { ...ground, filters: filtersOf({ workflow: "b" }) });
  assert.equal(one === undefined ? "" : wordsOf(one), "500 runs");
  assert.equal(planOf("retry", { type: "all" }, { ...ground, filters: filtersOf({ status: "completed" }) }), undefined);
});

test("a search by text is steered by what it has found, because a filter cannot name it", () => {
  assert.deepEqual(planOf("retry", { type: "all" }, { ...ground, filters: filtersOf({ q: "x" }) })?.which, { ids: ["2"] });
  assert.equal(countOf(filtersOf({ q: "x" }), counts), undefined);
});
