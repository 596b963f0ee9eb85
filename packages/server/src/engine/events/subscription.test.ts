import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYTHING, type CloudEvent } from "@tutti/core/wire";
import { isWanted, subscriptionSchema } from "./subscription.ts";

const event = {
  specversion: "1.0",
  id: "1",
  source: "/test",
  type: "w",
  data: { list: Array.from({ length: 20_000 }, () => 0) },
} as CloudEvent;
const wants = (where: string): boolean => isWanted({ filter: EVERYTHING, where }, event);
const isTaken = (where: string): boolean => subscriptionSchema.safeParse({ name: "a", where, target: { type: "pull" } }).success;

test("an expression with parentheses around what is matched chooses as one without", () => {
  for (const where of ['(input.type + "").matches("^w$")', 'input.type.matches(("^w" + "$"))', 'input.type.matches("^w$")']) {
    assert.ok(isTaken(where), where);
    assert.ok(wants(where), where);
  }
  assert.equal(wants('(input.type + "x").matches("^w$")'), false);
});

test("an expression that can never have a value is refused when it is subscribed with, and passes over no event", () => {
  for (const where of ["input.", "unknown == 1", '1 + "a" == 2', 'input.type.matches("(")']) {
    assert.equal(isTaken(where), false, where);
    assert.throws(() => wants(where), { code: "invalid_config" }, where);
  }
});

test("an event that has no value for it, or too large a one, is not wanted", () => {
  assert.equal(wants("input.data.total > 1"), false);
  assert.equal(wants("input.data.list.all(x, !(1.0 in input.data.list))"), false);
});
