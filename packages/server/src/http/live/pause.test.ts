import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { pause } from "./pause.ts";

test("pauses leave nothing behind on the signal that may end them", async () => {
  const { signal } = new AbortController();
  for (let count = 0; count < 20; count += 1) await pause(1, signal);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a pause ends when its signal aborts, and does not begin after that", async () => {
  const gone = new AbortController();
  const pausing = pause(600_000, gone.signal);
  gone.abort();
  await pausing;
  await pause(600_000, gone.signal);
});
