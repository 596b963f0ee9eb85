import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Event, EventBody, StepKind } from "../event.ts";
import { canonicalJson, type Json } from "../json.ts";
import { diffJson, diffRuns, readRun, runInsight, waitingFor, workflowInsight, type RunReading } from "./index.ts";
import { graphLogOf, log, logOf, ORIGIN_MS, started, time, type Work } from "./made-log.ts";
import { replayPlan } from "./replay.ts";

const { work } = fc.letrec<{ work: Work; step: Work; fork: Work; branch: readonly Work[] }>((tie) => ({
  work: fc.oneof({ maxDepth: 2 }, tie("step"), tie("fork")),
  step: fc.record({ name: fc.constantFrom("a", "b", "c"), tookMs: fc.integer({ min: 1, max: 50 }).map((tens) => tens * 20) }),
  branch: fc.array(tie("work"), { minLength: 1, maxLength: 4 }),
  fork: fc
    .record({ lanes: fc.integer({ min: 1, max: 4 }), branches: fc.array(tie("branch"), { minLength: 1, maxLength: 5 }) })
    .map(({ lanes, branches }) => ({ lanes: Math.min(lanes, branches.length), branches })),
}));
const works = fc.array(work, { minLength: 1, maxLength: 5 });

function change(each: readonly Work[], tookMs: (work: Extract<Work, { readonly name: string }>) => number): readonly Work[] {
  return each.map((one) =>
    "name" in one ? { ...one, tookMs: tookMs(one) } : { ...one, branches: one.branches.map((inside) => change(inside, tookMs)) },
  );
}

const wallOf = (events: readonly Event[]): number => readRun({ events }).totals.wallMs;

describe("whatever a workflow does", () => {
  test("its critical path fits into its time, and without idle moments fills it", () => {
    fc.assert(
      fc.property(works, (plan) => {
        const { path, totals } = readRun({ events: logOf(plan) });
        const pathMs = path.reduce((sum, { onPathMs }) => sum + onPathMs, 0);
        assert.equal(pathMs, totals.wallMs);
      }),
    );
  });

  test("a step made faster by a factor of 1 changes nothing at all, and a replay without a change is the run itself", () => {
    fc.assert(
      fc.property(works, (plan) => {
        const { plan: read, totals } = readRun({ events: logOf(plan) });
        const now = replayPlan(read, { type: "nothing" });
        assert.equal(now, totals.wallMs);
        assert.equal(replayPlan(read, { type: "faster", kind: "step", name: "a", factor: 1 }), now);
      }),
    );
  });

  test("an estimate says what the workflow takes when the step really is that much faster", () => {
    fc.assert(
      fc.property(works, (plan) => {
        const really = wallOf(logOf(change(plan, ({ name, tookMs }) => (name === "a" ? tookMs / 2 : tookMs))));
        const { plan: read } = readRun({ events: logOf(plan) });
        assert.equal(replayPlan(read, { type: "faster", kind: "step", name: "a", factor: 2 }), really);
      }),
    );
  });

  test("an estimate says what a map takes when really twice as many of its branches run at once", () => {
    const branches = fc.array(
      fc.array(fc.record({ name: fc.constant("a"), tookMs: fc.integer({ min: 1, max: 50 }).map((tens) => tens * 10) }), {
        minLength: 1,
        maxLength: 3,
      }),
      { minLength: 2, maxLength: 12 },
    );
    fc.assert(
      fc.property(branches, fc.integer({ min: 1, max: 5 }), (inside, lanes) => {
        const really = wallOf(logOf([{ lanes: lanes * 2, branches: inside }]));
        const { plan } = readRun({ events: logOf([{ lanes: Math.min(lanes, inside.length), branches: inside }]) });
        assert.equal(replayPlan(plan, { type: "more-lanes", shape: "0", factor: 2 }), really);
      }),
    );
  });

  test("a step may really take as much longer as its slack says, and no longer", () => {
    fc.assert(
      fc.property(works, fc.nat(), (plan, choice) => {
        const { plan: read, slack, totals } = readRun({ events: logOf(plan) });
        const keys = [...slack.keys()];
        const key = keys[choice % keys.length] ?? "";
        const slackMs = slack.get(key) ?? 0;
        const longerBy = (ms: number): number => {
          const nodes = structuredClone(read);
          lengthen(nodes, key, ms);
          return replayPlan(nodes, { type: "nothing" });
        };
        // Where branches wait for a lane, a longer step sends later ones elsewhere; a slack holds for the lanes as they were.
        fc.pre(read.nodes.every(isWide));
        assert.equal(longerBy(slackMs), totals.wallMs);
        assert.ok(longerBy(slackMs + 10) > totals.wallMs);
      }),
    );
  });

  test("a run has no difference from itself", () => {
    fc.assert(
      fc.property(works, (plan) => {
        const diff = diffRuns(logOf(plan), logOf(plan));
        assert.equal(diff.isSame, true);
        assert.deepEqual([diff.steps, diff.timing, diff.input.differences, diff.end.differences], [[], [], [], []]);
      }),
    );
  });
});

