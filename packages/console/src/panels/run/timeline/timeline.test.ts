import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, EventBody } from "@tutti/core";
import { readRun } from "@tutti/core/insight";
import fc from "fast-check";
import { drawSteps } from "../graph/draw-steps.ts";
import { foundRows, timelineRows } from "./rows.ts";
import { ticksOf } from "./ticks.ts";
import { panned, placeOf, readWindow, within, zoomed, type TimeWindow } from "./time-window.ts";

const at = (ms: number): string => new Date(1_700_000_000_000 + ms).toISOString();
const closed: ReadonlySet<string> = new Set();

function log(...bodies: readonly (EventBody & { readonly ms: number })[]): readonly Event[] {
  return bodies.map(({ ms, ...body }, index) => ({ ...body, runId: "r", seq: index + 1, at: at(ms), hash: "" }) as Event);
}

function done(key: string, name: string, [fromMs, toMs]: readonly [number, number]): EventBody & { readonly ms: number } {
  return {
    type: "step.completed",
    key,
    kind: "step",
    name,
    attempt: 1,
    startedAt: at(fromMs),
    durationMs: toMs - fromMs,
    output: null,
    ms: toMs,
  };
}

const started = { type: "run.started", workflow: "w", version: "1", input: null, principal: { id: "ada" } as never, ms: 0 } as const;
const failed = {
  type: "step.failed",
  key: "0",
  kind: "step",
  name: "send",
  attempt: 1,
  startedAt: at(0),
  durationMs: 5,
  code: "upstream",
  message: "busy",
  retryAt: at(8),
  ms: 5,
} as const;
const events = log(
  started,
  failed,
  { ...done("0", "send", [8, 10]), attempt: 2 } as EventBody & { readonly ms: number },
  done("1.0.0", "page", [10, 20]),
  done("1.1.0", "page", [10, 40]),
  done("1.2.0", "fetch", [10, 12]),
  done("1.2.1", "parse", [12, 15]),
  done("2", "end", [40, 41]),
  { type: "run.completed", output: 1, ms: 42 },
);

test("the timeline has the run, its steps in the order of the code, and branches that hold one step without a line of their own", () => {
  const rows = timelineRows(readRun({ events }), closed);
  assert.deepEqual(
    rows.map(({ depth, title, key }) => `${"  ".repeat(depth)}${title} ${key}`.trimEnd()),
    [
      "w",
      "  send 0",
      "  3 branches 1*",
      "    page 1.0.0",
      "    page 1.1.0",
      "    branch 2 1.2*",
      "      fetch 1.2.0",
      "      parse 1.2.1",
      "  end 2",
    ],
  );
  assert.deepEqual(
    rows.filter(({ isOnPath, type }) => isOnPath && type === "step").map(({ key }) => key),
    ["0", "1.1.0", "2"],
  );
});

test("a fork into one branch has no line of its own, and a branch that only forks has its branches right below it", () => {
  const rows = timelineRows(
    readRun({
      events: log(
        started,
        done("0.0.0", "alone", [0, 5]),
        done("1.0.0.0.0", "left", [5, 9]),
        done("1.0.0.1.0", "right", [5, 9]),
        done("1.1.0.0.0", "other", [5, 9]),
        { type: "run.completed", output: 1, ms: 9 },
      ),
    }),
    closed,
  );
  assert.deepEqual(
    rows.map(({ depth, title, note }) => `${"  ".repeat(depth)}${title}${note === undefined ? "" : ` (${note})`}`),
    ["w", "  alone", "  2 branches", "    branch 0 (2 branches)", "      left", "      right", "    other"],
  );
});

test("in a graph's run a branch is called what its node or its turn of a map is called", () => {
  const graph = {
    name: "g",
    version: "1",
    nodes: {
      first: { type: "tool", tool: "work", input: null },
      each: {
        type: "map",
        items: [1, 2],
        concurrency: 2,
        do: {
          nodes: { price: { type: "tool", tool: "work", input: null }, round: { type: "tool", tool: "work", input: null } },
          edges: [],
        },
      },
    },
    edges: [],
  };
  const tool = (key: string, ms: number): EventBody & { readonly ms: number } =>
    ({ ...done(key, "work", [ms, ms + 2]), kind: "tool" }) as EventBody & { readonly ms: number };
  const node = (branch: string, name: string, ms: number): readonly (EventBody & { readonly ms: number })[] => [
    { ...done(`${branch}.0`, name, [ms, ms]), output: { input: null } } as EventBody & { readonly ms: number },
    tool(`${branch}.1`, ms),
  ];
  const turns = [0, 1].flatMap((turn) =>
    ["price", "round"].flatMap((name, index) => node(`0.0.0.1.0.0.1.${turn}.0.${index}.0.0`, `each[${turn}].${name}`, 3)),
  );
  const rows = timelineRows(
    readRun({
      events: log(
        { ...started, workflow: "tutti.graph", input: { graph, input: null } as never },
        ...node("0.0.0.0.0.0", "first", 1),
        { ...done("0.0.0.1.0.0.0", "each", [1, 1]), output: { input: null } } as EventBody & { readonly ms: number },
        ...turns,
        { type: "run.completed", output: 1, ms: 9 },
      ),
    }),
    closed,
  );
  const groups = rows.filter(({ type }) => type === "branch" || type === "fork");
  assert.deepEqual(
    groups.map(({ title, note }) => (note === undefined ? title : `${title} (${note})`)),
    [
      "2 branches",
      "first",
      "each",
      "2 branches",
      "each[0] (2 branches)",
      "each[].price",
      "each[].round",
      "each[1] (2 branches)",
      "each[].price",
      "each[].round",
    ],
  );
});

