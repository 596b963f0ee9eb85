import { AppError, type Json } from "@tutti/core";
import type {
  ChartView,
  Panel,
  PanelContent,
  PanelFormat,
  PanelMoment,
  PanelPoint,
  PanelScalar,
  TableView,
  TimelineView,
} from "@tutti/core/plugin";

/** What one panel shows at most; the rest is counted. */
const ROWS_MAX = 1_000;
const POINTS_MAX = 5_000;
const CELL_CHARACTERS_MAX = 1_000;
const MARKDOWN_CHARACTERS_MAX = 65_536;
/** Of all rows, points or entries together. */
const CHARACTERS_MAX = 1_048_576;
const OUTPUT_CHARACTERS_MAX = 262_144;

type Row = { readonly [key: string]: Json };

/** What a source gave, in the shape of the panel's view. What does not fit throws `invalid_output` that names the place. Pure. */
export function contentOf(panel: Exclude<Panel, { readonly view: "chat" }>, output: Json): PanelContent {
  switch (panel.view) {
    case "stat":
      return {
        view: "stat",
        value: scalarOf(valueAt(output, panel.at), panel.format),
        change: panel.changeAt === undefined ? null : numberOf(valueAt(output, panel.changeAt), panel.changeAt),
      };
    case "table":
      return tableOf(panel, rowsOf(output, panel.at));
    case "chart":
      return chartOf(panel, rowsOf(output, panel.at));
    case "timeline":
      return timelineOf(panel, rowsOf(output, panel.at));
    case "form":
      return { view: "form", output: bounded(output) };
    case "markdown": {
      const found = valueAt(output, panel.at);
      if (typeof found !== "string") throw unfit(panel.at ?? "the output", "a text", found);
      return { view: "markdown", text: found.slice(0, MARKDOWN_CHARACTERS_MAX) };
    }
  }
}

function tableOf({ columns }: TableView, rows: readonly Row[]): PanelContent {
  const shown = upTo(ROWS_MAX, rows, (row) =>
    Object.fromEntries(columns.map(({ key, format }) => [key, scalarOf(ownOf(row, key), format)] as const)),
  );
  return { view: "table", rows: shown, rowsTotal: rows.length };
}

function chartOf({ x, series }: ChartView, rows: readonly Row[]): PanelContent {
  const keys = series.flatMap(({ key, low, high }) => [key, low, high].filter((one) => one !== undefined));
  const points = upTo(POINTS_MAX, rows, (row, index): PanelPoint => {
    const at = (key: string): string => `[${index}].${key}`;
    const y = Object.fromEntries(keys.map((key) => [key, numberOf(ownOf(row, key), at(key))] as const));
    const found = ownOf(row, x.key);
    if (x.kind === "time") return { x: timeOf(found, at(x.key)), y };
    if (x.kind === "category") return { x: textOf(found), y };
    const place = numberOf(found, at(x.key));
    if (place === null) throw unfit(at(x.key), "a number", found);
    return { x: place, y };
  });
  return { view: "chart", points, pointsTotal: rows.length };
}

function timelineOf(panel: TimelineView, rows: readonly Row[]): PanelContent {
  const entries = upTo(ROWS_MAX, rows, (row, index): PanelMoment => {
    const until = panel.until === undefined ? undefined : ownOf(row, panel.until);
    const detail = panel.detail === undefined ? undefined : ownOf(row, panel.detail);
    return {
      time: timeOf(ownOf(row, panel.time), `[${index}].${panel.time}`),
      until: until === undefined || until === null ? null : timeOf(until, `[${index}].${panel.until ?? ""}`),
      label: textOf(ownOf(row, panel.label)),
      detail: detail === undefined || detail === null ? null : textOf(detail),
    };
  });
  return { view: "timeline", entries, entriesTotal: rows.length };
}

/** The first rows as they are shown, up to a count and up to a size. */
function upTo<T>(countMax: number, rows: readonly Row[], show: (row: Row, index: number) => T): readonly T[] {
  const shown: T[] = [];
  let characters = 0;
  for (const [index, row] of rows.slice(0, countMax).entries()) {
    const one = show(row, index);
    characters += JSON.stringify(one).length;
    if (characters > CHARACTERS_MAX) break;
    shown.push(one);
  }
  return shown;
}

function valueAt(output: Json, at: string | undefined): Json {
  if (at === undefined) return output;
  let value: Json | undefined = output;
  for (const part of at.split(".")) {
    value = typeof value === "object" && value !== null && Object.hasOwn(value, part) ? (value as Row)[part] : undefined;
    if (value === undefined) throw new AppError("invalid_output", `wanted ${at} in what the source gives, got nothing at ${part}`);
  }
  return value;
}

function rowsOf(output: Json, at: string | undefined): readonly Row[] {
  const found = valueAt(output, at);
  if (!Array.isArray(found)) throw unfit(at ?? "the output", "a list", found);
  return found.map((row: Json, index) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw unfit(`${at ?? ""}[${index}]`, "an object", row);
    return row as Row;
  });
}

function ownOf(row: Row, key: string): Json {
  return Object.hasOwn(row, key) ? (row[key] ?? null) : null;
}

/** A link leads to a web page or nowhere: what a plugin says must not run in the console. */
function scalarOf(value: Json, format: PanelFormat | undefined): PanelScalar {
  if (format === "link") return typeof value === "string" && /^https?:\/\//i.test(value) && URL.canParse(value) ? value : null;
  if (typeof value === "string") return value.slice(0, CELL_CHARACTERS_MAX);
  if (typeof value === "object" && value !== null) return JSON.stringify(value).slice(0, CELL_CHARACTERS_MAX);
  return value;
}

function textOf(value: Json): string {
  return (typeof value === "string" ? value : JSON.stringify(value)).slice(0, CELL_CHARACTERS_MAX);
}

function numberOf(value: Json, place: string): number | null {
  if (value === null || typeof value === "number") return value;
  throw unfit(place, "a number", value);
}

/** ISO 8601, from a text or from milliseconds since 1970. */
function timeOf(value: Json, place: string): string {
  const time = new Date(typeof value === "number" || typeof value === "string" ? value : Number.NaN);
  if (Number.isNaN(time.getTime())) throw unfit(place, "a time", value);
  return time.toISOString();
}

function bounded(output: Json): Json {
  const characters = JSON.stringify(output).length;
  if (characters <= OUTPUT_CHARACTERS_MAX) return output;
  throw new AppError("too_large", `wanted an output of at most ${OUTPUT_CHARACTERS_MAX} characters, got ${characters}; give less`);
}

const SHOWN_CHARACTERS_MAX = 60;

function unfit(place: string, wanted: string, got: Json): AppError {
  return new AppError("invalid_output", `wanted ${wanted} at ${place}, got ${JSON.stringify(got).slice(0, SHOWN_CHARACTERS_MAX)}`);
}
