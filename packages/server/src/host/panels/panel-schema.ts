import { AppError } from "@tutti/core";
import { PANEL_SLOTS, type Panel } from "@tutti/core/plugin";
import { z } from "zod";
import { fieldProblems, sourceProblems } from "./panel-checks.ts";

const PANELS_MAX = 50;
const COLUMNS_MAX = 30;
const SERIES_MAX = 12;
const FIELDS_MAX = 30;
const OPTIONS_MAX = 200;
const TITLE_CHARACTERS_MAX = 100;
const TEXT_CHARACTERS_MAX = 20_000;
/** A panel that asks more often would hold up others. */
const REFRESH_SECONDS_MIN = 5;
const REFRESH_SECONDS_MAX = 86_400;

const line = (what: string, charactersMax = TITLE_CHARACTERS_MAX): z.ZodString => {
  const wanted = `${what} of 1 to ${charactersMax} characters`;
  return z.string(wanted).min(1, wanted).max(charactersMax, wanted);
};
const oneOf = <const T extends readonly [string, ...string[]]>(values: T): z.ZodEnum<{ [K in T[number]]: K }> =>
  z.enum(values, `one of ${values.map((value) => `"${value}"`).join(", ")}`);

const ID = "lower-case letters, digits and dashes, beginning with a letter, at most 64";
/** The name of a panel or of a data set within its plugin. */
export const idSchema: z.ZodString = z.string(ID).regex(/^[a-z][a-z0-9-]{0,63}$/, ID);
const TOOL = "the name of a tool";
const tool = z.string(TOOL).regex(/^[a-zA-Z0-9_-]{1,64}$/, TOOL);
const title = line("a title");
const key = line("the key of a value", 200);
const at = line('a way to a value such as "result.items"', 200);
const unit = line("a unit", 20);
const number = z.number("a number");

const format = oneOf(["text", "number", "money", "percent", "bytes", "duration", "date", "badge", "link"]);
const SOURCE = "what feeds it: {tool, input}, {dataset} or {workflow, query}";
const sources = [
  z.strictObject({ tool, input: z.record(z.string(), z.json(), "an object").exactOptional() }),
  z.strictObject({ dataset: idSchema }),
  z.strictObject({ workflow: line("the name of a workflow"), query: line("the name of a query") }),
] as const;
const source = z.union(sources, SOURCE);

const fieldFrame = {
  key,
  title: title.exactOptional(),
  help: line("a help text", 500).exactOptional(),
  isRequired: z.boolean("true or false").exactOptional(),
};
const text = z.string("a text").max(TEXT_CHARACTERS_MAX, `a text of at most ${TEXT_CHARACTERS_MAX} characters`);
const charactersMax = z
  .int("a whole number")
  .min(1, "at least 1")
  .max(TEXT_CHARACTERS_MAX, `at most ${TEXT_CHARACTERS_MAX}`)
  .exactOptional();
const DAY = 'a day such as "2026-01-31"';
const kindsOfFields = [
  z.strictObject({ ...fieldFrame, kind: z.literal("text"), default: text.exactOptional(), charactersMax }),
  z.strictObject({ ...fieldFrame, kind: z.literal("long text"), default: text.exactOptional(), charactersMax }),
  z.strictObject({
    ...fieldFrame,
    kind: z.literal("number"),
    default: number.exactOptional(),
    min: number.exactOptional(),
    max: number.exactOptional(),
    unit: unit.exactOptional(),
  }),
  z.strictObject({ ...fieldFrame, kind: z.literal("boolean"), default: z.boolean("true or false").exactOptional() }),
  z.strictObject({ ...fieldFrame, kind: z.literal("date"), default: z.iso.date(DAY).exactOptional() }),
  z.strictObject({
    ...fieldFrame,
    kind: z.literal("select"),
    default: z.string("the value of an option").exactOptional(),
    options: z
      .array(z.strictObject({ value: line("a value", 200), title: title.exactOptional() }), "a list of options {value, title}")
      .min(1, "a list with an option in it")
      .max(OPTIONS_MAX, `at most ${OPTIONS_MAX} options`),
  }),
] as const;
const field = z.discriminatedUnion("kind", kindsOfFields, kindOf(["text", "long text", "number", "boolean", "date", "select"]));

