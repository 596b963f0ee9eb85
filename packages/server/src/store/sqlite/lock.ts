import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AppError } from "@tutti/core";
import { storageError } from "./database.ts";

/**
 * Holds a data folder for one process. An exclusive SQLite lock, because the operating system lets go of it when the process dies in
 * whatever way; a pid file would have to guess.
 */
export function lockFolder(dataDir: string): Disposable {
  const file = join(dataDir, "lock.db");
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
    const held = db;
    return { [Symbol.dispose]: () => held.close() };
  } catch (thrown) {
    db?.close();
    const error = storageError(file, thrown);
    if (error.code !== "storage_in_use") throw error;
    throw new AppError(
      "storage_in_use",
      `wanted the data folder ${dataDir} for this process, got one that another Tutti uses; stop that one, or choose another folder with TUTTI_DATA_DIR`,
    );
  }
}
