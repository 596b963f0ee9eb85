import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration } from "./duration.ts";

test("a duration is told in the unit that people would use", () => {
  const wanted: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [-5, "0 ms"],
    [0.01, "0.1 ms"],
    [0.44, "0.4 ms"],
    [9.94, "9.9 ms"],
    [9.96, "10 ms"],
    [312.4, "312 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [1240, "1.24 s"],
    [9994, "9.99 s"],
    [9996, "10.0 s"],
    [59_900, "59.9 s"],
    [59_960, "1m 00s"],
    [185_000, "3m 05s"],
    [3_599_600, "1h 00m"],
    [7_380_000, "2h 03m"],
    [86_399_999, "1d 00h"],
    [371_000_000, "4d 07h"],
  ];
  assert.deepEqual(
    wanted.map(([ms]) => formatDuration(ms)),
    wanted.map(([, text]) => text),
  );
});

test("no duration up to 99 days takes more than seven characters", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 99 * 86_400_000, noNaN: true }), (ms) => formatDuration(ms).length <= 7));
});
