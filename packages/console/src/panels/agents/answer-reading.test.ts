import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "@tutti/core";
import { readAnswer } from "./answer-reading.ts";

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
const events = (...bodies: readonly object[]): readonly Event[] =>
  bodies.map((body, index) => ({ runId: "r", seq: index + 1, at: at(index), hash: "", ...body }) as unknown as Event);
const principal = { id: "owner", roles: [], tenant: "default" };
const started = { type: "run.started", workflow: "holly", version: "1", input: {}, principal };
const decided = (effect: string): object => ({
  type: "policy.decided",
  key: "2",
  action: { kind: "tool.call", resource: "pay", principal, input: { amount: 12 } },
  decision: { effect, reason: "payments are looked at", rule: "pay" },
});

test("an answer's tools, model, cost and text come from its run's log", () => {
  const reading = readAnswer(
    events(
      started,
      { type: "step.completed", key: "1", kind: "model", name: "test-model", attempt: 1, durationMs: 3, output: {} },
      decided("allow"),
      { type: "step.completed", key: "2", kind: "tool", name: "pay", attempt: 1, durationMs: 7, output: { paid: true } },
      {
        type: "run.completed",
        output: { reply: { role: "assistant", content: "Paid." } },
        usage: { inputTokens: 5, outputTokens: 2, costUsd: 0.01 },
      },
    ),
  );
  assert.deepEqual(
    [reading.status, reading.text, reading.model, reading.usage?.costUsd, reading.durationMs],
    ["completed", "Paid.", "test-model", 0.01, 4000],
  );
  assert.deepEqual(
    reading.tools.map(({ tool, state, input, output }) => [tool, state, input, output]),
    [["pay", "completed", { amount: 12 }, { paid: true }]],
  );
});

test("a tool that waits for people says so, and is called with what they put in its place", () => {
  const waiting = [started, decided("ask"), { type: "step.waiting", key: "2", kind: "approval", name: "pay", until: null }];
  assert.equal(readAnswer(events(...waiting)).tools[0]?.state, "waiting");
  const edited = { input: { amount: 5 }, argsHash: "x" };
  const answered = [...waiting, { type: "approval.answered", key: "2", approved: true, by: "owner", reason: "", edited }];
  assert.deepEqual(readAnswer(events(...answered)).tools[0]?.input, { amount: 5 });
  const refused = [...waiting, { type: "approval.answered", key: "2", approved: false, by: "owner", reason: "no" }];
  assert.deepEqual([readAnswer(events(...refused)).tools[0]?.state, readAnswer(events(...refused)).tools[0]?.reason], ["refused", "no"]);
});

test("an answer that failed or was stopped says why", () => {
  assert.deepEqual(readAnswer(events(started, { type: "run.failed", code: "upstream", message: "busy" })).error, {
    code: "upstream",
    message: "busy",
  });
  assert.equal(readAnswer(events(started, { type: "run.cancelled", reason: "stopped" })).error?.message, "stopped");
});
