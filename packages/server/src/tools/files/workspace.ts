import { randomUUID } from "node:crypto";
import { constants, existsSync, type Stats } from "node:fs";
import { lstat, mkdir, open, readdir, realpath, rename, rmdir, unlink, type FileHandle } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, type ErrorCode } from "@tutti/core";
import { closedError, type ClosedNow, type ClosedPlaces } from "./closed-places.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

const PATH_CHARACTERS_MAX = 1_024;
const NAME_BYTES_MAX = 255;
/** Folders within folders. */
export const DEPTH_MAX = 32;
/** A folder with more entries is not read. */
const ENTRIES_MAX = 10_000;

/** Files being written have such names; nobody gets to see them. */
const UNFINISHED = /^\.tutti-[0-9a-f-]{36}\.tmp$/;

/**
 * On Linux a folder that is open can be gone on from by its descriptor, so nobody can put a link in the way between a look and a step.
 * Elsewhere each step is made by path, and refuses links too; only a folder that is swapped for a link at the same moment gets through.
 */
const DESCRIPTORS = "/proc/self/fd";
const hasDescriptors = existsSync(DESCRIPTORS);

/** A folder that is open, and the path by which what is in it is reached. */
interface Folder {
  readonly handle: FileHandle;
  readonly path: string;
  /** Where it is on this machine: no link led to it. */
  readonly real: string;
  readonly closed: ClosedNow;
}

/** What is in a folder. Links are told, and never followed. */
export interface Entry {
  readonly name: string;
  readonly type: "file" | "folder" | "link" | "other";
  readonly sizeBytes: number;
  readonly modifiedAt: string;
}

/** One folder and all below it but what is closed; no path, link or race leads out of it. */
export class Workspace {
  readonly #root: string;
  readonly #closed: ClosedPlaces;
  readonly #busy = new Map<string, Promise<unknown>>();

  constructor(root: string, closed: ClosedPlaces) {
    this.#root = root;
    this.#closed = closed;
  }

  /** A regular file's bytes. Throws `too_large` beyond `bytesMax`. */
  read(path: string, bytesMax: number): Promise<Buffer> {
    return this.#at(path, { isMaking: false }, async (folder, name) => {
      await using handle = await open(join(folder.path, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const stats = await handle.stat();
      requireOpen(folder, name, stats);
      requireOwnFile(stats, path);
      if (stats.size > bytesMax)
        throw new AppError("too_large", `wanted a file of at most ${bytesMax} bytes, got ${path} with ${stats.size}`);
      return await readAtMost(handle, bytesMax, path);
    });
  }

