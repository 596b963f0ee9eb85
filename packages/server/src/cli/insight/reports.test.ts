import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Event, EventBody } from "@tutti/core";
import { diffRuns, readRun, runInsight, waitingFor, workflowInsight } from "@tutti/core/insight";
import fc from "fast-check";
import { columnsOf } from "../terminal-text.ts";
import { diffReport } from "./diff-report.ts";
import { runInsightReport } from "./run-insight-report.ts";
import { waitingReport } from "./waiting-report.ts";
import { workflowInsightReport } from "./workflow-insight-report.ts";

const ORIGIN_MS = Date.parse("2026-03-01T08:00:00.000Z");
const time = (ms: number): string => new Date(ORIGIN_MS + ms).toISOString();
const principal = { id: "owner", tenant: "default", roles: ["owner"] };

/** Two retried steps, three branches of which two run at once, and a wait, all of hostile names. */
function logOf(name: string, endMs: number): readonly Event[] {
  const step = { kind: "step", name } as const;
  const timing = (
    fromMs: number,
    durationMs: number,
  ): { readonly attempt: number; readonly startedAt: string; readonly durationMs: number } => ({
    attempt: 1,
    startedAt: time(fromMs),
    durationMs,
  });
  const bodies: readonly (readonly [number, EventBody])[] = [
    [0, { type: "run.started", workflow: name, version: name, input: { [name]: name }, principal }],
    [10, { type: "step.failed", key: "0", ...step, ...timing(0, 10), code: name, message: name, retryAt: time(20) }],
    [30, { type: "step.completed", key: "0", ...step, ...timing(20, 10), attempt: 2, output: name }],
    [80, { type: "step.completed", key: "1.0.0", ...step, ...timing(30, 50), output: endMs }],
    [90, { type: "step.completed", key: "1.1.0", ...step, ...timing(30, 60), output: null }],
    [130, { type: "step.completed", key: "1.2.0", ...step, ...timing(80, 50), output: null }],
    [130, { type: "step.waiting", key: "2", kind: "signal", name, until: null }],
    [endMs, { type: "step.completed", key: "2", kind: "signal", name, ...timing(130, endMs - 130), output: null }],
    [endMs, { type: "run.completed", output: { [name]: endMs } }],
  ];
  return bodies.map(([atMs, body], index) => ({ ...body, runId: name, seq: index + 1, at: time(atMs), hash: "" }));
}

test("no line of a report is wider than the terminal, and nothing in it acts on the terminal", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.constantFrom("注文の確認".repeat(9), "👩‍👩‍👧".repeat(30), "\u001b[31m\u009b2J\r\n\u202E"),
  );
  const terminal = fc.record({
    columns: fc.integer({ min: 20, max: 200 }),
    isTerminal: fc.constant(true),
    hasUnicode: fc.boolean(),
    hasColour: fc.boolean(),
  });
  fc.assert(
    fc.property(name, terminal, fc.integer({ min: 131, max: 10_000_000 }), (text, shown, endMs) => {
      const [a, b] = [logOf(text, 200), logOf(text, endMs)];
      const readings = [readRun({ events: a }), readRun({ events: b })];
      const reports = [
        ...readings.flatMap((reading) => runInsightReport(runInsight(reading), shown)),
        ...workflowInsightReport(workflowInsight(text, readings), shown).filter((line) => !line.includes("assumes that")),
        ...diffReport(diffRuns(a, b), shown),
      ];
      for (const line of reports) assert.ok(columnsOf(line) <= shown.columns, `${columnsOf(line)} of ${shown.columns} columns: ${line}`);
      const sentences = waitingReport(waitingFor({ events: b.slice(0, -2) }, { nowMs: ORIGIN_MS + endMs }));
      for (const line of [...reports, ...sentences])
        assert.doesNotMatch(stripVTControlCharacters(line), /[\u0000-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
    }),
    { numRuns: 50 },
  );
});
