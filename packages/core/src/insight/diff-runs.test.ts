import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { diffRuns } from "./index.ts";
import { done, log, started, time } from "./made-log.ts";

describe("a diff of two runs", () => {
  const a = log(
    [0, { ...started, input: { order: 1 } }],
    done({ key: "0", name: "load", fromMs: 0, tookMs: 10, output: { id: 1, tags: ["x", "y", "z"] } }),
    done({ key: "1", name: "check", fromMs: 10, tookMs: 10 }),
    done({ key: "2", name: "mail", fromMs: 20, tookMs: 10 }),
    done({ key: "3", name: "wait", fromMs: 30, tookMs: 10 }),
    [40, { type: "run.completed", output: "done" }],
  );
  const b = log(
    [0, { ...started, input: { order: 2 } }],
    done({ key: "0", name: "load", fromMs: 0, tookMs: 10, output: { id: 1, tags: ["x", "new", "y", "z"] } }),
    [
      20,
      {
        type: "step.failed",
        key: "1",
        kind: "step",
        name: "check",
        attempt: 1,
        startedAt: time(10),
        durationMs: 10,
        code: "denied",
        message: "no",
        retryAt: null,
      },
    ],
    done({ key: "2", name: "log", fromMs: 20, tookMs: 10 }),
    done({ key: "3", name: "wait", fromMs: 30, tookMs: 500 }),
    done({ key: "4", name: "more", fromMs: 530, tookMs: 1 }),
    [540, { type: "run.failed", code: "denied", message: "no" }],
  );

  test("tells each step that differs and how, with input, end and times", () => {
    const diff = diffRuns(a, b);
    assert.deepEqual(
      diff.steps.map(({ key, type }) => [key, type]),
      [
        ["0", "other-output"],
        ["1", "other-end"],
        ["2", "other-step"],
        ["4", "only-b"],
      ],
    );
    assert.deepEqual(diff.timing, [{ key: "3", kind: "step", name: "wait", aMs: 10, bMs: 500 }]);
    assert.deepEqual(diff.input.differences, [{ path: "/order", a: 1, b: 2 }]);
    assert.deepEqual([diff.firstKey, diff.counts.same, diff.isSame], ["0", 1, false]);
    assert.equal(diff.end.differences.length > 0, true);
  });

  test("sees that one item was put into a list, not that all that follow changed", () => {
    const [first] = diffRuns(a, b).steps;
    assert.deepEqual(first?.type === "other-output" && first.output.differences, [{ path: "/tags/1", b: "new" }]);
  });
});
