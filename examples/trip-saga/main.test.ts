import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example books a trip, and undoes the one that cannot be paid, last first", async () => {
  const lines = await runExample(import.meta.url);
  assert.deepEqual(lines.slice(1, 3), ['  booked: {"booked":2,"to":"Rome"}', "  bookings that stand: 5"]);
  assert.deepEqual(
    lines
      .filter((line) => line.includes("undone"))
      .map((line) => line.slice("  undone: ".length))
      .filter((what) => !/hotel|car/.test(what)),
    ["seat 3", "seat 2", "seat 1", "a flight to Rome"],
  );
  assert.equal(lines.at(-1), "  bookings that stand: 5");
});
