import type { Json } from "@tutti/core";
import {
  BIN_WIDTH,
  likePattern,
  type ActivityCount,
  type ActivitySpan,
  type CountFilter,
  type LogFindings,
  type LogSearch,
  type RunCount,
  type Survey,
} from "../survey.ts";
import type { Database, Row } from "./database.ts";
import { runConditions, toEvent } from "./reader.ts";

/** Events that one search may find; it ends there and says so. */
const FOUND_MAX = 1_000;
const SETTINGS_MAX = 1_000;
/** Moments are kept as texts in UTC; to read them without time zones takes two thirds of the time, and floating point is quicker than exact numbers. */
const seconds = (column: string): string => `date_part('epoch', ${column}::timestamp)`;
const DURATION_BIN = `trunc(ln(greatest(1, date_part('epoch', ended_at::timestamp - started_at::timestamp) * 1000)) / ${BIN_WIDTH}::float8)::int`;

/** What many runs at once are asked of the database. */
export function surveyOf(database: Database): Survey {
  return {
    async position() {
      const [row] = await database.query("SELECT coalesce(max(position), 0) AS position FROM tutti.events");
      return Number(row?.["position"] ?? 0);
    },
    countRuns: (filter) => countRuns(database, filter),
    countActivity: (span) => countActivity(database, span),
    searchLog: (search) => searchLog(database, search),
    async settings(prefix, limit) {
      const rows = await database.query("SELECT name, value FROM tutti.settings WHERE starts_with(name, $1) ORDER BY name LIMIT $2", [
        prefix,
        Math.min(limit, SETTINGS_MAX),
      ]);
      return rows.map((row) => ({ name: String(row["name"]), value: JSON.parse(String(row["value"])) as Json }));
    },
  };
}

async function countRuns(database: Database, { newest, ...filter }: CountFilter): Promise<readonly RunCount[]> {
  const { where, values } = runConditions(filter);
  const rows = await database.query(
    `SELECT workflow, status, CASE WHEN status = 'completed' THEN ${DURATION_BIN} END AS "durationBin", count(*)::int AS count
     FROM (SELECT r.workflow, r.status, r.started_at, r.ended_at FROM tutti.runs r ${where} ORDER BY r.num DESC LIMIT $${values.length + 1}) newest
     GROUP BY 1, 2, 3`,
    [...values, newest],
  );
  return rows as readonly unknown[] as readonly RunCount[];
}

async function countActivity(database: Database, { since, until, bucketSeconds }: ActivitySpan): Promise<readonly ActivityCount[]> {
  const bucket = (column: string): string => `floor(${seconds(column)} / $1::int)::int`;
  const rows = await database.query(
    `SELECT ${bucket("started_at")} AS bucket, NULL AS status, NULL::int AS "durationBin", count(*)::int AS count
     FROM tutti.runs WHERE started_at >= $2 AND started_at < $3 GROUP BY 1
     UNION ALL
     SELECT ${bucket("ended_at")}, status, ${DURATION_BIN}, count(*)::int
     FROM tutti.runs WHERE ended_at IS NOT NULL AND ended_at >= $2 AND ended_at < $3 GROUP BY 1, 2, 3`,
    [bucketSeconds, since, until],
  );
  return rows as readonly unknown[] as readonly ActivityCount[];
}

async function searchLog(database: Database, { text, beforePosition, events }: LogSearch): Promise<LogFindings> {
  const [scope] = await database.query(
    `SELECT coalesce(min(position), 0) AS reached, count(*)::int AS scanned
     FROM (SELECT position FROM tutti.events WHERE position < $1 ORDER BY position DESC LIMIT $2) newest`,
    [beforePosition, events],
  );
  const reached = Number(scope?.["reached"] ?? 0);
  const rows = await database.query(
    // The plain order of bytes, so that no language has its own idea of a letter's case.
    `SELECT position, body, hash FROM tutti.events WHERE position < $1 AND position >= $2 AND body COLLATE "C" ILIKE $3
     ORDER BY position DESC LIMIT $4`,
    [beforePosition, reached, likePattern(text), FOUND_MAX],
  );
  const found = rows.map((row: Row) => ({ position: Number(row["position"]), event: toEvent(row) }));
  const last = found.at(-1);
  return {
    found,
    scanned: Number(scope?.["scanned"] ?? 0),
    reached: found.length === FOUND_MAX && last !== undefined ? last.position : reached,
  };
}