  /** Puts a file in place in one step: whoever reads it sees the old or the new one, also after a crash. Folders on the way are made. */
  write(path: string, bytes: Uint8Array, options: { readonly mayReplace: boolean }): Promise<"created" | "replaced"> {
    return this.#at(path, { isMaking: true }, async (folder, name) => {
      const before = await lstat(join(folder.path, name)).catch(absent);
      if (before !== undefined) requireOwnFile(before, path);
      if (before !== undefined && !options.mayReplace) throw new AppError("conflict", `wanted a new file, got ${path}, which is there`);
      const unfinished = join(folder.path, `.tutti-${randomUUID()}.tmp`);
      try {
        await writeWhole(unfinished, bytes, before?.mode ?? 0o666);
        await rename(unfinished, join(folder.path, name));
      } catch (error) {
        await unlink(unfinished).catch(absent);
        throw error;
      }
      await folder.handle.sync();
      return before === undefined ? "created" : "replaced";
    });
  }

  /** What a folder holds, by name. "" is the workspace itself. */
  list(path: string): Promise<readonly Entry[]> {
    return this.#in(path, { isMaking: false }, (folder) => entriesOf(folder, path));
  }

  /** Removes a file, a link (not what it leads to), or a folder: with all that is in it only when `isWhole`. */
  remove(path: string, options: { readonly isWhole: boolean }): Promise<number> {
    return this.#at(path, { isMaking: false }, async (folder, name) => {
      const stats = await lstat(join(folder.path, name));
      // Looked at before anything is removed.
      if (folder.closed.isBelow(join(folder.real, name))) throw closedError(path);
      if (!stats.isDirectory()) return await unlink(join(folder.path, name)).then(() => 1);
      const removed = options.isWhole ? await emptied({ folder, name, path }, 0) : 0;
      await rmdir(join(folder.path, name));
      return removed + 1;
    });
  }

  /** Lets one at a time work on a path of this workspace, in the order in which they came. */
  async alone<T>(path: string, work: () => Promise<T>): Promise<T> {
    const key = partsOf(path).join("/");
    const before = this.#busy.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.#busy.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(key) === settled) this.#busy.delete(key);
    }
  }

  async #at<T>(path: string, way: { readonly isMaking: boolean }, action: (folder: Folder, name: string) => Promise<T>): Promise<T> {
    const parts = partsOf(path);
    const name = parts.at(-1);
    if (name === undefined)
      throw new AppError("invalid_input", `wanted a path inside the workspace, got ${JSON.stringify(path)}, which is all of it`);
    return await this.#in(parts.slice(0, -1).join("/"), way, async (folder) => {
      requireOpen(folder, name, await lstat(join(folder.path, name)).catch(() => undefined));
      return await action(folder, name).catch((error: unknown) => refuse(error, path));
    });
  }

  async #in<T>(path: string, { isMaking }: { readonly isMaking: boolean }, action: (folder: Folder) => Promise<T>): Promise<T> {
    let folder = await this.#openRoot();
    try {
      for (const part of partsOf(path)) {
        const next = await step(folder, part, isMaking).catch((error: unknown) => refuse(error, path));
        await folder.handle.close();
        folder = next;
      }
      return await action(folder);
    } finally {
      await folder.handle.close();
    }
  }

  async #openRoot(): Promise<Folder> {
    const closed = await this.#closed.now();
    try {
      const root = await realpath(this.#root);
      return await folderOf(await open(root, O_RDONLY | O_DIRECTORY), { path: root, real: root, closed });
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError("invalid_config", `wanted a folder as workspaceDir, got ${this.#root}, which cannot be opened`, { cause: error });
    }
  }
}

