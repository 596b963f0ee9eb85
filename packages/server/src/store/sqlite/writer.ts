import { parentPort, workerData } from "node:worker_threads";
import type { AppError } from "@tutti/core";
import { openDatabase, storageError } from "./database.ts";
import { rowsOf } from "./row.ts";
import { Journal } from "./journal.ts";
import { migrate } from "./migrations.ts";

/** What the store asks of its writer thread. */
export type WriterRequest =
  /** A flat batch of rows (row.ts). */
  | { readonly type: "append"; readonly rows: readonly string[] }
  | { readonly type: "remove"; readonly runIds: readonly string[] }
  /** `null` removes it. */
  | { readonly type: "setting"; readonly name: string; readonly value: string | null }
  | { readonly type: "close" };

/** The writer's answer; requests are answered in order. `ready` comes once, first. */
export type WriterAnswer =
  | { readonly type: "ready" }
  /** `conflicts` are runs of which nothing more was written: another event stood in the place of one of theirs. */
  | { readonly type: "done"; readonly conflicts?: readonly string[] }
  | { readonly type: "failed"; readonly code: AppError["code"]; readonly message: string };

const file = (workerData as { readonly file: string }).file;

// The writer thread: the only connection that writes, so that the event loop never waits for the disk.
attempt(() => {
  const db = openDatabase(file, { readOnly: false });
  migrate(db, file);
  const journal = new Journal(db);
  const setSetting = db.prepare("INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
  const deleteSetting = db.prepare("DELETE FROM settings WHERE name = ?");
  parentPort?.on("message", (request: WriterRequest) => {
    // The write-ahead log may be what fills a small disk: what is in it goes to the database, before the request is tried again.
    const makeRoom = (): void => db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    attempt(() => {
      let conflicts: readonly string[] = [];
      if (request.type === "append") conflicts = journal.write(rowsOf(request.rows));
      else if (request.type === "remove") journal.remove(request.runIds);
      else if (request.type === "close") db.close();
      else if (request.value === null) deleteSetting.run(request.name);
      else setSetting.run(request.name, request.value);
      answer(conflicts.length === 0 ? { type: "done" } : { type: "done", conflicts });
      if (request.type === "close") parentPort?.close();
    }, makeRoom);
  });
  answer({ type: "ready" });
});

function attempt(action: () => void, makeRoom: () => void = () => undefined): void {
  try {
    action();
  } catch (thrown) {
    const { code, message } = storageError(file, thrown);
    if (code === "storage_full") tryTo(makeRoom);
    answer({ type: "failed", code, message });
  }
}

/** What does not help does no harm either: the request is tried again in any case. */
function tryTo(action: () => void): void {
  try {
    action();
  } catch {
    // There was no room for it.
  }
}

function answer(message: WriterAnswer): void {
  parentPort?.postMessage(message);
}
