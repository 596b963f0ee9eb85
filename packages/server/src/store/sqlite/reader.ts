import { statSync } from "node:fs";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { AppError, type Event, type Json, type RunFilter, type RunRecord, type Wait, type WaitFilter } from "@tutti/core";
import type { ActivitySpan, CountFilter, LogSearch } from "../survey.ts";
import { naming } from "./database.ts";
import { conditions, toEvent, type Row } from "./rows.ts";
import { countActivity, countRuns, lastPosition, searchLog, settings } from "./survey.ts";

/** Files up to this size are checked for damage at every start (about 1 ms a MiB); `tutti doctor` checks larger ones. */
const QUICK_CHECK_BYTES_MAX = 64 * 1024 * 1024;
/** Rows one call may return, whatever it asks for: reads run on the event loop. */
const LIMIT_MAX = 1000;

const RUN_COLUMNS = `r.id AS id, r.workflow AS workflow, r.version AS version, r.status AS status, r.started_at AS startedAt, r.ended_at AS endedAt,
  r.parent_id AS parentId, r.principal_id AS principalId, r.events AS events, r.head AS head`;

/** The store's read connection. Readers never wait for the writer (WAL); pages are short because they run on the event loop. */
export class Reader {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
  }

  /** Throws `storage_corrupt` when a small database is damaged. */
  quickCheck(): void {
    if (statSync(this.#file).size > QUICK_CHECK_BYTES_MAX) return;
    integrityCheck(this.#db, this.#file, "quick_check");
  }

  read(runId: string, options: { readonly afterSeq: number; readonly limit: number }): readonly Event[] {
    return this.#all(
      "SELECT e.body AS body, e.hash AS hash FROM events e JOIN runs r ON r.num = e.run WHERE r.id = ? AND e.seq > ? ORDER BY e.seq LIMIT ?",
      [runId, options.afterSeq, Math.min(options.limit, LIMIT_MAX)],
    ).map(toEvent);
  }

  log(options: {
    readonly afterPosition: number;
    readonly limit: number;
    readonly only?: "emits";
  }): readonly { readonly position: number; readonly event: Event }[] {
    const emits = options.only === "emits" ? "AND topic IS NOT NULL" : "";
    const rows = this.#all(`SELECT position, body, hash FROM events WHERE position > ? ${emits} ORDER BY position LIMIT ?`, [
      options.afterPosition,
      Math.min(options.limit, LIMIT_MAX),
    ]);
    return rows.map((row) => ({ position: Number(row["position"]), event: toEvent(row) }));
  }

  run(runId: string): RunRecord | undefined {
    const row = this.#all(`SELECT ${RUN_COLUMNS} FROM runs r WHERE r.id = ?`, [runId])[0];
    return row && this.#toRecord(row);
  }

  runs(filter: RunFilter): readonly RunRecord[] {
    const { where, values } = conditions(filter);
    return this.#all(`SELECT ${RUN_COLUMNS} FROM runs r ${where} ORDER BY r.num DESC LIMIT ?`, [
      ...values,
      Math.min(filter.limit, LIMIT_MAX),
    ]).map((row) => this.#toRecord(row));
  }

  oldestRuns({ afterId = "", limit }: { readonly afterId?: string | undefined; readonly limit: number }): readonly RunRecord[] {
    return this.#all(
      `SELECT ${RUN_COLUMNS} FROM runs r WHERE r.num > coalesce((SELECT num FROM runs WHERE id = ?), 0) ORDER BY r.num LIMIT ?`,
      [afterId, Math.min(limit, LIMIT_MAX)],
    ).map((row) => this.#toRecord(row));
  }

  waits(filter: WaitFilter): readonly Wait[] {
    const parts: [sql: string, value: string][] = [];
    if (filter.runId !== undefined) parts.push(["w.run = (SELECT num FROM runs WHERE id = ?)", filter.runId]);
    if (filter.kind !== undefined) parts.push(["w.kind = ?", filter.kind]);
    if (filter.name !== undefined) parts.push(["w.name = ?", filter.name]);
    if (filter.until !== undefined) parts.push(["w.until <= ?", filter.until]);
    const where = [...parts.map(([sql]) => sql), ...(filter.parked === true ? ["r.parked = 1"] : [])];
    return this.#all(
      `SELECT r.id AS runId, w.key AS key, w.kind AS kind, w.name AS name, w.since AS since, w.until AS until, w.approval AS approval
       FROM waits w JOIN runs r ON r.num = w.run ${where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`}
       ORDER BY w.until IS NULL, w.until, w.since LIMIT ?`,
      [...parts.map(([, value]) => value), Math.min(filter.limit, LIMIT_MAX)],
    ).map(toWait);
  }

  setting(name: string): Json | undefined {
    const row = this.#all("SELECT value FROM settings WHERE name = ?", [name])[0];
    return row && (JSON.parse(String(row["value"])) as Json);
  }

  position(): number {
    return lastPosition(this.#ask);
  }

  countRuns(filter: CountFilter) {
    return countRuns(this.#ask, filter);
  }

  countActivity(span: ActivitySpan) {
    return countActivity(this.#ask, span);
  }

  searchLog(search: LogSearch) {
    return searchLog(this.#ask, search);
  }

  settings(prefix: string, limit: number) {
    return settings(this.#ask, prefix, Math.min(limit, LIMIT_MAX));
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  /** The row's head is that of the last change of status; a run that is still going has grown since. */
  #toRecord(row: Row): RunRecord {
    const record = row as unknown as RunRecord;
    if (record.endedAt !== null) return { ...record };
    const last = this.#all(
      "SELECT e.seq AS events, e.hash AS head FROM events e JOIN runs r ON r.num = e.run WHERE r.id = ? ORDER BY e.seq DESC LIMIT 1",
      [record.id],
    )[0];
    return { ...record, ...(last as { readonly events: number; readonly head: string } | undefined) };
  }

  readonly #ask = (sql: string, values: readonly SQLInputValue[]): readonly Row[] => this.#all(sql, values);

  #all(sql: string, values: readonly SQLInputValue[]): readonly Row[] {
    return naming(this.#file, () => {
      let statement = this.#statements.get(sql);
      if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
      return statement.all(...values);
    });
  }
}

/** Throws `storage_corrupt` with SQLite's first finding. */
export function integrityCheck(db: DatabaseSync, file: string, pragma: "quick_check" | "integrity_check"): void {
  const finding = naming(file, () => db.prepare(`PRAGMA ${pragma}(1)`).get()?.[pragma]);
  if (finding === "ok") return;
  throw new AppError(
    "storage_corrupt",
    `the database ${file} is damaged: ${String(finding).replaceAll(/\s+/g, " ")}; put back a backup with \`tutti restore\``,
  );
}

function toWait(row: Row): Wait {
  const { approval, ...wait } = row as unknown as Omit<Wait, "approval"> & { readonly approval: string | null };
  return approval === null ? wait : { ...wait, approval: JSON.parse(approval) as NonNullable<Wait["approval"]> };
}
