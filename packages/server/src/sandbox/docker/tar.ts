import { AppError } from "@tutti/core";

const BLOCK_BYTES = 512;
/** Of a pax or GNU header that tells a long name. */
const LONG_NAME_BYTES_MAX = 65_536;
/** What a name in a ustar header has room for. */
const NAME_BYTES = 100;

/** An entry to be written. Its owner is that of the whole archive. */
export type TarEntry =
  | { readonly type: "folder"; readonly name: string; readonly mode: number }
  | { readonly type: "file"; readonly name: string; readonly mode: number; readonly content: Uint8Array };

/** A regular file of an archive, before its content is read. */
export interface TarFile {
  readonly name: string;
  /** The file before it that it is the same as: a hard link, which has no content of its own. */
  readonly linkTo: string | undefined;
  readonly sizeBytes: number;
  /** Reads its content; what nobody reads is passed over. */
  read(): Promise<Uint8Array>;
}

/** Writes an archive (POSIX ustar, pax headers for long names), its entries owned by `uid`. Pure. */
export function packTar(entries: readonly TarEntry[], uid: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const name = entry.type === "folder" ? `${entry.name}/` : entry.name;
    const content = entry.type === "folder" ? new Uint8Array() : entry.content;
    if (Buffer.byteLength(name) > NAME_BYTES) {
      const record = paxRecord("path", name);
      parts.push(header({ name: "pax", type: "x", size: record.length, mode: 0o644, uid }), padded(record));
    }
    const type = entry.type === "folder" ? "5" : "0";
    parts.push(header({ name, type, size: content.byteLength, mode: entry.mode, uid }), padded(content));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]);
}

/**
 * The regular files of an archive, as it comes. Whoever stops early has to destroy the source. Throws `upstream` for an archive that is none or that
 * breaks off.
 */
export async function* readTar(source: AsyncIterable<unknown>): AsyncGenerator<TarFile> {
  const reader = new Reader(source);
  let long: LongNames = {};
  while (true) {
    const block = await reader.take(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return;
    const { name, type, size, linkTo } = parseHeader(block);
    const padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
    if (type === "x" || type === "L" || type === "K") {
      if (size > LONG_NAME_BYTES_MAX) throw broken(`a header of ${size} bytes`);
      const content = await reader.take(size);
      long = { ...long, ...longNamesIn(type, content) };
      await reader.skip(padding);
      continue;
    }
    let isRead = false;
    if (type === "0" || type === "\0" || type === "1") {
      const read = (): Promise<Uint8Array> => {
        isRead = true;
        return reader.take(size);
      };
      yield { name: long.path ?? name, linkTo: type === "1" ? (long.linkpath ?? linkTo) : undefined, sizeBytes: size, read };
    }
    long = {};
    await reader.skip(isRead ? padding : size + padding);
  }
}

/** Names for which a header has no room stand before it. */
interface LongNames {
  readonly path?: string;
  readonly linkpath?: string;
}

interface Header {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
}

function header({ name, type, size, mode, uid }: Header): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  // A reader of pax headers looks at the name here only when there is none before.
  block.write(name, 0, NAME_BYTES, "utf8");
  block.write(octal(mode, 8), 100);
  block.write(octal(uid, 8), 108);
  block.write(octal(uid, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(Math.floor(Date.now() / 1_000), 12), 136);
  block.write(type, 156);
  block.write("ustar\x0000", 257, "latin1");
  // The sum is taken with spaces in its own place.
  block.write("        ", 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function parseHeader(block: Buffer): Pick<Header, "name" | "type" | "size"> & { readonly linkTo: string } {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (sum !== numberIn(block.subarray(148, 156))) throw broken("a header with a wrong sum");
  const prefix = block.toString("latin1", 257, 262) === "ustar" ? textOf(block.subarray(345, 500)) : "";
  const name = textOf(block.subarray(0, NAME_BYTES));
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type: block.toString("latin1", 156, 157),
    size: numberIn(block.subarray(124, 136)),
    linkTo: textOf(block.subarray(157, 257)),
  };
}

/** Octal digits; or, where they have no room, base 256 with the highest bit set. */
function numberIn(field: Buffer): number {
  const [first = 0] = field;
  const value =
    (first & 0x80) === 0
      ? Number.parseInt(field.toString("latin1").replaceAll("\0", " ").trim() || "0", 8)
      : Number(BigInt(`0x${field.subarray(4).toString("hex")}`));
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw broken("a header without a size");
}

/** As pax writes them, or GNU. */
function longNamesIn(type: "x" | "L" | "K", content: Buffer): LongNames {
  if (type === "L") return { path: textOf(content) };
  return type === "K" ? { linkpath: textOf(content) } : namesIn(content);
}

/** Of "LENGTH KEY=VALUE\n" records, the names. */
function namesIn(records: Buffer): LongNames {
  let at = 0;
  const names: { path?: string; linkpath?: string } = {};
  while (at < records.length) {
    const space = records.indexOf(0x20, at);
    const length = Number(records.toString("latin1", at, space));
    if (space < 0 || !Number.isInteger(length) || length <= 0) throw broken("a pax header without lengths");
    const [, key, value] = /^([^=]*)=([^]*)\n$/.exec(records.toString("utf8", space + 1, at + length)) ?? [];
    if ((key === "path" || key === "linkpath") && value !== undefined) names[key] = value;
    at += length;
  }
  return names;
}

function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  // The length counts its own digits too.
  let length = rest + 1;
  while (rest + String(length).length !== length) length += 1;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function padded(content: Uint8Array): Uint8Array {
  const padding = (BLOCK_BYTES - (content.byteLength % BLOCK_BYTES)) % BLOCK_BYTES;
  return padding === 0 ? content : Buffer.concat([content, Buffer.alloc(padding)]);
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
const textOf = (field: Buffer): string => field.toString("utf8").replace(/\0.*$/s, "");
const broken = (what: string): AppError => new AppError("upstream", `wanted a whole tar archive from the container engine, got ${what}`);

/** Takes bytes from chunks as they come. */
class Reader {
  readonly #chunks: AsyncIterator<unknown>;
  #rest = Buffer.alloc(0);

  constructor(source: AsyncIterable<unknown>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = size;
    while (missing > 0) {
      if (this.#rest.length === 0) await this.#next();
      const part = this.#rest.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return Buffer.concat(parts);
  }

  async skip(size: number): Promise<void> {
    let missing = size;
    while (missing > 0) {
      if (this.#rest.length === 0) await this.#next();
      const length = Math.min(missing, this.#rest.length);
      missing -= length;
      this.#rest = this.#rest.subarray(length);
    }
  }

  async #next(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw broken("one that breaks off");
    this.#rest = Buffer.from(next.value as Uint8Array);
  }
}