describe("whatever a graph does", () => {
  /** Nodes of so many ms, each led to by some of those before it. */
  const node = fc.record({ tookMs: fc.integer({ min: 1, max: 20 }).map((tens) => tens * 20), from: fc.array(fc.nat(), { maxLength: 3 }) });
  const nodes = fc
    .array(node, { minLength: 1, maxLength: 12 })
    .map((all) =>
      all.map(({ tookMs, from }, index) => ({ tookMs, from: index === 0 ? [] : [...new Set(from.map((one) => one % index))] })),
    );

  test("its path goes along the edges, and an estimate is what it really takes", () => {
    fc.assert(
      fc.property(nodes, fc.nat(), (all, choice) => {
        const chosen = choice % all.length;
        const really = wallOf(graphLogOf(all.map((one, index) => (index === chosen ? { ...one, tookMs: one.tookMs / 2 } : one))));
        const { plan, path, totals } = readRun({ events: graphLogOf(all) });
        const names = path.filter(({ onPathMs }) => onPathMs > 0).map(({ leaf }) => Number(/^n(\d+): work$/.exec(leaf.span.name)?.[1]));
        for (const [place, name] of names.entries()) {
          const before = names[place - 1];
          if (before === undefined) assert.deepEqual(all[name]?.from, []);
          else assert.ok(all[name]?.from.includes(before), `${name} after ${before}`);
        }
        assert.equal(
          path.reduce((sum, { onPathMs }) => sum + onPathMs, 0),
          totals.wallMs,
        );
        assert.equal(replayPlan(plan, { type: "faster", kind: "tool", name: `n${chosen}: work`, factor: 2 }), really);
      }),
    );
  });

  test("a node may take as much longer as its slack says", () => {
    fc.assert(
      fc.property(nodes, fc.nat(), (all, choice) => {
        const chosen = choice % all.length;
        const { slack, totals } = readRun({ events: graphLogOf(all) });
        const slackMs = slack.get(`0.0.0.${chosen}.0.0.1`) ?? 0;
        const longer = (ms: number): number =>
          wallOf(graphLogOf(all.map((one, index) => (index === chosen ? { ...one, tookMs: one.tookMs + ms } : one))));
        assert.equal(longer(slackMs), totals.wallMs);
        assert.ok(longer(slackMs + 10) > totals.wallMs);
      }),
    );
  });
});

type Nodes = RunReading["plan"]["nodes"];

function isWide(node: Nodes[number]): boolean {
  return node.type === "step" || (node.lanes >= node.branches.length && node.branches.every((branch) => branch.nodes.every(isWide)));
}

function lengthen({ nodes }: { readonly nodes: Nodes }, key: string, ms: number): void {
  for (const node of nodes) {
    if (node.type === "fork") for (const branch of node.branches) lengthen(branch, key, ms);
    else if (node.span.key === key) Object.assign(node.span, { endMs: node.span.endMs + ms });
  }
}

