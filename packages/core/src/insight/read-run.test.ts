import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EventBody } from "../event.ts";
import type { Json } from "../json.ts";
import { readRun, runInsight, workflowInsight } from "./index.ts";
import { done, log, logOf, owner, started, time } from "./made-log.ts";

describe("a log's readings", () => {
  test("the loser of a race decides nothing and has no slack to give away", () => {
    const { steps, path } = runInsight(
      readRun({
        events: log(
          [0, started],
          [0, { type: "step.waiting", key: "0.1.0", kind: "sleep", name: "sleep", until: time(3_600_000) }],
          done({ key: "0.0.0", name: "work", fromMs: 0, tookMs: 100 }),
          done({ key: "1", name: "after", fromMs: 100, tookMs: 400 }),
          [500, { type: "run.completed", output: null }],
        ),
      }),
    );
    assert.deepEqual(
      path.map(({ key, onPathMs }) => [key, onPathMs]),
      [
        ["0.0.0", 100],
        ["1", 400],
      ],
    );
    const loser = steps.find(({ key }) => key === "0.1.0");
    assert.deepEqual([loser?.durationMs, loser?.slackMs], [100, null]);
  });

  test("a sleep through which no process ran is a wait, and only what came after its end was lost", () => {
    const { totals } = readRun({
      events: log(
        [0, started],
        [0, { type: "step.waiting", key: "0", kind: "sleep", name: "sleep", until: time(1000) }],
        [1500, { type: "run.resumed", reason: "started again" }],
        done({ key: "0", kind: "sleep", name: "sleep", fromMs: 0, tookMs: 1500 }),
        [1500, { type: "run.completed", output: null }],
      ),
    });
    assert.deepEqual([totals.waitingMs, totals.downMs, totals.wallMs], [1000, 500, 1500]);
  });

  test("a queue, a pause and a retry are told apart", () => {
    const failed: EventBody = {
      type: "step.failed",
      key: "0",
      kind: "step",
      name: "fetch",
      attempt: 1,
      startedAt: time(300),
      durationMs: 100,
      code: "upstream",
      message: "no answer",
      retryAt: time(450),
    };
    const { totals } = readRun({
      events: log(
        [0, started],
        [0, { type: "run.queued", queue: "q", queueKey: "", priority: 0 }],
        [300, { type: "run.admitted", waitedMs: 300 }],
        [400, failed],
        done({ key: "0", name: "fetch", fromMs: 450, tookMs: 50 }),
        [500, { type: "run.paused", code: "workflow_changed", message: "differs" }],
        [900, { type: "run.resumed", reason: "put right" }],
        [1000, { type: "run.completed", output: null }],
      ),
    });
    assert.deepEqual(totals, {
      wallMs: 1000,
      queuedMs: 300,
      runningMs: 50,
      retryingMs: 150,
      waitingMs: 0,
      overheadMs: 100,
      downMs: 0,
      pausedMs: 400,
    });
  });

  test("a child run's log shows what the step that waited for it was about", () => {
    const child = log(
      [100, { ...started, workflow: "child", parent: { runId: "run-1", key: "0" } }],
      done({ key: "0", name: "inside", fromMs: 100, tookMs: 300 }),
      [400, { type: "run.completed", output: null }],
    ).map((event) => ({ ...event, runId: "run-2" }));
    const reading = readRun({
      events: log([0, started], done({ key: "0", kind: "workflow", name: "child", fromMs: 100, tookMs: 300 }), [
        500,
        { type: "run.completed", output: null },
      ]),
      children: [{ events: child }],
    });
    const [step] = runInsight(reading).steps;
    assert.deepEqual(
      step?.child?.path.map((entry) => [entry.name, entry.startMs, entry.onPathMs, entry.share]),
      [["inside", 100, 300, 1]],
    );
    assert.deepEqual([reading.totals.runningMs, reading.totals.overheadMs], [300, 200]);
  });

  test("steps are proposed to run at the same time only where no input holds what came before", () => {
    const allowed = (key: string, tool: string, input: Json): EventBody => ({
      type: "policy.decided",
      key,
      action: { kind: "tool.call", principal: owner, resource: tool, input },
      decision: { effect: "allow", reason: "", rule: "" },
      policyHash: "",
    });
    const events = log(
      [0, started],
      [0, allowed("0", "first", null)],
      done({ key: "0", kind: "tool", name: "first", fromMs: 0, tookMs: 100, output: { id: "order-77" } }),
      [100, allowed("1", "second", { id: "order-77" })],
      done({ key: "1", kind: "tool", name: "second", fromMs: 100, tookMs: 100, output: { text: "a text" } }),
      [200, allowed("2", "third", { id: "other" })],
      done({ key: "2", kind: "tool", name: "third", fromMs: 200, tookMs: 100 }),
      [300, { type: "run.completed", output: null }],
    );
    const { help } = workflowInsight("test", [readRun({ events })]);
    const pairs = help.filter(({ change: { type } }) => type === "side-by-side");
    assert.deepEqual(
      pairs.map(({ title, savedMs }) => [title, savedMs.mean]),
      [['Run "second" and "third" at the same time (ctx.all)', 100]],
    );
    assert.match(pairs[0]?.assumption ?? "", /no use of it in "third", which is no proof/);
  });

  test("many runs tell what makes them slow, with a range that widens with what varies", () => {
    const readings = Array.from({ length: 20 }, (_, index) =>
      readRun({
        events: logOf([
          { name: "steady", tookMs: 100 },
          { name: "unsteady", tookMs: index % 5 === 0 ? 5000 : 100 },
        ]),
      }),
    );
    const { slow, help, runs, wall } = workflowInsight("test", readings);
    assert.deepEqual([runs.read, runs.completed, wall.p50Ms, wall.p95Ms], [20, 20, 200, 5100]);
    assert.deepEqual(
      slow.map((cause) => ("name" in cause ? cause.name : cause.type)),
      ["unsteady", "steady"],
    );
    const [best] = help;
    assert.equal(best?.title, 'Keep the step "unsteady" at its usual 100 ms (one in twenty takes 5.0 seconds or more)');
    assert.deepEqual([best?.savedMs.mean, best?.runs, best?.runsChanged], [980, 20, 4]);
    assert.ok((best?.savedMs.low ?? 0) < 980 && (best?.savedMs.high ?? 0) > 980);
    const half = help.find(({ title }) => title === 'Make the step "steady" 2 times faster');
    assert.deepEqual(half?.savedMs, { mean: 50, low: 50, high: 50 });
  });
});