/** A path as there is only one of for each place, so that what policies decide about is what is done. What is no path inside stays as it is. Pure. */
export function plainPath(path: string): string {
  if (path.startsWith("/") || path.includes("\\")) return path;
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** A path's parts. Throws for one that is absolute, goes up, or is no path. Pure. */
export function partsOf(path: string): readonly string[] {
  if (path.length > PATH_CHARACTERS_MAX) throw new AppError("invalid_input", `wanted a path of at most ${PATH_CHARACTERS_MAX} characters`);
  if (path.includes("\0") || path.includes("\\"))
    throw new AppError("invalid_input", `wanted a path with "/" between its parts, got ${JSON.stringify(path)}`);
  if (path.startsWith("/"))
    throw new AppError("denied", `wanted a path inside the workspace, got ${path}; leave the "/" at its beginning out`);
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new AppError("denied", `wanted a path inside the workspace, got ${path}, which goes up`);
  if (parts.length > DEPTH_MAX || parts.some((part) => Buffer.byteLength(part) > NAME_BYTES_MAX))
    throw new AppError("invalid_input", `wanted at most ${DEPTH_MAX} parts of at most ${NAME_BYTES_MAX} bytes, got a longer path`);
  return parts;
}

/** Takes the handle over: it is closed when the folder is. */
async function folderOf(handle: FileHandle, { path, real, closed }: Omit<Folder, "handle">): Promise<Folder> {
  try {
    if (closed.has(real, await handle.stat())) throw closedError(basename(real));
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { handle, path: hasDescriptors ? `${DESCRIPTORS}/${handle.fd}` : path, real, closed };
}

function requireOpen(folder: Folder, name: string, stats: Stats | undefined): void {
  if (folder.closed.has(join(folder.real, name), stats)) throw closedError(name);
}

async function step(from: Folder, name: string, isMaking: boolean): Promise<Folder> {
  const path = join(from.path, name);
  // Before anything is made there.
  requireOpen(from, name, undefined);
  const enter = (): Promise<FileHandle> => open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const handle = await enter().catch(async (error: unknown) => {
    if (!isMaking || codeOf(error) !== "ENOENT") throw error;
    await mkdir(path).catch((made: unknown) => {
      if (codeOf(made) !== "EEXIST") throw made;
    });
    return await enter();
  });
  return await folderOf(handle, { path, real: join(from.real, name), closed: from.closed });
}

async function entriesOf(folder: Folder, path: string): Promise<readonly Entry[]> {
  const names = await readdir(folder.path);
  if (names.length > ENTRIES_MAX)
    throw new AppError(
      "too_large",
      `wanted a folder of at most ${ENTRIES_MAX} entries, got ${path || "the workspace"} with ${names.length}`,
    );
  const entries: Entry[] = [];
  for (const name of names.filter((one) => !UNFINISHED.test(one)).toSorted()) {
    const stats = await lstat(join(folder.path, name)).catch(absent);
    if (stats !== undefined && !folder.closed.has(join(folder.real, name), stats))
      entries.push({ name, type: typeOf(stats), sizeBytes: stats.isFile() ? stats.size : 0, modifiedAt: stats.mtime.toISOString() });
  }
  return entries;
}

interface Place {
  readonly folder: Folder;
  readonly name: string;
  readonly path: string;
}

/** Removes what is in a folder; returns how much that was. */
async function emptied({ folder, name, path }: Place, depth: number): Promise<number> {
  if (depth > DEPTH_MAX) throw new AppError("too_large", `wanted at most ${DEPTH_MAX} folders within folders in ${path}, got more`);
  const inner = await step(folder, name, false);
  let removed = 0;
  try {
    for (const entry of await readdir(inner.path, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        removed += await emptied({ folder: inner, name: entry.name, path }, depth + 1);
        await rmdir(join(inner.path, entry.name));
      } else {
        requireOpen(inner, entry.name, await lstat(join(inner.path, entry.name)));
        await unlink(join(inner.path, entry.name));
      }
      removed += 1;
    }
  } finally {
    await inner.handle.close();
  }
  return removed;
}

/** A file with a second name may be one from outside. */
function requireOwnFile(stats: Stats, path: string): void {
  if (stats.isSymbolicLink()) throw new AppError("denied", `wanted a file, got ${path}, which is a link; links are not followed`);
  if (!stats.isFile())
    throw new AppError("invalid_input", `wanted a file, got ${path}, which is ${stats.isDirectory() ? "a folder" : "none"}`);
  if (stats.nlink > 1)
    throw new AppError(
      "denied",
      `wanted a file with one name, got ${path}, which has ${stats.nlink} (hard links); copy it, and remove the link`,
    );
}

async function readAtMost(handle: FileHandle, bytesMax: number, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of handle.createReadStream({ autoClose: false, start: 0, end: bytesMax }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new AppError("too_large", `wanted a file of at most ${bytesMax} bytes, got ${path}, which grows`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

async function writeWhole(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await using handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o777);
  await handle.writeFile(bytes);
  await handle.sync();
}

function typeOf(stats: Stats): Entry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  return stats.isSymbolicLink() ? "link" : "other";
}

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ["not_found", "is not there"],
  EACCES: ["denied", "is closed to the user that Tutti runs as"],
  EPERM: ["denied", "is closed to the user that Tutti runs as"],
  ELOOP: ["denied", "is or goes through a link; links are not followed"],
  ENOTDIR: ["denied", "goes through a link or a file; links are not followed"],
  EISDIR: ["invalid_input", "is a folder"],
  ENOTEMPTY: ["conflict", "is a folder with something in it; say isWhole to remove it all"],
  ENOSPC: ["storage_full", "does not fit on the disk"],
  EDQUOT: ["storage_full", "does not fit in the quota"],
  ENXIO: ["invalid_input", "is no file"],
  EMFILE: ["overloaded", "cannot be opened, because too many files are"],
};

/** What went wrong, told with the caller's path: the server's own is nobody's business. */
function refuse(error: unknown, path: string): never {
  if (error instanceof AppError) throw error;
  const [code, what] = CODES[codeOf(error)] ?? ["internal", `cannot be used (${codeOf(error)})`];
  throw new AppError(code, `${path === "" ? "the workspace" : path} ${what}`, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

/** For what may not be there. */
function absent(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
  return undefined;
}
