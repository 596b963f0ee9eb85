import { closeSync, constants, fstatSync, opendirSync, openSync, read, readSync, type Dir } from "node:fs";
import { setImmediate as immediate } from "node:timers/promises";
import { promisify } from "node:util";
import type { SandboxLimits } from "@tutti/core/sandbox";
import type { Program } from "../backend.ts";

/** Entries looked at, whatever they are: a folder full of empty files must end too. */
const ENTRIES_MAX = 10_000;
const DEPTH_MAX = 16;
const ENTRIES_AT_ONCE = 64;
/** More than this is read by another thread. */
const SMALL_BYTES = 65_536;
const readLater = promisify(read);

/** What a program left behind. */
export interface CollectedFiles {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Whether something was left out for its size or number. */
  readonly isTruncated: boolean;
}

interface Collection {
  readonly program: Program;
  readonly files: Record<string, Uint8Array>;
  entries: number;
  count: number;
  bytes: number;
  isTruncated: boolean;
}

/**
 * Reads the regular files of a folder that a program had to itself, after the program is gone. Symlinks, FIFOs, sockets and devices are left
 * out, and so is what is larger than the limits allow; no more than that is ever in memory.
 */
export async function collectFiles(folder: string, program: Program): Promise<CollectedFiles> {
  // No prototype, so that a file called "__proto__" is a file.
  const collection: Collection = {
    program,
    files: Object.create(null) as Record<string, Uint8Array>,
    entries: 0,
    count: 0,
    bytes: 0,
    isTruncated: false,
  };
  await walk(collection, folder, []);
  return { files: collection.files, isTruncated: collection.isTruncated };
}

async function walk(collection: Collection, folder: string, parts: readonly string[]): Promise<void> {
  const entries = openFolder(folder);
  if (entries === undefined) return;
  try {
    // A folder of a few files is read sooner than another thread would be asked; a large one lets others have their turn.
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      collection.entries += 1;
      if (collection.entries % ENTRIES_AT_ONCE === 0) await immediate();
      const name = [...parts, entry.name].join("/");
      if (collection.entries > ENTRIES_MAX || isFull(collection)) {
        collection.isTruncated = true;
        return;
      }
      if (entry.isFile()) await take(collection, `${folder}/${entry.name}`, name);
      // `entry` is what the folder says of it: a symlink to a folder is none.
      if (entry.isDirectory() && parts.length + 1 < DEPTH_MAX) await walk(collection, `${folder}/${entry.name}`, [...parts, entry.name]);
      if (entry.isDirectory() && parts.length + 1 >= DEPTH_MAX) collection.isTruncated = true;
    }
  } finally {
    entries.closeSync();
  }
}

function openFolder(folder: string): Dir | undefined {
  try {
    return opendirSync(folder);
  } catch {
    // Its modes are the program's to choose.
    return undefined;
  }
}

function isFull({ count, program }: Collection): boolean {
  return count > program.limits.filesMax;
}

async function take(collection: Collection, path: string, name: string): Promise<void> {
  const { program } = collection;
  const content = await readRegular(path, program.limits);
  if (content === undefined || (program.own.has(name) && isSame(program.files.get(name), content))) return;
  collection.count += 1;
  collection.bytes += content === "too large" ? 0 : content.byteLength;
  if (content === "too large" || collection.count > program.limits.filesMax || collection.bytes > program.limits.diskBytes)
    collection.isTruncated = true;
  else collection.files[name] = content;
}

/** The content of a regular file; nothing for what is none or cannot be read. */
async function readRegular(path: string, { fileBytes }: SandboxLimits): Promise<Uint8Array | "too large" | undefined> {
  let file: number | undefined;
  try {
    // O_NONBLOCK: a FIFO that took a file's place must not hold us up.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (!found.isFile()) return undefined;
    const { size } = found;
    if (size > fileBytes) return "too large";
    const buffer = Buffer.alloc(size);
    const bytesRead = size > SMALL_BYTES ? (await readLater(file, buffer, 0, size, 0)).bytesRead : readSync(file, buffer, 0, size, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | "too large"): boolean {
  return a !== undefined && b !== "too large" && Buffer.compare(a, b) === 0;
}
