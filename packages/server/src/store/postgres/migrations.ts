import type { ClientBase } from "pg";
import { AppError } from "@tutti/core";
import { JOURNAL_FUNCTIONS, LOCK_SPACE, LOCKS } from "./journal-sql.ts";

/**
 * Each entry takes the schema from its index to the next version. Entries are never edited, only added. Ids sort by their bytes ("C"), as
 * they do in SQLite. A body is text and no `jsonb`: its bytes are what the chain hashes, and `jsonb` cannot hold all of JSON.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE SEQUENCE tutti.positions;
   CREATE TABLE tutti.runs (
     num bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
     id text COLLATE "C" NOT NULL UNIQUE,
     workflow text NOT NULL,
     version text NOT NULL,
     status text NOT NULL,
     started_at text NOT NULL,
     ended_at text,
     parent_id text COLLATE "C",
     principal_id text NOT NULL,
     events int NOT NULL,
     head text NOT NULL,
     parked boolean NOT NULL DEFAULT false
   );
   CREATE INDEX runs_unfinished ON tutti.runs (parked, num) WHERE status IN ('queued', 'running', 'waiting', 'paused');
   CREATE INDEX runs_by_workflow ON tutti.runs (workflow, num);
   CREATE INDEX runs_by_parent ON tutti.runs (parent_id, num) WHERE parent_id IS NOT NULL;
   CREATE TABLE tutti.events (
     position bigint PRIMARY KEY,
     run bigint NOT NULL,
     seq int NOT NULL,
     body text NOT NULL,
     hash text NOT NULL,
     topic text
   );
   CREATE UNIQUE INDEX events_by_run ON tutti.events (run, seq);
   CREATE INDEX events_emits ON tutti.events (position) WHERE topic IS NOT NULL;
   CREATE TABLE tutti.waits (
     run bigint NOT NULL,
     key text COLLATE "C" NOT NULL,
     kind text NOT NULL,
     name text NOT NULL,
     since text COLLATE "C" NOT NULL,
     until text COLLATE "C",
     approval text,
     PRIMARY KEY (run, key)
   );
   CREATE INDEX waits_by_end ON tutti.waits (until) WHERE until IS NOT NULL;
   CREATE INDEX waits_by_name ON tutti.waits (kind, name, since);
   CREATE TABLE tutti.blobs (hash text COLLATE "C" PRIMARY KEY, bytes bytea NOT NULL, written_at timestamptz NOT NULL DEFAULT now());
   CREATE TABLE tutti.settings (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
   ${JOURNAL_FUNCTIONS}`,
  `CREATE INDEX runs_by_start ON tutti.runs (started_at);
   CREATE INDEX runs_by_end ON tutti.runs (ended_at, status, started_at) WHERE ended_at IS NOT NULL;`,
];

/** The newest version this program knows. */
const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the schema `tutti` up to date in one transaction; nodes that start at the same time wait for each other. Refuses a schema that a
 * newer program wrote.
 */
export async function migrate(client: ClientBase, database: string): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK_SPACE}, ${LOCKS.migrations})`);
    await requireUnicode(client, database);
    const version = await schemaVersion(client);
    if (version > SCHEMA_VERSION)
      throw new AppError(
        "storage_newer",
        `wanted a schema of version ${SCHEMA_VERSION} or older, got version ${version} in ${database}; a newer Tutti wrote it: update this one`,
      );
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await client.query(sql);
      await client.query("INSERT INTO tutti.versions (version) VALUES ($1)", [index + 1]);
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** A database in another encoding could not hold every event. It cannot be changed later. */
async function requireUnicode(client: ClientBase, database: string): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>("SHOW server_encoding");
  const encoding = rows[0]?.server_encoding;
  if (encoding !== "UTF8")
    throw new AppError(
      "unsupported",
      `wanted a database in UTF8, got ${encoding ?? "none"} in ${database}; make another: CREATE DATABASE tutti ENCODING 'UTF8' TEMPLATE template0`,
    );
}

/** Looks before it makes, because only the first start needs the right to make a schema. */
async function schemaVersion(client: ClientBase): Promise<number> {
  const found = await client.query<{ found: boolean }>("SELECT to_regclass('tutti.versions') IS NOT NULL AS found");
  if (found.rows[0]?.found !== true)
    await client.query(
      "CREATE SCHEMA IF NOT EXISTS tutti; CREATE TABLE tutti.versions (version int PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())",
    );
  const result = await client.query<{ version: number }>("SELECT coalesce(max(version), 0) AS version FROM tutti.versions");
  return result.rows[0]?.version ?? 0;
}
