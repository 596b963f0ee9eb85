import type { JsonDiff, RunDiff, StepDiff, StepSide } from "@tutti/core/insight";
import { formatDuration } from "../duration.ts";
import { sign, statusStyle } from "../look.ts";
import { safeJson } from "../shell.ts";
import { table } from "../table.ts";
import { line, piece, type Piece, type Terminal } from "../terminal.ts";
import { counted, heading, shown } from "./chart.ts";

/** Steps that are shown; --json holds more. */
const STEPS_MAX = 40;

/** How two runs differ, in the order of the workflow's code. Pure. */
export function diffReport(diff: RunDiff, terminal: Terminal): readonly string[] {
  const { counts, steps, timing } = diff;
  return [
    ...sideLines(diff, terminal),
    "",
    line(summaryOf(diff, terminal), terminal),
    ...jsonPart("Input", diff.input, terminal),
    ...(steps.length === 0 ? [] : heading("Steps", `${counts.same} are the same`, terminal)),
    ...steps.slice(0, STEPS_MAX).flatMap((step) => stepLines(step, terminal)),
    ...more(steps.length, terminal),
    ...jsonPart("End", diff.end, terminal),
    ...(timing.length === 0 ? [] : timingLines(diff, terminal)),
  ];
}

function sideLines({ a, b }: RunDiff, terminal: Terminal): readonly string[] {
  return [
    { label: "a", style: "red" as const, side: a },
    { label: "b", style: "green" as const, side: b },
  ].map(({ label, style, side }) =>
    line(
      [
        piece(`${label}  `, style),
        piece(`${shown(`${side.workflow} ${side.version}`, terminal)}  `, "bold"),
        piece(side.status, statusStyle(side.status)),
        piece(
          `  ${formatDuration(side.durationMs)}  run ${shown(side.runId, terminal)}${side.forkOf === null ? "" : `, a fork of ${shown(side.forkOf, terminal)}`}`,
          "dim",
        ),
      ],
      terminal,
    ),
  );
}

function summaryOf({ isSame, counts, firstKey }: RunDiff, terminal: Terminal): readonly Piece[] {
  if (isSame)
    return [
      piece(`${sign("done", terminal)} `, "green"),
      piece(`they did the same: ${counted(counts.same, "step")}, input and end are equal`),
    ];
  const differing = Object.entries(counts).reduce((sum, [type, count]) => (type === "same" || type === "timing" ? sum : sum + count), 0);
  const first = firstKey === null ? "" : `, first at ${firstKey}`;
  return [
    piece(`${sign("failed", terminal)} `, "yellow"),
    piece(`${differing === 0 ? "no" : differing} ${differing === 1 ? "step differs" : "steps differ"}${first}`),
  ];
}

function stepLines(step: StepDiff, terminal: Terminal): readonly string[] {
  const key = piece(`${step.key}  `, "dim");
  if (step.type === "only-a" || step.type === "only-b") {
    const isA = step.type === "only-a";
    const text = `${isA ? "- only in a: " : "+ only in b: "}${nameOf(isA ? step.a : step.b, terminal)}`;
    return [line([key, piece(text, isA ? "red" : "green")], terminal)];
  }
  if (step.type === "other-step")
    return [
      line([key, piece(`- ${nameOf(step.a, terminal)}`, "red")], terminal),
      line([key, piece(`+ ${nameOf(step.b, terminal)}`, "green")], terminal),
    ];
  const title = line([key, piece(nameOf(step.a, terminal))], terminal);
  if (step.type === "other-end")
    return [
      title,
      line([piece(`    - ${endOf(step.a, terminal)}`, "red")], terminal),
      line([piece(`    + ${endOf(step.b, terminal)}`, "green")], terminal),
    ];
  return [title, ...jsonLines(step.output, terminal)];
}

function nameOf({ kind, name }: StepSide, terminal: Terminal): string {
  return `${kind} ${shown(name, terminal)}`;
}

function endOf({ status, failure }: StepSide, terminal: Terminal): string {
  return failure === undefined ? status : `${status}: ${shown(failure, terminal)}`;
}

function jsonPart(title: string, diff: JsonDiff, terminal: Terminal): readonly string[] {
  return diff.differences.length === 0 ? [] : [...heading(title, "", terminal), ...jsonLines(diff, terminal)];
}

function jsonLines({ differences, more: others }: JsonDiff, terminal: Terminal): readonly string[] {
  const lines = differences.flatMap(({ path, a, b }) => [
    ...(a === undefined ? [] : [line([piece(`    - ${shown(`${path} ${safeJson(a)}`, terminal)}`, "red")], terminal)]),
    ...(b === undefined ? [] : [line([piece(`    + ${shown(`${path} ${safeJson(b)}`, terminal)}`, "green")], terminal)]),
  ]);
  return others === 0 ? lines : [...lines, line([piece(`    ${others} more differences`, "dim")], terminal)];
}

function timingLines({ timing, bounds }: RunDiff, terminal: Terminal): readonly string[] {
  const rows = timing.slice(0, STEPS_MAX).map(({ key, name, aMs, bMs }) => [
    { text: key },
    { text: shown(name, terminal) },
    { text: formatDuration(aMs) },
    { text: formatDuration(bMs) },
    {
      text: `${bMs >= aMs ? "+" : "-"}${formatDuration(Math.abs(bMs - aMs))}`,
      style: bMs >= aMs ? ("red" as const) : ("green" as const),
    },
  ]);
  const note = `same result, ${bounds.timingMs} ms and ${Math.round(bounds.timingShare * 100)} % apart or more`;
  return [
    ...heading("Times", note, terminal),
    ...table(["KEY", "STEP", "A", "B", "CHANGE"], rows, terminal),
    ...more(timing.length, terminal),
  ];
}

function more(count: number, terminal: Terminal): readonly string[] {
  return count <= STEPS_MAX ? [] : [line([piece(`${count - STEPS_MAX} more, with --json`, "dim")], terminal)];
}
