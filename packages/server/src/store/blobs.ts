import { createHash } from "node:crypto";
import { glob, mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, type BlobRef } from "@tutti/core";

/** Content-addressed files: `<folder>/ab/<sha256>`. They are never changed, so a copy of the folder is a backup. */
export class Blobs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Durable when this resolves: written aside, synced, then renamed. */
  async put(text: string): Promise<BlobRef> {
    const bytes = Buffer.from(text, "utf8");
    const ref = { $blob: createHash("sha256").update(bytes).digest("hex"), sizeBytes: bytes.byteLength };
    const file = this.#fileOf(ref);
    if (await isFile(file, ref.sizeBytes)) {
      // It counts as written now: what nobody has written for long may be removed.
      const now = new Date();
      await utimes(file, now, now);
      return ref;
    }
    try {
      await writeDurably(file, bytes);
    } catch (error) {
      throw new AppError(
        "storage_full",
        `cannot write a value of ${ref.sizeBytes} bytes to ${this.#folder}: ${String(error)}; free some space`,
        { cause: error },
      );
    }
    return ref;
  }

  /** The text, checked against its hash. */
  async get(ref: BlobRef): Promise<string> {
    const file = this.#fileOf(ref);
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new AppError(
        "storage_corrupt",
        `wanted the stored value ${ref.$blob}, got none that can be read; put back a backup with \`tutti restore\``,
        { cause: error },
      );
    });
    if (createHash("sha256").update(bytes).digest("hex") === ref.$blob) return bytes.toString("utf8");
    throw new AppError(
      "storage_corrupt",
      `the stored value ${ref.$blob} is not what was written; put back a backup with \`tutti restore\``,
    );
  }

  /** Removes values that were last written before a moment, in ms since 1970, and what an interrupted write left. Returns how many. */
  async removeBefore(beforeMs: number): Promise<number> {
    let count = 0;
    for await (const file of glob(join(this.#folder, "*", "*"))) {
      const found = await stat(file).catch(() => undefined);
      if (found?.isFile() !== true || found.mtimeMs >= beforeMs) continue;
      await rm(file, { force: true });
      count += 1;
    }
    return count;
  }

  #fileOf(ref: BlobRef): string {
    if (!/^[0-9a-f]{64}$/.test(ref.$blob))
      throw new AppError(
        "storage_corrupt",
        "wanted a reference to a stored value, got something else in its place; put back a backup with `tutti restore`",
      );
    return join(this.#folder, ref.$blob.slice(0, 2), ref.$blob);
  }
}

async function writeDurably(file: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}.${performance.now()}`;
  await using handle = await open(aside, "wx");
  await handle.writeFile(bytes);
  await handle.sync();
  await rename(aside, file);
  await using folder = await open(dirname(file), "r");
  await folder.sync();
}

async function isFile(file: string, sizeBytes: number): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found?.size === sizeBytes;
}
