import { createHash, randomBytes } from "node:crypto";
import { open, readdir, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import { z } from "zod";
import { makeFolder } from "../../store/index.ts";

/** A file as OpenAI's API shows it. Times are in seconds since 1970. */
const fileSchema = z.object({
  id: z.string(),
  object: z.literal("file"),
  bytes: z.number(),
  created_at: z.number(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal("processed"),
  expires_at: z.number().optional(),
});

/** A file as OpenAI's API shows it. Times are in seconds since 1970. */
export type FileObject = z.infer<typeof fileSchema>;

/** A file to be kept. `id` is given where writing it twice has to be writing it once. */
export interface NewFile {
  readonly id?: string;
  readonly name: string;
  readonly purpose: string;
  readonly expiresAfterS?: number | null | undefined;
}

/** Which files to list. `after` is the last one of the page before. */
export interface FileFilter {
  readonly purpose?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
  readonly order: "asc" | "desc";
}

/** What one tenant may keep. */
const FILES_MAX = 10_000;
const BYTES_MAX = 16 * 1024 ** 3;
const ID = /^file-[0-9a-f]{36}$/;
const ID_CHARS = 41;
/** What an interrupted write left is removed after so long. */
const LEFT_MS = 3_600_000;
const FACTS = ".json";
const CONTENT = ".content";

/**
 * Uploaded files and those that batches write: two files of `<folder>/<tenant>` each, the content and, once that is on the disk, what is
 * known of it. There is no index to go wrong; ids sort by time.
 */
export class Files {
  readonly #folder: string;
  readonly #nowMs: () => number;

  constructor(folder: string, nowMs: () => number = Date.now) {
    this.#folder = folder;
    this.#nowMs = nowMs;
  }

  /** Keeps a file; durable when this resolves. `too_large` beyond what a tenant may keep. */
  async put(
    tenant: string,
    file: NewFile,
    content: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  ): Promise<FileObject> {
    const folder = this.#folderOf(tenant);
    await makeFolder(folder);
    const bytesMax = await this.#room(folder);
    const id = file.id ?? newFileId(this.#nowMs());
    const bytes = await writeDurably(join(folder, id + CONTENT), content, bytesMax);
    const createdAt = Math.floor(this.#nowMs() / 1000);
    const facts: FileObject = {
      id,
      object: "file",
      bytes,
      created_at: createdAt,
      filename: file.name,
      purpose: file.purpose,
      status: "processed",
      ...(typeof file.expiresAfterS === "number" && { expires_at: createdAt + file.expiresAfterS }),
    };
    await writeDurably(join(folder, id + FACTS), [JSON.stringify(facts)], BYTES_MAX);
    return facts;
  }

  /** What is known of a file, or `not_found`. */
  async get(tenant: string, id: string): Promise<FileObject> {
    const facts = ID.test(id) ? await this.#read(this.#folderOf(tenant), id) : undefined;
    if (facts !== undefined) return facts;
    throw new AppError("not_found", `wanted a file, got "${id.slice(0, 100)}", which is none; \`GET /v1/files\` lists them`);
  }

  /** A file's bytes, to be read from anywhere in it. Close what this returns. */
  async open(tenant: string, id: string): Promise<FileHandle> {
    await this.get(tenant, id);
    return open(join(this.#folderOf(tenant), id + CONTENT), "r");
  }

  async list(
    tenant: string,
    { purpose, after, limit, order }: FileFilter,
  ): Promise<{ readonly files: readonly FileObject[]; readonly hasMore: boolean }> {
    const folder = this.#folderOf(tenant);
    const ids = await idsIn(folder);
    if (order === "desc") ids.reverse();
    const start = after === undefined ? 0 : ids.indexOf(after) + 1;
    const files: FileObject[] = [];
    for (const id of ids.slice(start)) {
      const facts = await this.#read(folder, id);
      if (facts === undefined || (purpose !== undefined && facts.purpose !== purpose)) continue;
      if (files.length === limit) return { files, hasMore: true };
      files.push(facts);
    }
    return { files, hasMore: false };
  }

  /** Removes a file. What is known of it goes first, so that nothing half is ever shown. */
  async delete(tenant: string, id: string): Promise<void> {
    await this.get(tenant, id);
    await remove(this.#folderOf(tenant), id);
  }

  #folderOf(tenant: string): string {
    // A tenant's name may be anything; a folder's may not.
    return join(this.#folder, createHash("sha256").update(tenant).digest("hex").slice(0, 32));
  }

  async #read(folder: string, id: string): Promise<FileObject | undefined> {
    const text = await readFile(join(folder, id + FACTS), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    const facts = fileSchema.parse(JSON.parse(text));
    return facts.expires_at !== undefined && facts.expires_at * 1000 <= this.#nowMs() ? undefined : facts;
  }

  /** How much a tenant may still keep, once what has expired is gone. */
  async #room(folder: string): Promise<number> {
    const ids = await idsIn(folder);
    await removeLeft(folder, { ids: new Set(ids), beforeMs: Date.now() - LEFT_MS });
    let bytes = 0;
    let count = 0;
    for (const id of ids) {
      const facts = await this.#read(folder, id);
      if (facts === undefined) await remove(folder, id);
      else {
        bytes += (await stat(join(folder, id + CONTENT))).size;
        count += 1;
      }
    }
    if (count < FILES_MAX && bytes < BYTES_MAX) return BYTES_MAX - bytes;
    throw new AppError("too_large", `wanted at most ${FILES_MAX} files of ${BYTES_MAX} bytes together, got more; delete some`);
  }
}

/** Ids sort by time. */
function newFileId(nowMs: number): string {
  return `file-${nowMs.toString(16).padStart(12, "0")}${randomBytes(12).toString("hex")}`;
}

/** The id of a file that belongs to something that happened once: the same text, the same id, however often it is written. */
export function derivedFileId(atMs: number, text: string): string {
  return `file-${atMs.toString(16).padStart(12, "0")}${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
}

async function idsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith(FACTS))
    .map((name) => name.slice(0, -FACTS.length))
    .toSorted();
}

/** Contents whose facts were never written, and what was written aside. */
async function removeLeft(
  folder: string,
  { ids, beforeMs }: { readonly ids: ReadonlySet<string>; readonly beforeMs: number },
): Promise<void> {
  for (const name of await readdir(folder)) {
    const isWhole = ids.has(name.slice(0, ID_CHARS)) && (name.endsWith(FACTS) || name.endsWith(CONTENT));
    const path = join(folder, name);
    if (!isWhole && ((await stat(path).catch(() => undefined))?.mtimeMs ?? beforeMs) < beforeMs) await rm(path, { force: true });
  }
}

async function remove(folder: string, id: string): Promise<void> {
  await rm(join(folder, id + FACTS), { force: true });
  await rm(join(folder, id + CONTENT), { force: true });
}

/** Written aside, synced, then renamed; returns how many bytes. */
async function writeDurably(
  path: string,
  content: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  bytesMax: number,
): Promise<number> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  let bytes = 0;
  try {
    await using handle = await open(aside, "wx");
    for await (const piece of content) {
      bytes += Buffer.byteLength(piece);
      if (bytes > bytesMax)
        throw new AppError("too_large", `wanted at most ${bytesMax} bytes more in files, got a larger one; delete some`);
      await handle.appendFile(piece);
    }
    await handle.sync();
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  return bytes;
}
