import { type Event, type Json, type RunFilter, type RunRecord, type RunStatus, type Wait, type WaitFilter } from "@tutti/core";
import type { Database, Row } from "./database.ts";

/** Rows one call may return, whatever it asks for. */
const LIMIT_MAX = 1000;

const UNFINISHED = ["queued", "running", "waiting", "paused"] as const satisfies readonly RunStatus[];

/** The row's head is that of the last change of status; a run that is still going has grown since. */
const RUNS = `SELECT r.id AS "id", r.workflow AS "workflow", r.version AS "version", r.status AS "status", r.started_at AS "startedAt",
    r.ended_at AS "endedAt", r.parent_id AS "parentId", r.principal_id AS "principalId", coalesce(last.seq, r.events) AS "events",
    coalesce(last.hash, r.head) AS "head"
  FROM tutti.runs r LEFT JOIN LATERAL (
    SELECT e.seq, e.hash FROM tutti.events e WHERE r.ended_at IS NULL AND e.run = r.num ORDER BY e.seq DESC LIMIT 1
  ) last ON true`;

/** The store's questions to the database. */
export class Reader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async read(runId: string, options: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Event[]> {
    const rows = await this.#database.query(
      "SELECT e.body, e.hash FROM tutti.events e JOIN tutti.runs r ON r.num = e.run WHERE r.id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3",
      [runId, options.afterSeq, Math.min(options.limit, LIMIT_MAX)],
    );
    return rows.map(toEvent);
  }

  async log(options: {
    readonly afterPosition: number;
    readonly limit: number;
    readonly only?: "emits";
  }): Promise<readonly { readonly position: number; readonly event: Event }[]> {
    const emits = options.only === "emits" ? "AND topic IS NOT NULL" : "";
    const rows = await this.#database.query(
      `SELECT position, body, hash FROM tutti.events WHERE position > $1 ${emits} ORDER BY position LIMIT $2`,
      [options.afterPosition, Math.min(options.limit, LIMIT_MAX)],
    );
    return rows.map((row) => ({ position: Number(row["position"]), event: toEvent(row) }));
  }

  async run(runId: string): Promise<RunRecord | undefined> {
    const [row] = await this.#database.query(`${RUNS} WHERE r.id = $1`, [runId]);
    return row as RunRecord | undefined;
  }

  async runs(filter: RunFilter): Promise<readonly RunRecord[]> {
    const { where, values } = runConditions(filter);
    const rows = await this.#database.query(`${RUNS} ${where} ORDER BY r.num DESC LIMIT $${values.length + 1}`, [
      ...values,
      Math.min(filter.limit, LIMIT_MAX),
    ]);
    return rows as readonly unknown[] as readonly RunRecord[];
  }

  async oldestRuns({
    afterId = "",
    limit,
  }: {
    readonly afterId?: string | undefined;
    readonly limit: number;
  }): Promise<readonly RunRecord[]> {
    const rows = await this.#database.query(
      `${RUNS} WHERE r.num > coalesce((SELECT num FROM tutti.runs WHERE id = $1), 0) ORDER BY r.num LIMIT $2`,
      [afterId, Math.min(limit, LIMIT_MAX)],
    );
    return rows as readonly unknown[] as readonly RunRecord[];
  }

  async waits(filter: WaitFilter): Promise<readonly Wait[]> {
    const { where, values } = conditions([
      ["w.run = (SELECT num FROM tutti.runs WHERE id = ?)", filter.runId],
      ["w.kind = ?", filter.kind],
      ["w.name = ?", filter.name],
      ["w.until <= ?", filter.until],
      ["r.parked = ?", filter.parked],
    ]);
    const rows = await this.#database.query(
      `SELECT r.id AS "runId", w.key, w.kind, w.name, w.since, w.until, w.approval FROM tutti.waits w JOIN tutti.runs r ON r.num = w.run
       ${where} ORDER BY w.until ASC NULLS LAST, w.since LIMIT $${values.length + 1}`,
      [...values, Math.min(filter.limit, LIMIT_MAX)],
    );
    return rows.map(toWait);
  }

  async setting(name: string): Promise<Json | undefined> {
    const [row] = await this.#database.query("SELECT value FROM tutti.settings WHERE name = $1", [name]);
    return row && (JSON.parse(String(row["value"])) as Json);
  }
}

/** An event as its row holds it. */
export function toEvent(row: Row): Event {
  return { ...(JSON.parse(String(row["body"])) as Omit<Event, "hash">), hash: String(row["hash"]) } as Event;
}

function toWait({ approval, ...row }: Row): Wait {
  const wait = row as unknown as Wait;
  return typeof approval === "string" ? { ...wait, approval: JSON.parse(approval) as NonNullable<Wait["approval"]> } : wait;
}

/** The conditions of a filter. */
export function runConditions(filter: Omit<RunFilter, "limit">): Conditions {
  const unfinished = filter.statuses?.every((status) => UNFINISHED.some((one) => one === status)) === true;
  return conditions([
    ["r.parked = ?", filter.parked],
    ["r.parent_id = ?", filter.parentId ?? undefined],
    ["?::boolean AND r.parent_id IS NULL", filter.parentId === null ? true : undefined],
    ["?::boolean AND r.parent_id IN (SELECT id FROM tutti.runs WHERE ended_at IS NOT NULL)", filter.orphaned],
    ["r.workflow = ?", filter.workflow],
    ["r.workflow = ANY(?)", filter.workflows],
    ["r.principal_id = ?", filter.principalId],
    ["r.started_at >= ?", filter.since],
    ["r.started_at < ?", filter.until],
    ["r.num < (SELECT num FROM tutti.runs WHERE id = ?)", filter.beforeId],
    // Spelled out so that the planner sees that the partial index of unfinished runs serves.
    ["r.status IN ('queued', 'running', 'waiting', 'paused') AND r.status = ANY(?)", unfinished ? filter.statuses : undefined],
    ["r.status = ANY(?)", unfinished ? undefined : filter.statuses],
  ]);
}

interface Conditions {
  readonly where: string;
  readonly values: readonly unknown[];
}

/** The conditions that have a value, with `?` as the place of it. */
function conditions(parts: readonly (readonly [sql: string, value: unknown])[]): Conditions {
  const set = parts.filter(([, value]) => value !== undefined);
  return {
    where: set.length === 0 ? "" : `WHERE ${set.map(([sql], index) => sql.replace("?", `$${index + 1}`)).join(" AND ")}`,
    values: set.map(([, value]) => value),
  };
}