describe("whatever a log holds", () => {
  const name = fc.constantFrom("x", "y", "__proto__", "");
  const key = fc.oneof(
    fc.array(fc.nat(4), { minLength: 1, maxLength: 9 }).map((places) => places.join(".")),
    fc.constantFrom("", "-1", "1.", "undo 3", "1e999", "0".repeat(300), "9.".repeat(400)),
  );
  const kind = fc.constantFrom<StepKind>("step", "model", "tool", "workflow", "sleep", "signal", "approval", "now", "emit", "undo");
  const step = { key, kind, name };
  const at = fc.integer({ min: -1000, max: 1_000_000 });
  const timing = {
    attempt: fc.integer({ min: 1, max: 9 }),
    startedAt: fc.oneof(at.map(time), fc.constant("never")),
    durationMs: fc.double({ min: -10, max: 1e7, noNaN: true }),
  };
  const body: fc.Arbitrary<EventBody> = fc.oneof(
    fc.constant(started),
    fc.record({ type: fc.constant("step.started" as const), ...step, attempt: timing.attempt }),
    fc.record({ type: fc.constant("step.waiting" as const), ...step, until: fc.option(at.map(time)) }),
    fc.record({
      type: fc.constant("step.progressed" as const),
      ...step,
      attempt: timing.attempt,
      detail: fc.jsonValue() as fc.Arbitrary<Json>,
    }),
    fc.record({
      type: fc.constant("step.failed" as const),
      ...step,
      ...timing,
      code: name,
      message: name,
      retryAt: fc.option(at.map(time)),
    }),
    fc.record({ type: fc.constant("step.completed" as const), ...step, ...timing, output: fc.jsonValue() as fc.Arbitrary<Json> }),
    fc.record({ type: fc.constant("run.resumed" as const), reason: name }),
    fc.record({ type: fc.constant("run.paused" as const), code: name, message: name }),
    fc.record({ type: fc.constant("run.queued" as const), queue: name, queueKey: name, priority: fc.nat() }),
    fc.record({ type: fc.constant("run.admitted" as const), waitedMs: fc.nat() }),
    fc.record({ type: fc.constant("cancel.requested" as const), reason: name }),
    fc.constant<EventBody>({ type: "run.completed", output: null }),
  );
  const events = fc.array(fc.tuple(at, body), { maxLength: 25 }).map((entries) => log(...entries));

  test("the path is no longer than the run, the parts of its time add up, and nothing is negative", () => {
    fc.assert(
      fc.property(events, (found) => {
        const reading = readRun({ events: found, nowMs: ORIGIN_MS + 2_000_000 });
        const { wallMs, ...parts } = reading.totals;
        const pathMs = reading.path.reduce((sum, { onPathMs }) => sum + onPathMs, 0);
        assert.ok(pathMs <= wallMs + 1e-6, `${pathMs} of ${wallMs}`);
        const sum = Object.values(parts).reduce((total, part) => total + part, 0);
        assert.ok(Math.abs(sum - wallMs) < 1e-3, `${sum} of ${wallMs}`);
        for (const part of Object.values(parts)) assert.ok(part >= 0);
        for (const { onPathMs } of reading.path) assert.ok(onPathMs >= 0);
        assert.doesNotThrow(() => canonicalJson(runInsight(reading)));
        assert.doesNotThrow(() => canonicalJson(workflowInsight("test", [reading, reading])));
      }),
    );
  });

  test("there is a sentence about what it waits for, and a diff with any other", () => {
    fc.assert(
      fc.property(events, events, (a, b) => {
        for (const { sentence } of waitingFor({ events: a, children: [{ events: b }] }, { nowMs: ORIGIN_MS }))
          assert.match(sentence, /^The run .+\.$/s);
        assert.doesNotThrow(() => canonicalJson(diffRuns(a, b)));
        assert.equal(diffRuns(a, a).isSame, true);
      }),
    );
  });

  test("two values without a difference are the same JSON, and others have at least one", () => {
    const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(json, json, (a, b) => {
        assert.equal(diffJson(a, b).differences.length === 0, canonicalJson(a) === canonicalJson(b));
        assert.deepEqual(diffJson(a, structuredClone(a)).differences, []);
      }),
    );
  });
});
