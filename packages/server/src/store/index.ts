export { backupStore, checkDatabase, restoreStore } from "./sqlite/backup.ts";
export { SqliteStore } from "./sqlite/sqlite-store.ts";
