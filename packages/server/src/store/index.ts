import type { PostgresStore } from "./postgres/postgres-store.ts";

export { backupStore, checkDatabase, restoreStore } from "./sqlite/backup.ts";
export { copyFiles, FILES_FOLDER } from "./files-folder.ts";
export { makeFolder } from "./make-folder.ts";
export { durationOf, type Survey } from "./survey.ts";
export type { Upkeep } from "./upkeep.ts";
export { SqliteStore } from "./sqlite/sqlite-store.ts";

/** Looks at a database and changes nothing. Returns what it found; throws what is wrong. */
export async function checkPostgres(url: string): Promise<string> {
  const postgres = await import("./postgres/check.ts");
  return postgres.checkPostgres(url);
}

/** Opens the store on PostgreSQL. The driver is loaded only here: most installations never need it. */
export async function openPostgresStore(url: string): Promise<PostgresStore> {
  const { PostgresStore } = await import("./postgres/postgres-store.ts");
  return PostgresStore.open(url);
}
