import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, EventBody, StepKind } from "@tutti/core";
import { costLines } from "./cost/cost-lines.ts";
import { factsOf } from "./run-facts.ts";
import { storyOf } from "./step-story.ts";

const principal = { id: "ada", roles: [] } as never;

function log(...bodies: readonly EventBody[]): readonly Event[] {
  return bodies.map(
    (body, index) => ({ ...body, runId: "r", seq: index + 1, at: new Date(1000 * index).toISOString(), hash: "" }) as Event,
  );
}

const started: EventBody = { type: "run.started", workflow: "order", version: "1", input: { a: 1 }, principal };
const step = { key: "0", kind: "model" as StepKind, name: "gpt", attempt: 1, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 5 };
const usage = { inputTokens: 10, outputTokens: 2, costUsd: 0.01 };

test("a run under way costs what its steps cost, an ended one what its end says, and copied steps cost nothing", () => {
  const done: EventBody = { ...step, type: "step.completed", output: 1, usage };
  assert.deepEqual(factsOf(log(started, done, { ...done, key: "1", copied: true })).usage, usage);
  const total = { ...usage, inputTokens: 99 };
  assert.deepEqual(factsOf(log(started, done, { type: "run.completed", output: 2, usage: total })).usage, total);
});

test("a run that was resumed under another version is of that version", () => {
  const facts = factsOf(
    log(started, { type: "run.paused", code: "workflow_changed", message: "m" }, { type: "run.resumed", reason: "r", version: "2" }),
  );
  assert.deepEqual([facts.version, facts.status, facts.hasEnded], ["2", "running", false]);
});

test("a run of a graph is called what the graph is called", () => {
  assert.equal(factsOf(log({ ...started, workflow: "tutti.graph", input: { graph: { name: "report" }, input: {} } })).title, "report");
});

test("an empty log gives facts too", () => {
  assert.deepEqual([factsOf([]).workflow, factsOf([]).output], ["", undefined]);
});

test("a step's story has each attempt with its end, also when a standstill begins the count anew", () => {
  const story = storyOf(
    log(
      { ...step, type: "step.started" },
      { ...step, type: "step.failed", code: "upstream", message: "busy", retryAt: "2026-01-01T00:00:01.000Z" },
      { ...step, type: "step.started", attempt: 2 },
      { type: "run.resumed", reason: "start" },
      { ...step, type: "step.started", attempt: 1 },
      { ...step, type: "step.completed", output: 7, usage, tainted: ["web"] },
    ),
    "0",
  );
  assert.deepEqual(
    story?.attempts.map(({ attempt, state, error, output }) => [attempt, state, error?.code, output]),
    [
      [1, "failed", "upstream", undefined],
      [2, "running", undefined, undefined],
      [1, "completed", undefined, 7],
    ],
  );
  assert.deepEqual([story?.output, story?.usage, story?.tainted, story?.firstSeq], [7, usage, ["web"], 1]);
  assert.equal(storyOf([], "0"), undefined);
});

test("costs stand by kind and name, the dearest first, with what failed attempts took", () => {
  const lines = costLines(
    log(
      { ...step, key: "0", kind: "step", name: "load", type: "step.completed", output: 1 },
      { ...step, key: "1", type: "step.failed", code: "timeout", message: "m", retryAt: null },
      { ...step, key: "1", type: "step.completed", output: 1, usage, attempt: 2 },
      { ...step, key: "2", type: "step.completed", output: 1, usage },
    ),
  );
  assert.deepEqual(
    lines.map(({ name, steps, usage: { costUsd }, failedAttempts, lostMs }) => [name, steps, costUsd, failedAttempts, lostMs]),
    [
      ["gpt", 2, 0.02, 1, 5],
      ["load", 1, 0, 0, 0],
    ],
  );
});
