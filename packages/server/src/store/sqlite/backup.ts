import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { backup } from "node:sqlite";
import { AppError } from "@tutti/core";
import { makeFolder } from "../make-folder.ts";
import { copyFiles, FILES_FOLDER } from "../files-folder.ts";
import { BLOBS_FOLDER, DATABASE_FILE, openDatabase, storageError } from "./database.ts";
import { lockFolder } from "./lock.ts";
import { SCHEMA_VERSION, schemaVersion } from "./migrations.ts";
import { integrityCheck } from "./reader.ts";

/**
 * Copies a data folder's database and blobs to a new folder, consistently, also while Tutti runs. The copy is checked before it gets its
 * name, so a folder called `target` is a good backup or is not there.
 */
export async function backupStore(dataDir: string, target: string): Promise<void> {
  if (await exists(target)) throw new AppError("conflict", `wanted a new folder for the backup, got ${target}, which exists; name another`);
  if (!(await exists(join(dataDir, DATABASE_FILE))))
    throw new AppError("not_found", `wanted a data folder, got ${dataDir} without ${DATABASE_FILE}; is TUTTI_DATA_DIR right?`);
  const aside = `${target}.partial`;
  await rm(aside, { recursive: true, force: true });
  await makeFolder(aside);
  try {
    await copyDatabase(join(dataDir, DATABASE_FILE), join(aside, DATABASE_FILE));
    // Blobs are written before the events that name them, so all that the copied events name are there by now.
    await cp(join(dataDir, BLOBS_FOLDER), join(aside, BLOBS_FOLDER), { recursive: true, force: true });
    await copyFiles(dataDir, aside);
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw storageError(target, error);
  }
}

/**
 * Puts a backup in a data folder's place, once it is found whole. What was there is kept in `replaced-<time>` inside the folder; its path
 * is returned, or `undefined` when there was nothing.
 */
export async function restoreStore(source: string, dataDir: string): Promise<string | undefined> {
  checkDatabase(join(source, DATABASE_FILE), "integrity_check");
  await makeFolder(dataDir);
  using _lock = lockFolder(dataDir);
  const incoming = join(dataDir, "incoming");
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming);
  await copyDatabase(join(source, DATABASE_FILE), join(incoming, DATABASE_FILE));
  await cp(join(source, BLOBS_FOLDER), join(incoming, BLOBS_FOLDER), { recursive: true });
  await copyFiles(source, incoming);
  const replaced = join(dataDir, `replaced-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`);
  const kept = await moveAll(
    [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`, BLOBS_FOLDER, FILES_FOLDER],
    dataDir,
    replaced,
  );
  await moveAll([DATABASE_FILE, BLOBS_FOLDER, FILES_FOLDER], incoming, dataDir);
  await rm(incoming, { recursive: true });
  return kept ? replaced : undefined;
}

/** Throws when a database file is missing, damaged or newer than this program. */
export function checkDatabase(file: string, pragma: "quick_check" | "integrity_check"): void {
  using db = openDatabase(file, { readOnly: true });
  integrityCheck(db, file, pragma);
  const version = schemaVersion(db);
  if (version === 0) throw new AppError("invalid_input", `wanted a Tutti database, got ${file}, which is none`);
  if (version > SCHEMA_VERSION)
    throw new AppError(
      "storage_newer",
      `wanted a database of version ${SCHEMA_VERSION} or older, got version ${version} in ${file}; update Tutti first`,
    );
}

async function copyDatabase(from: string, to: string): Promise<void> {
  using db = openDatabase(from, { readOnly: true });
  await backup(db, to);
  checkDatabase(to, "integrity_check");
}

async function moveAll(names: readonly string[], from: string, to: string): Promise<boolean> {
  let moved = false;
  for (const name of names) {
    if (!(await exists(join(from, name)))) continue;
    await makeFolder(to);
    await rename(join(from, name), join(to, name));
    moved = true;
  }
  return moved;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
