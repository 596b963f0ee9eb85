import type { Cause, WhatIf, WorkflowInsight } from "@tutti/core/insight";
import { formatDuration } from "../duration.ts";
import { table } from "../table.ts";
import { line, paint, piece, type Style, type Terminal } from "../terminal.ts";
import { chart, counted, heading, percent, shareSegments, shown, type ChartRow } from "./chart.ts";

/** Lines of each part that are drawn; --json holds all. */
const ROWS_MAX = 20;

/** What makes a workflow slow and what would help, on one screen. Pure. */
export function workflowInsightReport(insight: WorkflowInsight, terminal: Terminal): readonly string[] {
  const { workflow, runs, wall, slow, help } = insight;
  const many = `${counted(runs.completed, "completed run")} (of ${runs.read} read, ${runs.failed} failed)`;
  return [
    line([piece(`${shown(workflow, terminal)}  `, "bold"), piece(many, "dim")], terminal),
    line(
      [piece(`half of them took up to ${formatDuration(wall.p50Ms)}, nineteen in twenty up to ${formatDuration(wall.p95Ms)}`, "dim")],
      terminal,
    ),
    ...heading("What makes it slow", "share of the runs' time along their critical paths", terminal),
    ...chart(slow.slice(0, ROWS_MAX).map(causeRow), { durationMs: 1, headings: ["per run", "share"], terminal }),
    ...heading("What would help", help.length === 0 ? noHelp(insight) : "recorded times replayed with one thing changed", terminal),
    ...help.flatMap((whatIf) => helpLines(whatIf, terminal)),
    ...stepTable(insight, terminal),
  ];
}

const CAUSES: Readonly<Record<Exclude<Cause["type"], "step">, { readonly label: string; readonly style: Style }>> = {
  queue: { label: "waiting in a queue", style: "yellow" },
  down: { label: "no process ran it", style: "red" },
  paused: { label: "paused", style: "yellow" },
  overhead: { label: "engine and own code", style: "cyan" },
};

function causeRow(cause: Cause): ChartRow {
  const { label, style } =
    cause.type === "step" ? { label: `${cause.name}  (${cause.kind})`, style: "green" as const } : CAUSES[cause.type];
  return { label, style, segments: shareSegments(cause.share), cells: [formatDuration(cause.meanMs), percent(cause.share)] };
}

function noHelp({ runs }: WorkflowInsight): string {
  return runs.completed === 0
    ? "no run has completed, so there is nothing to estimate from"
    : "nothing that was looked at would save 1 % or more";
}

function helpLines({ title, savedMs, savedShare, p50Ms, runs, runsChanged, assumption }: WhatIf, terminal: Terminal): readonly string[] {
  const range = `${formatDuration(savedMs.low)} to ${formatDuration(savedMs.high)}`;
  const rests = `${range} in nine of ten resamples of ${counted(runs, "run")}, ${runsChanged} of which it changes`;
  const median = `; the median goes from ${formatDuration(p50Ms.now)} to ${formatDuration(p50Ms.changed)}`;
  return [
    line(
      [
        piece(`${terminal.hasUnicode ? "▸" : ">"} `, "green"),
        piece(shown(title, terminal)),
        piece(`  saves ${formatDuration(savedMs.mean)} a run (${percent(savedShare)})`, "green"),
      ],
      terminal,
    ),
    line([piece(`  ${rests}${median}`, "dim")], terminal),
    // Whole, however wide the terminal is: half an assumption is none.
    ...(assumption === undefined ? [] : [paint(`  assumes that ${shown(assumption, terminal)}`, "yellow", terminal)]),
  ];
}

function stepTable({ steps, bounds }: WorkflowInsight, terminal: Terminal): readonly string[] {
  const rows = steps
    .slice(0, ROWS_MAX)
    .map((step) => [
      { text: shown(step.name, terminal) },
      { text: step.kind },
      { text: String(step.count) },
      { text: formatDuration(step.duration.p50Ms) },
      { text: formatDuration(step.duration.p95Ms) },
      { text: percent(step.pathShare) },
      { text: percent(step.failureRate) },
      { text: formatDuration(step.retryMs) },
    ]);
  const more = bounds.names - rows.length;
  return [
    ...heading("Steps", "retries: what failed attempts took, per run", terminal),
    ...table(["STEP", "KIND", "COUNT", "P50", "P95", "OF PATH", "FAILED", "RETRIES"], rows, terminal),
    ...(more > 0 ? [line([piece(`${more} more, with --json`, "dim")], terminal)] : []),
  ];
}
