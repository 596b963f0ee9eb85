import type { SQLInputValue } from "node:sqlite";
import type { Event, Json, RunStatus } from "@tutti/core";
import {
  BIN_WIDTH,
  likePattern,
  type ActivityCount,
  type ActivitySpan,
  type CountFilter,
  type LogFindings,
  type LogSearch,
  type RunCount,
} from "../survey.ts";
import { conditions, toEvent, type Row } from "./rows.ts";

/** Events that one search may find; it ends there and says so. */
const FOUND_MAX = 1_000;
const DURATION_BIN = `CAST(ln(max(1, (unixepoch(ended_at, 'subsec') - unixepoch(started_at, 'subsec')) * 1000)) / ${BIN_WIDTH} AS INTEGER)`;

type Ask = (sql: string, values: readonly SQLInputValue[]) => readonly Row[];

/** The position of the last event. */
export function lastPosition(ask: Ask): number {
  return Number(ask("SELECT coalesce(max(position), 0) AS position FROM events", [])[0]?.["position"] ?? 0);
}

/** How many runs there are of each kind, of the newest. Sorting one text a run instead of three values is what makes it quick. */
export function countRuns(ask: Ask, { newest, ...filter }: CountFilter): readonly RunCount[] {
  const { where, values } = conditions(filter);
  const rows = ask(
    `SELECT r.status || '/' || CASE WHEN r.status = 'completed' THEN ${DURATION_BIN} ELSE '' END || '/' || r.workflow AS kind, count(*) AS count
     FROM (SELECT r.workflow, r.status, r.started_at, r.ended_at FROM runs r ${where} ORDER BY r.num DESC LIMIT ?) r GROUP BY kind`,
    [...values, newest],
  );
  return rows.map(toCount);
}

/** Neither a status nor a number has a slash in it. */
function toCount({ kind, count }: Row): RunCount {
  const [status = "", bin = "", ...workflow] = String(kind).split("/");
  return {
    workflow: workflow.join("/"),
    status: status as RunStatus,
    durationBin: bin === "" ? null : Number(bin),
    count: Number(count),
  };
}

/** What started and ended when. Both halves are answered by an index alone. */
export function countActivity(ask: Ask, { since, until, bucketSeconds }: ActivitySpan): readonly ActivityCount[] {
  const rows = ask(
    `SELECT unixepoch(started_at) / CAST(?1 AS INTEGER) AS bucket, NULL AS status, NULL AS durationBin, count(*) AS count
     FROM runs WHERE started_at >= ?2 AND started_at < ?3 GROUP BY 1
     UNION ALL
     SELECT unixepoch(ended_at) / CAST(?1 AS INTEGER), status, ${DURATION_BIN}, count(*)
     FROM runs WHERE ended_at IS NOT NULL AND ended_at >= ?2 AND ended_at < ?3 GROUP BY 1, 2, 3`,
    [bucketSeconds, since, until],
  );
  return rows.map((row) => ({ ...row }) as unknown as ActivityCount);
}

/** Events that may hold a text, among the newest before a position. */
export function searchLog(ask: Ask, { text, beforePosition, events }: LogSearch): LogFindings {
  const [scope] = ask(
    "SELECT min(position) AS reached, count(*) AS scanned FROM (SELECT position FROM events WHERE position < ? ORDER BY position DESC LIMIT ?)",
    [beforePosition, events],
  );
  const reached = Number(scope?.["reached"] ?? 0);
  const rows = ask(
    String.raw`SELECT position, body, hash FROM events WHERE position < ? AND position >= ? AND body LIKE ? ESCAPE '\' ORDER BY position DESC LIMIT ?`,
    [beforePosition, reached, likePattern(text), FOUND_MAX],
  );
  const found = rows.map((row) => ({ position: Number(row["position"]), event: toEvent(row) as Event }));
  const last = found.at(-1);
  return {
    found,
    scanned: Number(scope?.["scanned"] ?? 0),
    reached: found.length === FOUND_MAX && last !== undefined ? last.position : reached,
  };
}

/** Settings whose names begin alike. */
export function settings(ask: Ask, prefix: string, limit: number): readonly { readonly name: string; readonly value: Json }[] {
  const rows = ask("SELECT name, value FROM settings WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT ?2", [
    prefix,
    limit,
  ]);
  return rows.map((row) => ({ name: String(row["name"]), value: JSON.parse(String(row["value"])) as Json }));
}
