import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "@tutti/core";
import fc from "fast-check";
import { boundedHistory } from "./history.ts";

const turn = fc
  .tuple(fc.string(), fc.array(fc.constantFrom<Message["role"]>("assistant", "tool"), { maxLength: 4 }))
  .map(([content, roles]): readonly Message[] => [{ role: "user", content }, ...roles.map((role) => ({ role, content }))]);

test("the newest messages stay within the bound, begin with a user's message and end with the last one", () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1 }), fc.integer({ min: 1, max: 10 }), (turns, max) => {
      const kept = boundedHistory([{ role: "system", content: "rules" }, ...turns.flat()], max);
      assert.deepEqual(kept[0], { role: "system", content: "rules" });
      const rest = kept.slice(1);
      assert.equal(rest[0]?.role, "user");
      assert.deepEqual(rest, turns.flat().slice(-rest.length));
      assert.ok(rest.length <= max || rest.length === turns.at(-1)?.length);
    }),
  );
});

test("an answer of a tool is never parted from its call", () => {
  const calls = [{ id: "1", name: "echo", input: {} }];
  const last: readonly Message[] = [
    { role: "user", content: "two" },
    { role: "assistant", content: "", calls },
    { role: "tool", callId: "1", content: "2" },
    { role: "assistant", content: "2" },
  ];
  assert.deepEqual(boundedHistory([{ role: "user", content: "one" }, ...last], 2), last);
  assert.deepEqual(boundedHistory(last, 100), last);
});
