import type { Event, StepKind } from "@tutti/core";
import { formatDuration } from "../duration.ts";
import { line, piece, type Piece, type Style, type Terminal } from "../terminal.ts";
import { columnsOf, fit, printable } from "../terminal-text.ts";
import { drawBar } from "./bar.ts";
import { depthOf, readTrace, type Span, type Trace } from "@tutti/core/insight";

/** More steps than this are counted, not drawn. */
const ROWS_MAX = 500;
const NAME_COLUMNS_MIN = 12;
const NAME_COLUMNS_MAX = 44;
const NAME_SHARE = 0.36;
const TIME_COLUMNS = 8;
const INDENT_MAX = 6;

const KINDS: Readonly<Record<StepKind, { readonly glyph: string; readonly ascii: string; readonly style: Style; readonly label: string }>> =
  {
    step: { glyph: "•", ascii: "*", style: "green", label: "step" },
    tool: { glyph: "▸", ascii: ">", style: "cyan", label: "tool" },
    model: { glyph: "◆", ascii: "@", style: "magenta", label: "model" },
    workflow: { glyph: "↳", ascii: "&", style: "blue", label: "run" },
    sleep: { glyph: "~", ascii: "~", style: "yellow", label: "sleep" },
    signal: { glyph: "◁", ascii: "<", style: "yellow", label: "signal" },
    approval: { glyph: "?", ascii: "?", style: "yellow", label: "approval" },
    spawn: { glyph: "↳", ascii: "&", style: "blue", label: "spawn" },
    send: { glyph: "▷", ascii: ">", style: "dim", label: "send" },
    undo: { glyph: "↶", ascii: "u", style: "red", label: "undo" },
    patch: { glyph: "◦", ascii: "o", style: "dim", label: "patch" },
    now: { glyph: "◦", ascii: "o", style: "dim", label: "clock" },
    emit: { glyph: "→", ascii: "!", style: "dim", label: "emit" },
  };

const UNICODE_MARKS = {
  allow: "✓",
  deny: "✗",
  ask: "?",
  again: "↻",
  failed: "✗",
  running: "…",
  branch: "┌ ",
  inside: "│ ",
  note: "└ ",
} as const;
const ASCII_MARKS = {
  allow: "+",
  deny: "x",
  ask: "?",
  again: "r",
  failed: "x",
  running: "...",
  branch: ", ",
  inside: "| ",
  note: "` ",
} as const;

/** A mark's name. */
type Mark = keyof typeof UNICODE_MARKS;

interface Layout {
  readonly terminal: Terminal;
  readonly durationMs: number;
  readonly nameColumns: number;
  readonly barColumns: number;
  readonly marksColumns: number;
}

/**
 * A run's steps over time, one line each: name, bar, start, duration, attempts and policy decisions. Pure; whatever the events hold, no
 * line is wider than the terminal and none carries a control character but those for colour.
 */
export function waterfall(events: readonly Event[], terminal: Terminal): readonly string[] {
  const trace = readTrace(events);
  if (trace.spans.length === 0) return [line([piece("no steps yet", "dim")], terminal)];
  const spans = trace.spans.slice(0, ROWS_MAX);
  const layout = layOut(spans, trace, terminal);
  const rows = spans.flatMap((span, index) => rowsOf(span, spans[index - 1], layout));
  const rest = trace.spans.length - spans.length;
  const more = rest === 0 ? [] : [[piece(`${rest} more steps are not drawn; --json holds them all`, "dim")]];
  return [axis(layout), ...rows, ...more, ...standstill(trace), legend(spans, terminal)].map((pieces) => line(pieces, terminal));
}

function layOut(spans: readonly Span[], trace: Trace, terminal: Terminal): Layout {
  const widestName = Math.max(
    ...spans.map((span) =>
      columnsOf(
        labelOf(span, false, terminal)
          .map(({ text }) => text)
          .join(""),
      ),
    ),
  );
  const share = Math.min(NAME_COLUMNS_MAX, Math.floor(terminal.columns * NAME_SHARE));
  const nameColumns = Math.max(NAME_COLUMNS_MIN, Math.min(share, widestName));
  const marksColumns = Math.max(
    0,
    ...spans.map((span) =>
      columnsOf(
        marksOf(span, terminal)
          .map(({ text }) => text)
          .join(""),
      ),
    ),
  );
  const barColumns = Math.max(1, terminal.columns - nameColumns - 1 - TIME_COLUMNS * 2 - 1 - marksColumns - 1);
  return { terminal, durationMs: trace.durationMs, nameColumns, barColumns, marksColumns };
}

function axis({ nameColumns, barColumns, durationMs }: Layout): readonly Piece[] {
  const end = formatDuration(durationMs);
  const middle = formatDuration(durationMs / 2);
  const half = Math.floor(barColumns / 2);
  const ticks = barColumns < 32 ? `0${end.padStart(barColumns - 1)}` : `0${middle.padStart(half - 1)}${end.padStart(barColumns - half)}`;
  return [
    piece(
      `${" ".repeat(nameColumns + 1)}${fit(ticks, barColumns)}${"start".padStart(TIME_COLUMNS)}${"took".padStart(TIME_COLUMNS)}`,
      "dim",
    ),
  ];
}

