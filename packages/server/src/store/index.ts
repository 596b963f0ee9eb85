import type { PostgresStore } from "./postgres/postgres-store.ts";

export { backupStore, checkDatabase, restoreStore } from "./sqlite/backup.ts";
export type { Upkeep } from "./upkeep.ts";
export { SqliteStore } from "./sqlite/sqlite-store.ts";

/** Opens the store on PostgreSQL. The driver is loaded only here: most installations never need it. */
export async function openPostgresStore(url: string): Promise<PostgresStore> {
  const { PostgresStore } = await import("./postgres/postgres-store.ts");
  return PostgresStore.open(url);
}
