import type { PathEntry, RunInsight, RunTotals, Segment, StepInsight } from "@tutti/core/insight";
import { formatDuration } from "../duration.ts";
import { statusStyle } from "../look.ts";
import { table } from "../table.ts";
import { line, piece, type Style, type Terminal } from "../terminal.ts";
import { chart, counted, heading, percent, shareSegments, shown, type ChartRow } from "./chart.ts";

/** Lines of each part that are drawn; --json holds all that were read. */
const ROWS_MAX = 40;

/** Where a run's time went, on one screen. Pure. */
export function runInsightReport(insight: RunInsight, terminal: Terminal): readonly string[] {
  const { workflow, version, status, runId, totals } = insight;
  const title = [piece(`${shown(`${workflow} ${version}`, terminal)}  `, "bold"), piece(status, statusStyle(status))];
  return [
    line(
      [...title, piece(`  ${formatDuration(totals.wallMs)}, ${insight.bounds.steps} steps, ${insight.bounds.events} events`, "dim")],
      terminal,
    ),
    line([piece(`run ${shown(runId, terminal)}`, "dim")], terminal),
    ...heading("Where the time went", "every moment counted once", terminal),
    ...timeChart(totals, terminal),
    ...pathChart(insight, terminal),
    ...slackTable(insight.steps, terminal),
    ...retryLines(insight, terminal),
    ...forkLines(insight, terminal),
  ];
}

const PARTS: readonly (readonly [keyof RunTotals, label: string, Style])[] = [
  ["queuedMs", "queued", "yellow"],
  ["runningMs", "running", "green"],
  ["retryingMs", "retrying", "red"],
  ["waitingMs", "waiting", "yellow"],
  ["pausedMs", "paused", "yellow"],
  ["downMs", "no process", "red"],
  ["overheadMs", "engine and own code", "cyan"],
];

function timeChart(totals: RunTotals, terminal: Terminal): readonly string[] {
  const rows = PARTS.filter(([part]) => totals[part] > 0).map(([part, label, style]): ChartRow => {
    const share = totals.wallMs === 0 ? 0 : totals[part] / totals.wallMs;
    return { label, segments: shareSegments(share), style, cells: [formatDuration(totals[part]), percent(share)] };
  });
  return chart(rows, { durationMs: 1, headings: ["took", "share"], terminal });
}

function pathChart(insight: RunInsight, terminal: Terminal): readonly string[] {
  const { bounds, steps } = insight;
  const entries = entriesOf(insight, 0).filter(({ entry }) => entry.onPathMs > 0);
  if (entries.length === 0) return [];
  const note = `${bounds.pathSteps} of ${bounds.steps} steps decided when the run ended`;
  const endMs = Math.max(...steps.map(({ startMs, durationMs }) => startMs + durationMs));
  const rows = entries.slice(0, ROWS_MAX).map(({ entry, segments, depth }): ChartRow => ({
    label: entry.name,
    depth,
    segments,
    style: styleOf(entry),
    cells: [formatDuration(entry.onPathMs), percent(entry.share)],
  }));
  return [
    ...heading("Critical path", note, terminal),
    ...chart(rows, { durationMs: endMs, headings: ["took", "share"], terminal }),
    ...rest(entries.length, terminal),
  ];
}

interface DrawnEntry {
  readonly entry: PathEntry;
  readonly segments: readonly Segment[];
  readonly depth: number;
}

/** The path's steps, each followed by what decided inside it when it is a child run. */
function entriesOf({ path, steps }: RunInsight, depth: number): readonly DrawnEntry[] {
  const byKey = new Map(steps.map((step) => [step.key, step]));
  return path.flatMap((entry) => {
    const step = byKey.get(entry.key);
    const inside = step?.child === undefined ? [] : entriesOf(step.child, depth + 1);
    return [{ entry, segments: step?.segments ?? [], depth }, ...inside];
  });
}

function styleOf({ kind }: PathEntry): Style {
  if (kind === "sleep" || kind === "signal" || kind === "approval") return "yellow";
  if (kind === "model") return "magenta";
  return kind === "tool" ? "cyan" : "green";
}

function slackTable(steps: readonly StepInsight[], terminal: Terminal): readonly string[] {
  const off = steps.filter(({ isOnPath, durationMs }) => !isOnPath && durationMs > 0).toSorted((a, b) => b.durationMs - a.durationMs);
  if (off.length === 0) return [];
  const rows = off
    .slice(0, ROWS_MAX / 2)
    .map(({ key, name, durationMs, slackMs }) => [
      { text: key },
      { text: shown(name, terminal) },
      { text: formatDuration(durationMs) },
      { text: slackMs === null ? "was cut off" : formatDuration(slackMs) },
    ]);
  return [
    ...heading("Off the critical path", "slack: how much longer each could have taken without making the run longer", terminal),
    ...table(["KEY", "STEP", "TOOK", "SLACK"], rows, terminal),
    ...rest(off.length, terminal, ROWS_MAX / 2),
  ];
}

function retryLines({ retries, steps }: RunInsight, terminal: Terminal): readonly string[] {
  if (retries.attempts === 0) return [];
  const tokens = retries.tokens === 0 ? "" : `, about ${retries.tokens.toLocaleString("en")} input tokens sent again`;
  const note = `${counted(retries.attempts, "failed attempt")} cost ${formatDuration(retries.lostMs)} of work and ${formatDuration(retries.backoffMs)} of back-off${tokens}`;
  const rows = steps
    .filter(({ lostMs }) => lostMs > 0)
    .toSorted((a, b) => b.lostMs + b.backoffMs - a.lostMs - a.backoffMs)
    .slice(0, ROWS_MAX / 2)
    .map(({ key, name, attempts, lostMs, backoffMs }) => [
      { text: key },
      { text: shown(name, terminal) },
      { text: String(attempts) },
      { text: formatDuration(lostMs) },
      { text: formatDuration(backoffMs) },
    ]);
  return [...heading("Retries", note, terminal), ...table(["KEY", "STEP", "ATTEMPTS", "LOST", "BACK-OFF"], rows, terminal)];
}

function forkLines({ forks }: RunInsight, terminal: Terminal): readonly string[] {
  const narrow = forks.filter(({ lanes, branches }) => lanes < branches);
  if (narrow.length === 0) return [];
  const rows = narrow
    .slice(0, ROWS_MAX / 2)
    .map(({ key, lanes, branches, durationMs, listed }) => [
      { text: key },
      { text: String(branches) },
      { text: String(lanes) },
      { text: formatDuration(durationMs) },
      { text: formatDuration(Math.max(0, ...listed.map(({ queuedMs }) => queuedMs))) },
    ]);
  return [
    ...heading("Branches that waited for a place", "", terminal),
    ...table(["KEY", "BRANCHES", "AT ONCE", "TOOK", "LONGEST WAIT"], rows, terminal),
  ];
}

function rest(count: number, terminal: Terminal, shownMax = ROWS_MAX): readonly string[] {
  return count <= shownMax ? [] : [line([piece(`${count - shownMax} more, with --json`, "dim")], terminal)];
}