test("however wide the axis is and whatever time is in sight, its moments have room beside each other", () => {
  const width = fc.integer({ min: 0, max: 2000 });
  const time = fc.record({ fromMs: fc.double({ min: 0, max: 1e7, noNaN: true }), spanMs: fc.double({ min: 0.5, max: 1e7, noNaN: true }) });
  fc.assert(
    fc.property(width, time, (widthPx, { fromMs, spanMs }) => {
      const ticks = ticksOf({ fromMs, toMs: fromMs + spanMs }, widthPx);
      assert.ok(ticks.length <= 12);
      for (const [index, { place }] of ticks.entries())
        if (index > 0) assert.ok(((place - (ticks[index - 1]?.place ?? 0)) / 100) * widthPx >= 80, `${place} at ${widthPx} px`);
    }),
  );
});

test("lines are closed and opened: branches to be put away, attempts to be seen", () => {
  const toggled = new Set(["r/1*", "r/0"]);
  const rows = timelineRows(readRun({ events }), toggled);
  assert.deepEqual(
    rows.map(({ title, state }) => `${title} ${state}`),
    ["w completed", "send completed", "attempt 1 failed", "attempt 2 completed", "3 branches completed", "end completed"],
  );
});

test("steps are found by a part of their name, their kind, their state and their whole key", () => {
  const rows = timelineRows(readRun({ events }), closed);
  assert.deepEqual(
    foundRows(rows, "PAG").map(({ key }) => key),
    ["1.0.0", "1.1.0"],
  );
  assert.deepEqual(
    foundRows(rows, "1.2.1").map(({ title }) => title),
    ["parse"],
  );
  assert.equal(foundRows(rows, " ").length, rows.length);
});

test("steps of one name are one node of the picture until somebody opens them, and what a fork ended with leads on", () => {
  const reading = readRun({ events });
  const together = drawSteps(reading, new Set());
  assert.deepEqual(
    together.drawing.nodes.map(({ title, progress }) => [title, progress?.split(",")[0]]),
    [
      ["send", undefined],
      ["page", "2 of 2 done"],
      ["fetch", undefined],
      ["parse", undefined],
      ["end", undefined],
    ],
  );
  assert.deepEqual(
    together.drawing.edges.map(({ from, to, look }) => [from, to, look]),
    [
      ["step send", "step page", "path"],
      ["step send", "step fetch", "plain"],
      ["step fetch", "step parse", "plain"],
      ["step page", "step end", "path"],
      ["step parse", "step end", "plain"],
    ],
  );
  const apart = drawSteps(reading, new Set(["step page"]));
  assert.deepEqual(
    apart.drawing.nodes.filter(({ title }) => title === "page").map(({ id }) => id),
    ["step page 1.0.0", "step page 1.1.0"],
  );
});

const whole: TimeWindow = { fromMs: 0, toMs: 1000 };

test("however a window is zoomed and moved, it stays within the run, and what is pointed at stays where it is", () => {
  const moment = fc.double({ min: 0, max: 1000, noNaN: true });
  const change = fc.record({
    factor: fc.double({ min: 0.01, max: 100, noNaN: true }),
    byMs: fc.double({ min: -5000, max: 5000, noNaN: true }),
  });
  fc.assert(
    fc.property(moment, moment, change, (a, b, { factor, byMs }) => {
      const window = within({ fromMs: Math.min(a, b), toMs: Math.max(a, b) }, whole);
      for (const next of [zoomed(window, { factor, atMs: a }, whole), panned(window, byMs, whole)])
        assert.ok(next.fromMs >= -1e-6 && next.toMs <= 1000 + 1e-6 && next.toMs > next.fromMs);
    }),
  );
  const zoomedIn = zoomed({ fromMs: 0, toMs: 1000 }, { factor: 0.5, atMs: 250 }, whole);
  assert.deepEqual([zoomedIn, placeOf({ fromMs: 250, toMs: 250 }, zoomedIn)?.start], [{ fromMs: 125, toMs: 625 }, 25]);
});

test("what is out of sight has no place, and what sticks out is cut", () => {
  assert.equal(placeOf({ fromMs: 700, toMs: 800 }, { fromMs: 0, toMs: 500 }), undefined);
  assert.deepEqual(placeOf({ fromMs: 250, toMs: 900 }, { fromMs: 0, toMs: 500 }), { start: 50, width: 50 });
});

test("a time range in an address that is none is left out", () => {
  assert.equal(readWindow("5", "x"), undefined);
  assert.equal(readWindow("9", "3"), undefined);
  assert.deepEqual(readWindow("1", "3"), { fromMs: 1, toMs: 3 });
});
