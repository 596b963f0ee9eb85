import type { DatabaseSync } from "node:sqlite";
import { AppError } from "@tutti/core";

/** Each entry takes the file from its index to the next version (`PRAGMA user_version`). Entries are never edited, only added. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (
     num INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     workflow TEXT NOT NULL,
     version TEXT NOT NULL,
     status TEXT NOT NULL,
     started_at TEXT NOT NULL,
     ended_at TEXT,
     parent_id TEXT,
     principal_id TEXT NOT NULL,
     events INTEGER NOT NULL,
     head TEXT NOT NULL
   ) STRICT;
   CREATE INDEX runs_unfinished ON runs (num) WHERE status IN ('running', 'waiting', 'paused');
   CREATE INDEX runs_by_workflow ON runs (workflow, num);
   CREATE TABLE events (
     position INTEGER PRIMARY KEY,
     run INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     body TEXT NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX events_by_run ON events (run, seq);
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE runs ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
   DROP INDEX runs_unfinished;
   CREATE INDEX runs_unfinished ON runs (parked, num) WHERE status IN ('queued', 'running', 'waiting', 'paused');
   CREATE INDEX runs_by_parent ON runs (parent_id, num) WHERE parent_id IS NOT NULL;
   ALTER TABLE events ADD COLUMN topic TEXT;
   CREATE INDEX events_emits ON events (position) WHERE topic IS NOT NULL;
   CREATE TABLE waits (
     run INTEGER NOT NULL,
     key TEXT NOT NULL,
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     since TEXT NOT NULL,
     until TEXT,
     approval TEXT,
     PRIMARY KEY (run, key)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX waits_by_end ON waits (until) WHERE until IS NOT NULL;
   CREATE INDEX waits_by_name ON waits (kind, name, since);`,
  `CREATE INDEX runs_by_start ON runs (started_at);
   CREATE INDEX runs_by_end ON runs (ended_at, status, started_at) WHERE ended_at IS NOT NULL;`,
];

/** The newest version this program knows. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a database up to date, each version in a transaction of its own; refuses one that a newer program wrote. */
export function migrate(db: DatabaseSync, file: string): void {
  const version = schemaVersion(db);
  if (version > SCHEMA_VERSION) {
    throw new AppError(
      "storage_newer",
      `wanted a database of version ${SCHEMA_VERSION} or older, got version ${version} in ${file}; a newer Tutti wrote it: update this one, or restore an older backup`,
    );
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

/** The version a database file says it has; 0 for an empty one. */
export function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}
