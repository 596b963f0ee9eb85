import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_CONDITION, whereOf, whereWords } from "./grant-terms.ts";

const condition = { ...EMPTY_CONDITION, path: "amount" };

test("conditions are what their texts say: numbers as numbers, other texts as they stand", () => {
  assert.deepEqual(
    whereOf([
      { ...condition, path: "to", value: "acme" },
      { ...condition, path: "code", value: '"7"' },
      { ...condition, path: "kind", kind: "oneOf", value: "a, 2 ,true" },
      { ...condition, path: "name", kind: "pattern", value: "ac.*" },
      { ...condition, kind: "range", max: "50" },
      { ...condition, path: "tax", kind: "range", min: "1", max: "2.5" },
    ]),
    {
      to: { equals: "acme" },
      code: { equals: "7" },
      kind: { oneOf: ["a", 2, true] },
      name: { pattern: "ac.*" },
      amount: { max: 50 },
      tax: { min: 1, max: 2.5 },
    },
  );
});

test("a condition that says nothing is refused, with its place", () => {
  for (const wrong of [
    EMPTY_CONDITION,
    { ...condition, kind: "oneOf", value: " , " },
    { ...condition, kind: "pattern" },
    { ...condition, kind: "range" },
    { ...condition, kind: "range", min: "9", max: "2" },
  ] as const)
    assert.throws(() => whereOf([wrong]), { code: "invalid_input" });
});

test("which calls a grant lets through is said in words", () => {
  assert.equal(whereWords({}), "any input");
  assert.equal(whereWords({ where: { to: { oneOf: ["a", "b"] }, amount: { min: 1, max: 5 } } }), 'to is one of "a", "b"; amount is 1 to 5');
});
