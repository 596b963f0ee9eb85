import { createHash } from "node:crypto";
import { AppError, type BlobRef } from "@tutti/core";
import type { Database } from "./database.ts";

/** PostgreSQL takes 1 GB as one value; the driver and this process need several times a value's size to send it. */
const BLOB_BYTES_MAX = 256 * 1024 * 1024;

/** Content-addressed values in the database, so that a node needs no disk that others see. They are never changed. */
export class Blobs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Durable when this resolves. */
  async put(text: string): Promise<BlobRef> {
    const bytes = Buffer.from(text, "utf8");
    if (bytes.byteLength > BLOB_BYTES_MAX)
      throw new AppError("too_large", `wanted a value of at most ${BLOB_BYTES_MAX} bytes, got ${bytes.byteLength}; split it`);
    const ref = { $blob: createHash("sha256").update(bytes).digest("hex"), sizeBytes: bytes.byteLength };
    // Asked first: what is there already need not travel again.
    const there = await this.#database.query("UPDATE tutti.blobs SET written_at = now() WHERE hash = $1 RETURNING 1", [ref.$blob]);
    if (there.length === 0)
      await this.#database.query("INSERT INTO tutti.blobs (hash, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING", [ref.$blob, bytes]);
    return ref;
  }

  /** The text, checked against its hash. */
  async get(ref: BlobRef): Promise<string> {
    const [row] = await this.#database.query("SELECT bytes FROM tutti.blobs WHERE hash = $1", [ref.$blob]);
    const bytes = row?.["bytes"];
    if (Buffer.isBuffer(bytes) && createHash("sha256").update(bytes).digest("hex") === ref.$blob) return bytes.toString("utf8");
    const got = bytes === undefined ? "none" : "another value";
    throw new AppError("storage_corrupt", `wanted the stored value ${ref.$blob} of ${this.#database.name}, got ${got}; put back a backup`);
  }

  /** Removes values that were last written before a moment (ISO 8601). Returns how many. */
  async removeBefore(before: string): Promise<number> {
    return (await this.#database.query("DELETE FROM tutti.blobs WHERE written_at < $1 RETURNING 1", [before])).length;
  }

  /** The hashes of up to `limit` values after one, in order. */
  async list(after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#database.query("SELECT hash FROM tutti.blobs WHERE hash > $1 ORDER BY hash LIMIT $2", [after, limit]);
    return rows.map((row) => String(row["hash"]));
  }
}
