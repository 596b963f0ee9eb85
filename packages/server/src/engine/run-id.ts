import { createHash, randomFillSync } from "node:crypto";

/** Random bytes are drawn for many ids at once: each draw enters the operating system. */
const pool = Buffer.allocUnsafe(16 * 256);
let drawn = pool.length;

/** A UUIDv7 (RFC 9562 §5.7): sorts by time, so that new runs stand together in the database's indexes. */
export function newRunId(nowMs: number): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const bytes = pool.subarray(drawn, (drawn += 16));
  bytes.writeUIntBE(nowMs, 0, 6);
  return formatUuid(bytes, 0x70);
}

/** A UUIDv8 (RFC 9562 §5.8) made from a text: the same text, the same id. */
export function derivedId(text: string): string {
  return formatUuid(createHash("sha256").update(text).digest().subarray(0, 16), 0x80);
}

function formatUuid(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | version;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
