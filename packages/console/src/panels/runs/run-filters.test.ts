import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "@tutti/core";
import { belongs, filtersOf, isEverything, isRunId, leftOutOf, liveFilterOf, queryOf, searchOf } from "./run-filters.ts";

const NOW_MS = Date.parse("2026-11-21T12:00:00.000Z");
const run: RunRecord = {
  id: "01a1ff09-0000-7000-8000-000000000000",
  workflow: "report",
  version: "1",
  status: "running",
  startedAt: "2026-11-21T11:30:00.000Z",
  endedAt: null,
  parentId: null,
  principalId: "owner",
  events: 3,
  head: "",
};

test("an address and its filters are the same, both ways", () => {
  const search = { status: "failed,waiting", workflow: "a,b", parent: "all", by: "ada", q: "no answer", last: "1h" };
  assert.deepEqual(searchOf(filtersOf(search)), search);
  const between = { since: "2026-11-21T08:00:00.000Z", until: "2026-11-21T09:00:00.000Z" };
  assert.deepEqual(searchOf(filtersOf(between)), between);
});

test("what an address says wrongly is left out, and known to be", () => {
  const search = { status: "failed,nonsense,failed", last: "never", since: "tomorrow", workflow: ",,", other: "x" };
  const filters = filtersOf(search);
  assert.deepEqual(leftOutOf(search), ["status nonsense", "last never", "since tomorrow"]);
  assert.deepEqual(leftOutOf(searchOf(filters)), []);
  assert.deepEqual(searchOf(filters), { status: "failed" });
  assert.equal(isEverything(filtersOf({ status: "nonsense" })), true);
});

test("the server is asked for what the filters say, and the feed for what it knows of them", () => {
  const filters = filtersOf({ status: "failed", by: "ada", last: "1h" });
  assert.deepEqual(queryOf(filters, NOW_MS), { since: "2026-11-21T11:00:00.000Z", statuses: ["failed"], parent: "none", principal: "ada" });
  assert.deepEqual(liveFilterOf(filters), { statuses: ["failed"], parent: "none" });
  assert.deepEqual(liveFilterOf(filtersOf({ parent: "all" })), {});
});

test("a run that the feed tells of belongs in the list when it started in its time, by whom is asked for", () => {
  assert.equal(belongs(run, filtersOf({}), NOW_MS), true);
  assert.equal(belongs(run, filtersOf({ last: "1h" }), NOW_MS), true);
  assert.equal(belongs(run, filtersOf({ last: "15m" }), NOW_MS), false);
  assert.equal(belongs(run, filtersOf({ until: "2026-11-21T11:00:00Z" }), NOW_MS), false);
  assert.equal(belongs(run, filtersOf({ by: "ada" }), NOW_MS), false);
});

test("a run's id is told from a text", () => {
  assert.equal(isRunId(run.id), true);
  assert.equal(isRunId("report"), false);
});
