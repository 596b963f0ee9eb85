import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { AppError, type ErrorCode } from "@tutti/core";

/** The names of what stands in a data folder. */
export const DATABASE_FILE = "tutti.db";
export const BLOBS_FOLDER = "blobs";

const OWNERS_ONLY = 0o600;

/** Primary result codes of sqlite3.h, as `node:sqlite` reports them in `errcode` (extended codes carry them in the low byte). */
const CODES: Readonly<Record<number, ErrorCode>> = {
  5: "storage_in_use",
  8: "storage_unwritable",
  10: "storage_full",
  11: "storage_corrupt",
  13: "storage_full",
  14: "storage_unwritable",
  26: "storage_corrupt",
};

const ADVICE: Partial<Record<ErrorCode, string>> = {
  storage_in_use: "another process uses it: stop that one first",
  storage_unwritable: "check that the folder exists and that you may write to it, or choose another with TUTTI_DATA_DIR",
  storage_full: "the disk could not take the data: free some space",
  storage_corrupt: "the file is damaged: put back a backup with `tutti restore`, or move the folder away to start empty",
};

/** Opens a database for one connection; errors are `AppError`s that name the file. */
export function openDatabase(file: string, options: { readonly readOnly: boolean }): DatabaseSync {
  return naming(file, () => {
    if (!options.readOnly) keepFromOthers(file);
    const db = new DatabaseSync(file, { readOnly: options.readOnly, timeout: 5000 });
    try {
      db.exec("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;");
      if (!options.readOnly)
        db.exec(
          "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864;",
        );
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Logs hold what people and models said, and logins: nobody else reads them. SQLite gives the files beside a database the same mode. */
function keepFromOthers(file: string): void {
  closeSync(openSync(file, "a", OWNERS_ONLY));
  for (const name of [file, `${file}-wal`, `${file}-shm`])
    if (((statSync(name, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0) chmodSync(name, OWNERS_ONLY);
}

/** Runs `action`; what SQLite throws becomes an `AppError` with the file's name and what to do. */
export function naming<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw storageError(file, error);
  }
}

/** What SQLite threw, as an `AppError`. */
export function storageError(file: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const number = error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : -1;
  const code = CODES[number] ?? "internal";
  const text = error instanceof Error ? error.message : String(error);
  return new AppError(code, `cannot use the database ${file}: ${text}; ${ADVICE[code] ?? "run `tutti doctor`"}`, { cause: error });
}