function rowsOf(span: Span, previous: Span | undefined, layout: Layout): readonly (readonly Piece[])[] {
  const { terminal } = layout;
  const label = labelOf(span, isBranchStart(span, previous), terminal);
  const bar = drawBar(span.segments, {
    columns: layout.barColumns,
    durationMs: layout.durationMs,
    hasUnicode: terminal.hasUnicode,
    style: KINDS[span.kind].style,
  });
  const row = [
    ...fitPieces(label, layout.nameColumns, terminal),
    piece(" "),
    ...bar,
    piece(formatDuration(span.startMs).padStart(TIME_COLUMNS), "dim"),
    piece(tookOf(span, terminal).padStart(TIME_COLUMNS)),
    piece(" "),
    ...marksOf(span, terminal),
  ];
  const indent = label[0]?.text.length ?? 0;
  return [
    row,
    ...notesOf(span, terminal).map((note) => [piece(`${" ".repeat(indent)}  ${mark("note", terminal)}`, "dim"), piece(note, "red")]),
  ];
}

function labelOf({ key, kind, name }: Span, startsBranch: boolean, terminal: Terminal): readonly Piece[] {
  const depth = Math.min(INDENT_MAX, depthOf(key));
  const guides = depth === 0 ? "" : mark("inside", terminal).repeat(depth - 1) + mark(startsBranch ? "branch" : "inside", terminal);
  const look = KINDS[kind];
  return [
    piece(guides, "dim"),
    piece(`${terminal.hasUnicode ? look.glyph : look.ascii} `, look.style),
    piece(printableFor(terminal, name)),
  ];
}

function isBranchStart(span: Span, previous: Span | undefined): boolean {
  return previous === undefined || branchOf(span.key) !== branchOf(previous.key);
}

const branchOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf(".")));

function fitPieces(pieces: readonly Piece[], columns: number, terminal: Terminal): readonly Piece[] {
  const used = pieces.slice(0, -1).reduce((sum, { text }) => sum + columnsOf(text), 0);
  const last = pieces.at(-1) ?? piece("");
  return [...pieces.slice(0, -1), { ...last, text: fit(last.text, Math.max(0, columns - used), terminal.hasUnicode ? "…" : "~") }];
}

function tookOf(span: Span, terminal: Terminal): string {
  const took = formatDuration(span.endMs - span.startMs);
  return span.status === "running" || span.status === "waiting" ? `${took}${mark("running", terminal)}` : took;
}

function marksOf(span: Span, terminal: Terminal): readonly Piece[] {
  const marks: Piece[] = [];
  if (span.decision !== undefined) marks.push(piece(mark(span.decision.effect, terminal), DECISION_STYLES[span.decision.effect]));
  if (span.attempts > 1) marks.push(piece(`${mark("again", terminal)}${span.attempts}`, "yellow"));
  if (span.status === "failed") marks.push(piece(mark("failed", terminal), "red"));
  return marks.flatMap((one, index) => (index === 0 ? [one] : [piece(" "), one]));
}

const DECISION_STYLES = { allow: "green", ask: "yellow", deny: "red" } as const;

function notesOf({ decision, failure }: Span, terminal: Terminal): readonly string[] {
  if (decision?.effect === "deny") return [printableFor(terminal, `denied by ${decision.rule}: ${decision.reason}`)];
  return failure === undefined ? [] : [printableFor(terminal, failure)];
}

function standstill({ resumes, downtimeMs }: Trace): readonly (readonly Piece[])[] {
  if (resumes === 0) return [];
  return [
    [
      piece(
        `went on ${resumes === 1 ? "once" : `${resumes} times`} after its process ended; ${formatDuration(downtimeMs)} of standing still are left out`,
        "yellow",
      ),
    ],
  ];
}

function legend(spans: readonly Span[], terminal: Terminal): readonly Piece[] {
  const kinds = new Set(spans.map(({ kind }) => kind));
  const pieces = [...kinds].flatMap((kind) => {
    const { glyph, ascii, style, label } = KINDS[kind];
    return [piece(terminal.hasUnicode ? glyph : ascii, style), piece(` ${label}  `, "dim")];
  });
  const effects = new Set(spans.flatMap(({ decision }) => (decision === undefined ? [] : [decision.effect])));
  for (const effect of effects)
    pieces.push(piece(mark(effect, terminal), DECISION_STYLES[effect]), piece(` ${EFFECT_LABELS[effect]}  `, "dim"));
  if (spans.some(({ attempts }) => attempts > 1)) pieces.push(piece(mark("again", terminal), "yellow"), piece(" attempts  ", "dim"));
  return pieces;
}

const EFFECT_LABELS = { allow: "allowed", ask: "asked", deny: "denied" } as const;

function mark(name: Mark, { hasUnicode }: Terminal): string {
  return (hasUnicode ? UNICODE_MARKS : ASCII_MARKS)[name];
}

function printableFor({ hasUnicode }: Terminal, text: string): string {
  const clean = printable(text);
  // A terminal that is not UTF-8 would show each byte of other characters as something else.
  return hasUnicode ? clean : clean.replaceAll(/[^\x20-\x7E]/g, "?");
}
