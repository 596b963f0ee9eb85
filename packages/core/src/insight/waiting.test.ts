import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aheadInQueue, waitingFor, type QueuedEvent } from "./index.ts";
import { done, log, ORIGIN_MS, started, time, type Entry } from "./made-log.ts";

describe("a sentence about what a run waits for", () => {
  const nowMs = ORIGIN_MS + 3_600_000;
  const sentences = (...entries: readonly Entry[]): readonly string[] =>
    waitingFor({ events: log([0, started], ...entries) }, { nowMs }).map(({ sentence }) => sentence);
  const step = { key: "0", kind: "step", name: "fetch" } as const;

  const cases: readonly (readonly [string, readonly Entry[], RegExp])[] = [
    [
      "names a signal, since when and until when",
      [[0, { type: "step.waiting", key: "0", kind: "signal", name: "go", until: time(7_200_000) }]],
      /^The run waits for the signal "go" for 1 hour \(since 2026-03-01T08:00:00\.000Z\), until 2026-03-01T10:00:00\.000Z \(in 1 hour\) at the latest\.$/,
    ],
    [
      "names who may answer, and what holds when nobody does",
      [
        [
          0,
          {
            type: "step.waiting",
            key: "0",
            kind: "approval",
            name: "Refund?",
            until: time(7_200_000),
            approval: { question: "Refund?", approvers: ["ada", "finance"], otherwise: "refuse" },
          },
        ],
      ],
      /waits for an answer to "Refund\?" for 1 hour .*; ada or finance may answer until .* \(in 1 hour\), after which it counts as refused\.$/,
    ],
    [
      "says until when it sleeps, and that the time is over",
      [[0, { type: "step.waiting", key: "0", kind: "sleep", name: "sleep", until: time(3_540_000) }]],
      /sleeps until .* \(overdue for 1 minute\)/,
    ],
    [
      "says which attempt failed, why, and when the next one is",
      [
        [
          0,
          {
            type: "step.failed",
            ...step,
            attempt: 2,
            startedAt: time(0),
            durationMs: 1,
            code: "upstream",
            message: "no answer",
            retryAt: time(3_601_500),
          },
        ],
      ],
      /waits for the step "fetch", whose attempt 2 failed \(upstream: no answer\) and which is tried again at .* \(in 1\.5 seconds\)\.$/,
    ],
    [
      "says that a step is under way without a heartbeat",
      [[0, { type: "step.started", ...step, attempt: 3 }]],
      /is at work on the step "fetch" for 1 hour .*, attempt 3, without a heartbeat\.$/,
    ],
    [
      "repeats the last heartbeat",
      [
        [0, { type: "step.started", ...step, attempt: 1 }],
        [3_590_000, { type: "step.progressed", ...step, attempt: 1, detail: { rows: 7 } }],
      ],
      /its last heartbeat 10 seconds ago \(\{"rows":7\}\)\.$/,
    ],
    [
      "says why it is paused and what can be done",
      [[0, { type: "run.paused", code: "workflow_changed", message: "at 3 it differs" }]],
      /is paused for 1 hour .*\(workflow_changed: at 3 it differs\); resume it on the version it began with, fork it before the step that differs, or cancel it\.$/,
    ],
    [
      "says that nothing is open",
      [done({ ...step, fromMs: 0, tookMs: 1 })],
      /has no open step; its last event, step\.completed "fetch", is 1 hour old: .* starting Tutti goes on with it\.$/,
    ],
    [
      "says that somebody asked to cancel it",
      [[0, { type: "cancel.requested", reason: "wrong folder" }]],
      /was asked to cancel 1 hour ago \(wrong folder\) and ends once its workflow has unwound\.$/,
    ],
  ];
  for (const [title, entries, pattern] of cases) test(title, () => assert.match(sentences(...entries)[0] ?? "", pattern));

  test("says at which place of its queue it is", () => {
    const events = log([0, started], [0, { type: "run.queued", queue: "gpu", queueKey: "ada", priority: 5 }]);
    const [waiting] = waitingFor({ events }, { nowMs, aheadOf: () => 2 });
    assert.match(
      waiting?.sentence ?? "",
      /^The run waits for a place in the queue "gpu" for "ada" for 1 hour .*, at place 3, with priority 5\.$/,
    );
  });

  test("counts who goes before in a queue: smaller priorities, then keys by turns, then who came first", () => {
    const queued = (runId: string, queueKey: string, priority: number): QueuedEvent => ({
      type: "run.queued",
      queue: runId === "elsewhere" ? "other" : "gpu",
      queueKey,
      priority,
      runId,
      seq: 3,
      at: time(0),
      hash: "",
    });
    const all = [
      queued("a", "x", 1),
      queued("b", "x", 1),
      queued("c", "x", 1),
      queued("d", "y", 1),
      queued("e", "z", 0),
      queued("elsewhere", "x", 0),
    ];
    const ahead = ["e", "a", "d", "b", "c"].map((runId) => aheadInQueue(runId, all));
    assert.deepEqual(ahead, [0, 1, 2, 3, 4]);
    assert.equal(aheadInQueue("unknown", all), undefined);
  });

  test("says what its child waits for", () => {
    const child = log(
      [0, { ...started, workflow: "child", parent: { runId: "run-1", key: "0" } }],
      [0, { type: "step.waiting", key: "0", kind: "signal", name: "go", until: null }],
    );
    const [waiting] = waitingFor({ events: log([0, started]), children: [{ events: child }] }, { nowMs });
    assert.match(
      waiting?.sentence ?? "",
      /^The run waits for its child run run-1 \("child"\) for 1 hour .*, which waits for the signal "go" for 1 hour .*, with no end set\.$/,
    );
  });

  test("names a run that is no child and whose end it waits for", () => {
    const waits = [{ runId: "run-1", key: "1", kind: "workflow", name: "run-9", since: time(0), until: null }] as const;
    const [waiting] = waitingFor({ events: log([0, started]) }, { nowMs, waits });
    assert.match(
      waiting?.sentence ?? "",
      /^The run waits for the end of run run-9 for 1 hour .*, about which `tutti runs why run-9` tells more\.$/,
    );
  });

  test("leaves out what a race has left behind", () => {
    const found = sentences(
      [0, { type: "step.waiting", key: "0.1.0", kind: "sleep", name: "sleep", until: time(9_000_000) }],
      done({ key: "0.0.0", name: "work", fromMs: 0, tookMs: 1 }),
      [1, { type: "step.waiting", key: "1", kind: "signal", name: "go", until: null }],
    );
    assert.equal(found.length, 1);
    assert.match(found[0] ?? "", /the signal "go"/);
  });
});
