import { copyFile, mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** SQLite's file format, "The Write-Ahead Log" (sqlite.org/fileformat2.html#walformat) and "WAL-index" (sqlite.org/walformat.html). */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** In the WAL-index: the salt of its log, and how many frames a checkpoint has copied into the database, or begun to. */
const INDEX_SALT = 32;
const INDEX_BACKFILLED = 96;
const INDEX_BACKFILL_BEGUN = 128;
const INDEX_BYTES_MIN = 136;

const FILES = ["tutti.db", "tutti.db-wal"] as const;

/** What was torn: `at` is the first byte that is not as it was. */
export interface Tear {
  readonly at: number;
  readonly how: "cut" | "garbled" | "zeroed";
  /** A copy of the folder's database as SQLite must see it: up to the last commit that lies before the tear. */
  readonly survivor: string;
}

/**
 * Tears the write-ahead log of a database nobody has open: as if a disk had lost or mangled the end of what it was given. SQLite promises
 * that a frame whose checksum is wrong ends the log, and that the last commit before it stands. What a checkpoint has copied into the
 * database is left whole: SQLite syncs the log before it copies, so no disk that keeps its word about syncs can lose it afterwards.
 */
export class WalTearer {
  readonly #dataDir: string;
  readonly #random: () => number;
  #floor = { salt: "", frames: 0 };

  constructor(dataDir: string, random: () => number) {
    this.#dataDir = dataDir;
    this.#random = random;
  }

  /** Notes what was copied; to be called after every kill, because the next start forgets it. */
  async note(): Promise<void> {
    const index = await readFile(join(this.#dataDir, "tutti.db-shm")).catch(() => Buffer.alloc(0));
    if (index.length < INDEX_BYTES_MIN) return;
    const salt = index.subarray(INDEX_SALT, INDEX_SALT + 8).toString("hex");
    const frames = Math.max(index.readUInt32LE(INDEX_BACKFILLED), index.readUInt32LE(INDEX_BACKFILL_BEGUN));
    this.#floor = { salt, frames: salt === this.#floor.salt ? Math.max(frames, this.#floor.frames) : frames };
  }

  /** `undefined` when there is nothing to tear. */
  async tear(survivor: string): Promise<Tear | undefined> {
    const file = join(this.#dataDir, "tutti.db-wal");
    const wal = await readFile(file).catch(() => Buffer.alloc(0));
    if (wal.length <= HEADER_BYTES) return undefined;
    const frameBytes = FRAME_HEADER_BYTES + wal.readUInt32BE(8);
    const copied = wal.subarray(16, 24).toString("hex") === this.#floor.salt ? this.#floor.frames : 0;
    const from = copied === 0 ? 0 : HEADER_BYTES + copied * frameBytes;
    const frames = framesOf(wal, frameBytes);
    const end = HEADER_BYTES + frames.length * frameBytes;
    if (end <= from) return undefined;
    const random = this.#random;
    // The end of the log is where disks fail; now and then it is far before.
    const at = Math.floor(random() < 0.3 ? from + random() * (end - from) : Math.max(from, end - random() * 8 * frameBytes));
    await keepSurvivor(this.#dataDir, survivor, lastCommitBefore(at, frames, frameBytes));
    const how = (["cut", "garbled", "zeroed"] as const)[Math.floor(random() * 3)] ?? "cut";
    await tear(file, { at, how, wal, random });
    return { at, how, survivor };
  }
}

/** Whether each frame of the log is a commit; frames of an earlier log, with another salt, do not count. */
function framesOf(wal: Buffer, frameBytes: number): readonly boolean[] {
  const salt = wal.subarray(16, 24);
  const commits: boolean[] = [];
  for (let at = HEADER_BYTES; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break;
    commits.push(wal.readUInt32BE(at + 4) > 0);
  }
  return commits;
}

function lastCommitBefore(at: number, commits: readonly boolean[], frameBytes: number): number {
  const whole = Math.max(0, Math.floor((at - HEADER_BYTES) / frameBytes));
  const last = commits.slice(0, whole).lastIndexOf(true);
  return last === -1 ? 0 : HEADER_BYTES + (last + 1) * frameBytes;
}

async function keepSurvivor(dataDir: string, survivor: string, walBytes: number): Promise<void> {
  await rm(survivor, { recursive: true, force: true });
  await mkdir(survivor);
  for (const name of FILES) await copyFile(join(dataDir, name), join(survivor, name));
  await truncate(join(survivor, "tutti.db-wal"), walBytes);
}

async function tear(
  file: string,
  { at, how, wal, random }: { readonly at: number; readonly how: Tear["how"]; readonly wal: Buffer; readonly random: () => number },
): Promise<void> {
  if (how === "cut") return truncate(file, at);
  if (how === "zeroed") return writeFile(file, Buffer.concat([wal.subarray(0, at), Buffer.alloc(wal.length - at)]));
  const length = Math.min(wal.length - at, 1 + Math.floor(random() * 600));
  const mangled = Buffer.from(wal.subarray(at, at + length)).map((byte) => byte ^ (1 + Math.floor(random() * 255)));
  const handle = await open(file, "r+");
  await handle.write(mangled, 0, length, at);
  await handle.close();
}
