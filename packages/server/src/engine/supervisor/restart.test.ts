import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { consequenceOf, countedFailures, type RunEnd } from "./restart.ts";
import { stuckSteps } from "./stuck.ts";
import { supervisionSchema, type Supervision } from "./supervision-policy.ts";

const policy = (settings: object = {}): Supervision => supervisionSchema.parse(settings);
const failed: RunEnd = { type: "failed", code: "upstream", message: "no answer" };

test("what is restarted after which end follows the policy", () => {
  const after = (restart: Supervision["restart"], end: RunEnd): string =>
    consequenceOf(end, { policy: policy({ restart }), failuresAtMs: end.type === "failed" ? [0] : [] }, 0.5).type;
  assert.equal(after("always", { type: "completed" }), "restart");
  assert.equal(after("on-failure", { type: "completed" }), "finish");
  assert.equal(after("on-failure", failed), "restart");
  assert.equal(after("never", failed), "give up");
  assert.equal(after("always", { type: "cancelled" }), "finish");
});

test("waits grow exponentially up to their cap and are random below their bound", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
      const settings = policy({ backoff: { delayMs: 100, delayMaxMs: 5_000 }, crashLoop: { failuresMax: 1_000 } });
      const consequence = consequenceOf(failed, { policy: settings, failuresAtMs: Array.from({ length: failures }, () => 0) }, random);
      assert.equal(consequence.type, "restart");
      assert.ok(consequence.type === "restart" && consequence.delayMs <= Math.min(5_000, 100 * 2 ** (failures - 1)));
    }),
  );
});

test("too many failures within a time are a crash loop, old ones are forgotten", () => {
  const settings = policy({ crashLoop: { failuresMax: 3, withinMs: 1_000 } });
  const at = (failuresAtMs: readonly number[], nowMs: number): string =>
    consequenceOf(failed, { policy: settings, failuresAtMs: countedFailures(failuresAtMs, settings, nowMs) }, 0).type;
  assert.equal(at([0, 100], 100), "restart");
  assert.equal(at([0, 100, 200], 200), "pause");
  assert.equal(at([0, 100, 1_050], 1_050), "restart");
  assert.equal(
    consequenceOf(failed, { policy: policy({ crashLoop: { failuresMax: 1, action: "fail" } }), failuresAtMs: [0] }, 0).type,
    "give up",
  );
});

test("a step is stuck from its first silent attempt until it gives a sign of life", () => {
  const ref = { runId: "run", key: "1", kind: "step", name: "load", hash: "", durationMs: 1 };
  const event = (type: "step.failed" | "step.completed", seq: number, rest: object): object => ({
    ...ref,
    type,
    seq,
    attempt: seq,
    at: `t${seq}`,
    startedAt: `s${seq}`,
    ...rest,
  });
  const stuck = (seq: number): object => event("step.failed", seq, { code: "stuck", message: "silent for 1000 ms", retryAt: "later" });
  const read = (events: readonly object[]): readonly unknown[] => stuckSteps(events as Parameters<typeof stuckSteps>[0]);
  assert.deepEqual(read([stuck(1), stuck(2)]), [{ step: "load", attempt: 2, since: "s1", message: "silent for 1000 ms" }]);
  assert.deepEqual(read([stuck(1), event("step.completed", 2, { output: null })]), []);
});
