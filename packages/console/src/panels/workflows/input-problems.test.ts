import assert from "node:assert/strict";
import { test } from "node:test";
import { readInputProblems } from "./input-problems.ts";

test("what the server says about an input stands at its fields", () => {
  const message = 'the input of "pay" does not fit its schema: amount: expected a number; to.name: too short; to.city: required';
  assert.deepEqual(readInputProblems(message, ["amount", "to"]), {
    fields: { amount: "expected a number", to: "name: too short; city: required" },
    rest: undefined,
  });
});

test("what is about no field of the form is not lost", () => {
  assert.deepEqual(readInputProblems("the input does not fit its schema: Unrecognized key: x; other: wrong", ["amount"]), {
    fields: {},
    rest: "Unrecognized key: x; other: wrong",
  });
  assert.deepEqual(readInputProblems("policy says no", ["amount"]), { fields: {}, rest: "policy says no" });
});
