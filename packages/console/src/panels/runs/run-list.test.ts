import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "@tutti/core";
import { EMPTY_LIST, released, withChanges, withNewest, withPage, type RunList } from "./run-list.ts";

/** A run that started in that second and has so many events. */
const run = (second: number, events = 1): RunRecord => ({
  id: `run-${String(second).padStart(2, "0")}`,
  workflow: "report",
  version: "1",
  status: "running",
  startedAt: new Date(second * 1000).toISOString(),
  endedAt: null,
  parentId: null,
  principalId: "owner",
  events,
  head: "",
});
const all = { isHeld: false, isSearch: false, mayEnter: () => true };
const secondsOf = ({ rows }: RunList): readonly number[] => rows.map(({ startedAt }) => Date.parse(startedAt) / 1000);
const listed = withPage(EMPTY_LIST, { runs: [run(9), run(7), run(5)], nextBefore: "run-05" });

test("a page adds older runs, each once; what the feed told of them meanwhile stays", () => {
  const told = withChanges(listed, { runs: [run(5, 8)], left: [] }, all);
  const next = withPage(told, { runs: [run(5), run(3)], nextBefore: null });
  assert.deepEqual(secondsOf(next), [9, 7, 5, 3]);
  assert.equal(next.rows[2]?.events, 8);
  assert.equal(next.nextBefore, null);
});

test("new runs stand on top, others at their place, and older ones than were read wait for their page", () => {
  const next = withChanges(listed, { runs: [run(12), run(8), run(2), run(11)], left: [] }, all);
  assert.deepEqual(secondsOf(next), [12, 11, 9, 8, 7, 5]);
});

test("an older record of a run never replaces a newer one", () => {
  const next = withChanges(withChanges(listed, { runs: [run(7, 5)], left: [] }, all), { runs: [run(7, 4)], left: [] }, all);
  assert.equal(next.rows[1]?.events, 5);
});

test("held back, new runs are counted and keep up, and come in together", () => {
  const held = withChanges(listed, { runs: [run(12), run(11)], left: [] }, { ...all, isHeld: true });
  assert.deepEqual(secondsOf(held), [9, 7, 5]);
  const later = withChanges(held, { runs: [run(12, 6), run(9, 4)], left: ["run-11"] }, { ...all, isHeld: true });
  assert.deepEqual(
    later.held.map(({ id, events }) => [id, events]),
    [["run-12", 6]],
  );
  assert.deepEqual(secondsOf(released(later, all)), [12, 9, 7, 5]);
});

test("runs that belong no more leave, and those that may not enter do not", () => {
  const next = withChanges(listed, { runs: [run(12)], left: ["run-07"] }, { ...all, mayEnter: () => false });
  assert.deepEqual(secondsOf(next), [9, 5]);
});

test("read anew, the newest are taken like changes; with a gap the list begins anew", () => {
  const next = withNewest(listed, { runs: [run(10), run(9, 3), run(5)], nextBefore: "x" }, all);
  assert.deepEqual(secondsOf(next), [10, 9, 5]);
  assert.equal(next.nextBefore, "run-05");
  const gap = withNewest(listed, { runs: [run(30), run(29)], nextBefore: "run-29" }, all);
  assert.deepEqual(secondsOf(gap), [30, 29]);
  assert.equal(gap.nextBefore, "run-29");
});

test("new runs make a list no longer than what was read of it; what went is read again from there", () => {
  const many = (from: number, to: number): readonly RunRecord[] => Array.from({ length: from - to }, (_, index) => run(from - index));
  const read = withPage(EMPTY_LIST, { runs: many(2200, 1000), nextBefore: null });
  const next = withChanges(read, { runs: many(2203, 2200), left: [] }, all);
  assert.equal(next.rows.length, 1200);
  assert.deepEqual([next.rows[0]?.id, next.nextBefore], ["run-2203", "run-1004"]);
  const short = withChanges(listed, { runs: many(2203, 2200), left: [] }, all);
  assert.deepEqual([short.rows.length, short.nextBefore], [6, "run-05"]);
});

test("what a search finds now stands on top, whenever it started, and keeps its place", () => {
  const search = { ...all, isSearch: true };
  const found = withChanges(listed, { runs: [run(2), run(7, 5)], left: [] }, search);
  assert.deepEqual(secondsOf(found), [2, 9, 7, 5]);
  assert.equal(found.rows[2]?.events, 5);
  const held = withChanges(found, { runs: [run(8)], left: [] }, { ...search, isHeld: true });
  assert.deepEqual(secondsOf(released(held, search)), [8, 2, 9, 7, 5]);
});
