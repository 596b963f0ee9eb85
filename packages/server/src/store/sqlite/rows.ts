import type { SQLInputValue } from "node:sqlite";
import type { Event, RunFilter, RunStatus } from "@tutti/core";

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** An event as its row holds it. */
export function toEvent(row: Row): Event {
  return { ...(JSON.parse(String(row["body"])) as Omit<Event, "hash">), hash: String(row["hash"]) } as Event;
}

const UNFINISHED: ReadonlySet<RunStatus> = new Set(["queued", "running", "waiting", "paused"]);

/** The conditions of a filter. */
export function conditions(filter: Omit<RunFilter, "limit">): { readonly where: string; readonly values: readonly SQLInputValue[] } {
  const parts: [string, readonly SQLInputValue[]][] = [];
  if (filter.parked === false) parts.push(["r.parked = 0", []]);
  if (filter.orphaned === true) parts.push(["r.parent_id IN (SELECT id FROM runs WHERE ended_at IS NOT NULL)", []]);
  if (filter.parentId === null) parts.push(["r.parent_id IS NULL", []]);
  else if (filter.parentId !== undefined) parts.push(["r.parent_id = ?", [filter.parentId]]);
  if (filter.workflow !== undefined) parts.push(["r.workflow = ?", [filter.workflow]]);
  if (filter.workflows !== undefined) parts.push([`r.workflow IN (${marks(filter.workflows)})`, filter.workflows]);
  if (filter.principalId !== undefined) parts.push(["r.principal_id = ?", [filter.principalId]]);
  if (filter.since !== undefined) parts.push(["r.started_at >= ?", [filter.since]]);
  if (filter.until !== undefined) parts.push(["r.started_at < ?", [filter.until]]);
  if (filter.beforeId !== undefined) parts.push(["r.num < (SELECT num FROM runs WHERE id = ?)", [filter.beforeId]]);
  if (filter.statuses !== undefined) {
    // Spelled out so that SQLite sees that the partial index of unfinished runs serves.
    if (filter.statuses.every((status) => UNFINISHED.has(status)))
      parts.push(["r.status IN ('queued', 'running', 'waiting', 'paused')", []]);
    parts.push([`r.status IN (${marks(filter.statuses)})`, filter.statuses]);
  }
  return {
    where: parts.length === 0 ? "" : `WHERE ${parts.map(([sql]) => sql).join(" AND ")}`,
    values: parts.flatMap(([, values]) => values),
  };
}

const marks = (values: readonly unknown[]): string => values.map(() => "?").join(", ");