const frame = {
  id: idSchema,
  title,
  description: line("a description", 500).exactOptional(),
  slot: oneOf(PANEL_SLOTS),
  size: oneOf(["small", "medium", "wide"]).exactOptional(),
  refreshSeconds: z
    .int("a whole number of seconds")
    .min(REFRESH_SECONDS_MIN, `at least ${REFRESH_SECONDS_MIN} seconds`)
    .max(REFRESH_SECONDS_MAX, `at most ${REFRESH_SECONDS_MAX} seconds`)
    .exactOptional(),
  fields: z.array(field, "a list of fields").max(FIELDS_MAX, `at most ${FIELDS_MAX} fields`).exactOptional(),
};
const column = z.strictObject({ key, title: title.exactOptional(), format: format.exactOptional(), unit: unit.exactOptional() });
const series = z.strictObject({
  key,
  title: title.exactOptional(),
  unit: unit.exactOptional(),
  low: key.exactOptional(),
  high: key.exactOptional(),
});
const axis = z.strictObject(
  { key, kind: oneOf(["time", "number", "category"]), title: title.exactOptional(), unit: unit.exactOptional() },
  "an axis {key, kind}",
);
const views = [
  z.strictObject({
    ...frame,
    view: z.literal("stat"),
    source,
    at: at.exactOptional(),
    changeAt: at.exactOptional(),
    format: format.exactOptional(),
    unit: unit.exactOptional(),
  }),
  z.strictObject({
    ...frame,
    view: z.literal("table"),
    source,
    at: at.exactOptional(),
    columns: z
      .array(column, "a list of columns {key, title, format, unit}")
      .min(1, "a list with a column in it")
      .max(COLUMNS_MAX, `at most ${COLUMNS_MAX} columns`),
  }),
  z.strictObject({
    ...frame,
    view: z.literal("chart"),
    source,
    at: at.exactOptional(),
    kind: oneOf(["line", "area", "bar"]),
    x: axis,
    series: z
      .array(series, "a list of series {key, title, unit, low, high}")
      .min(1, "a list with a series in it")
      .max(SERIES_MAX, `at most ${SERIES_MAX} series`),
  }),
  z.strictObject({
    ...frame,
    view: z.literal("timeline"),
    source,
    at: at.exactOptional(),
    time: key,
    until: key.exactOptional(),
    label: key,
    detail: key.exactOptional(),
  }),
  z.strictObject({
    ...frame,
    view: z.literal("form"),
    source,
    submit: line("what the button says", 50).exactOptional(),
    confirm: line("a question to ask first", 500).exactOptional(),
  }),
  z.strictObject({
    ...frame,
    view: z.literal("markdown"),
    source: z.union([...sources, z.strictObject({ text })], `${SOURCE}, or {text}`),
    at: at.exactOptional(),
  }),
  z.strictObject({ ...frame, view: z.literal("chat"), agent: line("the name of an agent", 200) }),
] as const;

function kindOf(values: readonly string[]): string {
  return `one of ${values.map((value) => `"${value}"`).join(", ")}`;
}

/** One panel. */
export const panelSchema = z
  .discriminatedUnion("view", views, kindOf(["stat", "table", "chart", "timeline", "form", "markdown", "chat"]))
  .superRefine((panel, ctx) => {
    for (const { path, message } of [...fieldProblems(panel), ...sourceProblems(panel)])
      ctx.addIssue({ code: "custom", path: [...path], message });
  });

/** The panels of one plugin. */
export const panelsSchema = z
  .array(panelSchema, "a list of panels")
  .max(PANELS_MAX, `at most ${PANELS_MAX} panels`)
  .superRefine((panels, ctx) => {
    for (const [index, { id }] of panels.entries())
      if (panels.findIndex((other) => other.id === id) !== index)
        ctx.addIssue({ code: "custom", path: [index, "id"], message: `an id of its own, got ${id} again` });
  });

/** Panels that a plugin in Tutti's own process brings as values; throws `invalid_config` with what is wrong of them. */
export function readPanels(plugin: string, panels: readonly Panel[]): readonly Panel[] {
  const result = panelsSchema.safeParse(panels);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `panels.${path.join(".")} must be ${message}`).join("; ");
  throw new AppError("invalid_config", `the panels of the plugin ${plugin} are not right: ${problems}`);
}
