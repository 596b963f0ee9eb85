import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, type Event, type Store } from "@tutti/core";
import { Blobs as FolderBlobs } from "../blobs.ts";
import { makeFolder } from "../make-folder.ts";
import { BLOBS_FOLDER, DATABASE_FILE, openDatabase } from "../sqlite/database.ts";
import { SqliteStore } from "../sqlite/sqlite-store.ts";
import type { Blobs } from "./blobs.ts";
import type { Database } from "./database.ts";

/** Events and hashes of blobs read at once. */
const PAGE = 1000;

/** A store on PostgreSQL with what the port does not list. */
export interface PostgresParts {
  readonly store: Store;
  readonly database: Database;
  readonly blobs: Blobs;
}

/**
 * Copies all there is to a data folder of the SQLite store: the one form that `tutti restore` takes, whatever the database was, and that
 * can be checked without a server. The log is copied up to where it stood at the start, so runs may go on meanwhile. The folder gets its
 * name once it is whole.
 */
export async function backUp(parts: PostgresParts, target: string): Promise<void> {
  if (await exists(target)) throw new AppError("conflict", `wanted a new folder for the backup, got ${target}, which exists; name another`);
  const aside = `${target}.partial`;
  await rm(aside, { recursive: true, force: true });
  await makeFolder(dirname(target));
  await mkdir(aside, { mode: 0o700 });
  try {
    const copy = await SqliteStore.open(aside);
    try {
      await copyOut(parts, copy);
    } finally {
      await copy.close();
    }
    await rm(join(aside, "lock.db"), { force: true });
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Copies a data folder of the SQLite store, which may be a backup, into an empty database. Receipts stay what they are. Returns how many
 * events were copied.
 */
export async function copyIn(dataDir: string, parts: PostgresParts): Promise<number> {
  if (!(await exists(join(dataDir, DATABASE_FILE))))
    throw new AppError("not_found", `wanted a data folder or a backup, got ${dataDir} without ${DATABASE_FILE}; is the path right?`);
  if ((await parts.store.log({ afterPosition: 0, limit: 1 })).length > 0)
    throw new AppError(
      "conflict",
      `wanted an empty database, got ${parts.database.name}, which holds runs; name another, or drop its schema "tutti" first`,
    );
  const source = await SqliteStore.open(dataDir);
  try {
    await copyBlobsIn(join(dataDir, BLOBS_FOLDER), parts.store);
    const count = await copyLog(source, parts.store, Infinity);
    using db = openDatabase(join(dataDir, DATABASE_FILE), { readOnly: true });
    for (const row of db.prepare("SELECT name, value FROM settings").all())
      await parts.store.setSetting(String(row["name"]), JSON.parse(String(row["value"])));
    return count;
  } finally {
    await source.close();
  }
}

async function copyOut({ store, database, blobs }: PostgresParts, copy: Store): Promise<void> {
  const [last] = await database.query("SELECT coalesce(max(position), 0) AS position FROM tutti.events");
  await copyLog(store, copy, Number(last?.["position"]));
  // Blobs are written before the events that name them, so all that the copied events name are there by now.
  for (let after: string | undefined = ""; after !== undefined;) {
    const page: readonly string[] = await blobs.list(after, PAGE);
    for (const $blob of page) await copy.putBlob(await store.getBlob({ $blob, sizeBytes: 0 }));
    after = page.at(-1);
  }
  for (const { name, value } of await database.query("SELECT name, value FROM tutti.settings"))
    await copy.setSetting(String(name), JSON.parse(String(value)));
}

/** Copies a log in order, up to a position; each chain has to come out as it was. */
async function copyLog(source: Store, target: Store, lastPosition: number): Promise<number> {
  let count = 0;
  let copied = 0;
  for (let after = 0; ;) {
    const page = (await source.log({ afterPosition: after, limit: PAGE })).filter(({ position }) => position <= lastPosition);
    const last = page.at(-1);
    if (last === undefined) return count;
    await target.append(page.map(({ event }) => ({ ...event, hash: undefined })));
    const written = await target.log({ afterPosition: copied, limit: PAGE });
    for (const [index, { event }] of page.entries()) requireSame(event, written[index]?.event);
    count += page.length;
    after = last.position;
    copied = written.at(-1)?.position ?? copied;
  }
}

function requireSame(wanted: Event, got: Event | undefined): void {
  if (wanted.hash === got?.hash) return;
  throw new AppError(
    "storage_corrupt",
    `wanted event ${wanted.seq} of run ${wanted.runId} with the hash ${wanted.hash}, got ${got?.hash ?? "none"}; \`tutti verify ${wanted.runId}\` says where its chain breaks`,
  );
}

async function copyBlobsIn(folder: string, target: Store): Promise<void> {
  const blobs = new FolderBlobs(folder);
  for (const part of await readdir(folder)) {
    // A name of another form is a file that was being written when the process ended.
    for (const $blob of (await readdir(join(folder, part))).filter((name) => /^[0-9a-f]{64}$/.test(name)))
      await target.putBlob(await blobs.get({ $blob, sizeBytes: 0 }));
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
