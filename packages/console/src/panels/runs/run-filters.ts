import type { LiveRunsFilter, RunQuery } from "@tutti/client";
import type { RunRecord, RunStatus } from "@tutti/core";

/** Which runs the list shows. What is left out holds for all. */
export interface RunFilters {
  readonly statuses: readonly RunStatus[];
  readonly workflows: readonly string[];
  /** "none": runs that no other run started; "all"; or the id of the run whose children are wanted. */
  readonly parent: string;
  readonly principal: string;
  readonly text: string;
  readonly time: TimeFilter;
}

/** Since when runs were started: so long ago, or between two moments in ISO 8601. */
export type TimeFilter =
  | { readonly type: "any" }
  | { readonly type: "last"; readonly span: Span }
  | { readonly type: "between"; readonly since?: string; readonly until?: string };

/** Every status a run can have, those that need somebody first. */
export const STATUSES: readonly RunStatus[] = ["running", "waiting", "queued", "paused", "failed", "completed", "cancelled", "continued"];

/** Spans of time that can be chosen with one click. */
export const SPANS = { "15m": 900_000, "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;
/** One of them. */
export type Span = keyof typeof SPANS;

/** Workflows and statuses of an address; more are left out. */
const NAMES_MAX = 50;

type Texts = Readonly<Record<string, string | undefined>>;

/** The filters that an address names. What it says wrongly is left out: an old link still opens. */
export function filtersOf(search: Texts): RunFilters {
  return {
    statuses: listOf(search["status"]).filter((status): status is RunStatus => STATUSES.includes(status as RunStatus)),
    workflows: listOf(search["workflow"]),
    parent: search["parent"] ?? "none",
    principal: search["by"] ?? "",
    text: search["q"] ?? "",
    time: timeOf(search),
  };
}

/** What an address says of status and time that means nothing, as it stands there: whoever opens it must know that it is left out. */
export function leftOutOf(search: Texts): readonly string[] {
  const { status, last, since, until } = search;
  const statuses = listOf(status).filter((name) => !STATUSES.includes(name as RunStatus));
  return [
    ...statuses.map((name) => `status ${name}`),
    ...(last === undefined || Object.hasOwn(SPANS, last) ? [] : [`last ${last}`]),
    ...(since === undefined || momentOf(since) !== undefined ? [] : [`since ${since}`]),
    ...(until === undefined || momentOf(until) !== undefined ? [] : [`until ${until}`]),
  ];
}

/** The address of filters; what holds anyway does not stand in it. */
export function searchOf({ statuses, workflows, parent, principal, text, time }: RunFilters): Readonly<Record<string, string>> {
  const texts = {
    status: textOf(statuses),
    workflow: textOf(workflows),
    parent: parent === "none" ? undefined : parent,
    by: given(principal),
    q: given(text),
    last: time.type === "last" ? time.span : undefined,
    since: time.type === "between" ? time.since : undefined,
    until: time.type === "between" ? time.until : undefined,
  };
  return Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Whether nothing is filtered that is not filtered anyway. */
export function isEverything(filters: RunFilters): boolean {
  return Object.keys(searchOf(filters)).length === 0;
}

/** The span of time that runs must have started in, at a moment. */
export function boundsOf(time: TimeFilter, nowMs: number): { readonly since?: string; readonly until?: string } {
  switch (time.type) {
    case "any":
      return {};
    case "last":
      return { since: new Date(nowMs - SPANS[time.span]).toISOString() };
    case "between":
      return { ...(time.since !== undefined && { since: time.since }), ...(time.until !== undefined && { until: time.until }) };
  }
}

/** The same as a question to the server. */
export function queryOf({ statuses, workflows, parent, principal, text, time }: RunFilters, nowMs: number): RunQuery {
  return {
    ...boundsOf(time, nowMs),
    ...(statuses.length > 0 && { statuses }),
    ...(workflows.length > 0 && { workflows }),
    ...(parent !== "all" && { parent }),
    ...(principal !== "" && { principal }),
    ...(text !== "" && { text }),
  };
}

/** The part of it that the live feed knows. */
export function liveFilterOf({ statuses, workflows, parent, text }: RunFilters): LiveRunsFilter {
  return {
    ...(statuses.length > 0 && { statuses }),
    ...(workflows.length > 0 && { workflows }),
    ...(parent !== "all" && { parent }),
    ...(text !== "" && { text }),
  };
}

/** Whether a run that the live feed tells of belongs in the list, as far as the feed does not know it itself. */
export function belongs(run: RunRecord, { principal, time }: RunFilters, nowMs: number): boolean {
  const { since = "", until = "~" } = boundsOf(time, nowMs);
  return (principal === "" || run.principalId === principal) && run.startedAt >= since && run.startedAt < until;
}

/** Looks like a run's id: whoever types one wants that run. */
export function isRunId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

function timeOf({ last, since, until }: Texts): TimeFilter {
  if (last !== undefined && Object.hasOwn(SPANS, last)) return { type: "last", span: last as Span };
  const [from, to] = [momentOf(since), momentOf(until)];
  if (from === undefined && to === undefined) return { type: "any" };
  return { type: "between", ...(from !== undefined && { since: from }), ...(to !== undefined && { until: to }) };
}

function momentOf(text: string | undefined): string | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function listOf(text: string | undefined): readonly string[] {
  return [...new Set((text ?? "").split(",").filter((name) => name !== ""))].slice(0, NAMES_MAX);
}

function textOf(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(",");
}

function given(text: string): string | undefined {
  return text === "" ? undefined : text;
}
