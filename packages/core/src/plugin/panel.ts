import type { Json } from "../json.ts";

/** Where in the console a panel stands: in one of its rooms, or on a page of its own. */
export const PANEL_SLOTS = ["overview", "operations", "data", "commerce", "agents", "settings", "page"] as const;

/** One place of the console. */
export type PanelSlot = (typeof PANEL_SLOTS)[number];

/**
 * A panel of the console, as data: where it stands, what feeds it and how that is shown. Nothing of it runs in a browser. Keys and ways
 * ("items", "result.rows") lead into what the source gives.
 */
export type Panel = PanelFrame & PanelView;

/** What all panels have. */
export interface PanelFrame {
  /** Unique within its plugin. */
  readonly id: string;
  readonly title: string;
  readonly description?: string;
  readonly slot: PanelSlot;
  /** How much room it would like; "medium" unless given. */
  readonly size?: "small" | "medium" | "wide";
  /** How often what it shows is asked for again while somebody looks; never by itself unless given. */
  readonly refreshSeconds?: number;
  /** What a person may enter; it becomes part of the source's input. */
  readonly fields?: readonly PanelField[];
}

/** How it is shown. */
export type PanelView =
  | StatView
  | TableView
  | ChartView
  | TimelineView
  | { readonly view: "form"; readonly source: PanelSource; readonly submit?: string; readonly confirm?: string }
  | { readonly view: "markdown"; readonly source: PanelSource | { readonly text: string }; readonly at?: string }
  /** A conversation with an agent; it has no data of its own. */
  | { readonly view: "chat"; readonly agent: string };

/** One value, and perhaps how it has changed. */
export interface StatView {
  readonly view: "stat";
  readonly source: PanelSource;
  /** The way to the value; all of what the source gives unless given. */
  readonly at?: string;
  readonly changeAt?: string;
  readonly format?: PanelFormat;
  readonly unit?: string;
}

/** Rows and columns. */
export interface TableView {
  readonly view: "table";
  readonly source: PanelSource;
  /** The way to the list of rows. */
  readonly at?: string;
  readonly columns: readonly PanelColumn[];
}

/** Lines, areas or bars over a time, a number or names. A series with `low` and `high` has a band around it: a fan chart. */
export interface ChartView {
  readonly view: "chart";
  readonly source: PanelSource;
  readonly at?: string;
  readonly kind: "line" | "area" | "bar";
  readonly x: { readonly key: string; readonly kind: "time" | "number" | "category"; readonly title?: string; readonly unit?: string };
  readonly series: readonly PanelSeries[];
}

/** What happened when. */
export interface TimelineView {
  readonly view: "timeline";
  readonly source: PanelSource;
  readonly at?: string;
  /** Keys of an entry. */
  readonly time: string;
  readonly until?: string;
  readonly label: string;
  readonly detail?: string;
}

/**
 * What feeds a panel: a tool (called as the person who looks), a data set of the same plugin, or what the newest run under way of a workflow
 * answers to a query.
 */
export type PanelSource =
  | { readonly tool: string; readonly input?: { readonly [key: string]: Json } }
  | { readonly dataset: string }
  | { readonly workflow: string; readonly query: string };

/** How a value is written. A link is an http or https address. */
export type PanelFormat = "text" | "number" | "money" | "percent" | "bytes" | "duration" | "date" | "badge" | "link";

/** One column of a table. `unit` is a currency for money, "ms" or "s" for a duration. */
export interface PanelColumn {
  readonly key: string;
  readonly title?: string;
  readonly format?: PanelFormat;
  readonly unit?: string;
}

/** One line, area or row of bars. */
export interface PanelSeries {
  readonly key: string;
  readonly title?: string;
  readonly unit?: string;
  /** Keys of the band's lower and upper edges. */
  readonly low?: string;
  readonly high?: string;
}

/** What a person may enter. */
export type PanelField = {
  readonly key: string;
  readonly title?: string;
  readonly help?: string;
  readonly isRequired?: boolean;
} & (
  | { readonly kind: "text" | "long text"; readonly default?: string; readonly charactersMax?: number }
  | { readonly kind: "number"; readonly default?: number; readonly min?: number; readonly max?: number; readonly unit?: string }
  | { readonly kind: "boolean"; readonly default?: boolean }
  /** A day, "2026-01-31". */
  | { readonly kind: "date"; readonly default?: string }
  | { readonly kind: "select"; readonly default?: string; readonly options: readonly { readonly value: string; readonly title?: string }[] }
);

/** A value of a cell. */
export type PanelScalar = string | number | boolean | null;

/** What a panel shows now, in the shape of its view: only what the view names, checked and bounded. */
export type PanelContent =
  | { readonly view: "stat"; readonly value: PanelScalar; readonly change: number | null }
  | { readonly view: "table"; readonly rows: readonly { readonly [key: string]: PanelScalar }[]; readonly rowsTotal: number }
  /** `y` has the series' keys, and those of their bands. Times are ISO 8601. */
  | { readonly view: "chart"; readonly points: readonly PanelPoint[]; readonly pointsTotal: number }
  | { readonly view: "timeline"; readonly entries: readonly PanelMoment[]; readonly entriesTotal: number }
  | { readonly view: "form"; readonly output: Json }
  | { readonly view: "markdown"; readonly text: string };

/** One place on the axis. */
export interface PanelPoint {
  readonly x: string | number;
  readonly y: { readonly [key: string]: number | null };
}

/** One entry of a timeline. */
export interface PanelMoment {
  readonly time: string;
  readonly until: string | null;
  readonly label: string;
  readonly detail: string | null;
}
