import assert from "node:assert/strict";
import { test } from "node:test";
import { standsIn } from "./event-text.ts";

test("an event is found by any text in it, whatever its case, and is made into text once", () => {
  let made = 0;
  const toJSON = (): object => {
    made += 1;
    return { type: "step.failed", message: "No Disk" };
  };
  const event = { toJSON };
  assert.deepEqual(
    ["", "no disk", "STEP.", "nobody"].map((text) => standsIn(event, text)),
    [true, true, true, false],
  );
  assert.equal(made, 1);
});
