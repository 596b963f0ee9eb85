import { stat } from "node:fs/promises";
import { join } from "node:path";
import { backupStore, checkDatabase, checkPostgres, copyFiles, openPostgresStore, restoreStore } from "../store/index.ts";
import type { Config } from "./config/index.ts";

const DATABASE_FILE = "tutti.db";

/** Copies all that is kept to a new folder, also while Tutti runs. The folder is the same whatever the store is. */
export async function backUp(config: Config, target: string): Promise<void> {
  if (config.store === "sqlite") return backupStore(config.dataDir, target);
  // Opened without holding anything: the nodes that use the database go on.
  const store = await openPostgresStore(config.postgresUrl ?? "");
  try {
    await store.backup(target);
    await copyFiles(config.dataDir, target);
  } finally {
    await store.close();
  }
}

/** Puts a backup in the place of what is there, which must not be in use. Returns the folder in which what was there is kept, if anything was. */
export async function restore(config: Config, source: string): Promise<string | undefined> {
  if (config.store === "sqlite") return restoreStore(source, config.dataDir);
  const store = await openPostgresStore(config.postgresUrl ?? "");
  try {
    await store.copyFrom(source);
    await copyFiles(source, config.dataDir);
    return undefined;
  } finally {
    await store.close();
  }
}

/** Looks at what is kept and changes nothing. Returns what it found; throws when it is damaged or cannot be reached. */
export async function checkStore(config: Config): Promise<string> {
  if (config.store === "postgres") return checkPostgres(config.postgresUrl ?? "");
  const file = join(config.dataDir, DATABASE_FILE);
  if ((await stat(file).catch(() => undefined)) === undefined) return "none yet";
  checkDatabase(file, "integrity_check");
  return `${file} is whole`;
}
