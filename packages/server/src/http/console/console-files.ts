import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** Larger files are none of the console's. */
const FILE_BYTES_MAX = 32 * 1_048_576;
/** A name in a path: no hidden file, no way up, nothing that a file system reads in a way of its own. */
const SEGMENT = /^[\w@+~-][\w.@+~-]*$/;
const SEGMENTS_MAX = 8;
/** Vite writes a hash of the content into the names of these. */
const HASHED = /^assets\/.*-[\w-]{8,}\.\w+(?:\.\w+)?$/;

/** What is text, and larger than what comes in one packet either way, is compressed. */
const COMPRESSIBLE = /\.(?:css|js|svg)$/;
const COMPRESSED_BYTES_MIN = 1024;
/** Compressed files kept in memory; a console has fewer, and old ones go when there are more. */
const COMPRESSED_MAX = 512;
const BROTLI_QUALITY = 9;
const compressors = {
  br: (bytes: Uint8Array) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (bytes: Uint8Array) => promisify(gzip)(bytes),
};

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** A file as it is sent. `encoding` is set when what is sent is compressed. */
export interface ConsoleFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  readonly isHashed: boolean;
  readonly encoding?: "br" | "gzip";
}

/** The built console's files. They are read when they are asked for, so that a new build needs no restart. */
export class ConsoleFiles {
  readonly #folder: string;
  /** By encoding and content. */
  readonly #compressed = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The page, with the path that it is served under; `undefined` when the console is not built. */
  async page(base: string): Promise<ConsoleFile | undefined> {
    const file = await this.#read("index.html");
    if (file === undefined) return undefined;
    const html = Buffer.from(file)
      .toString("utf8")
      .replace(/<base href="[^"]*"/, `<base href="${base}"`);
    const bytes = new TextEncoder().encode(html);
    return { bytes, type: typeOf("index.html"), etag: etagOf(bytes), isHashed: false };
  }

  /** A file by its path under `/admin/`, in the encoding that the client takes; `undefined` when there is none. */
  async find(path: string, acceptEncoding: string): Promise<ConsoleFile | undefined> {
    const segments = path.split("/");
    if (segments.length > SEGMENTS_MAX || !segments.every((segment) => SEGMENT.test(segment))) return undefined;
    const isHashed = HASHED.test(path);
    for (const [encoding, ending] of ENCODINGS) {
      const bytes = acceptsEncoding(acceptEncoding, encoding) ? await this.#read(path + ending) : undefined;
      if (bytes !== undefined) return { bytes, type: typeOf(path), etag: etagOf(bytes), isHashed, encoding };
    }
    const bytes = await this.#read(path);
    if (bytes === undefined) return undefined;
    const encoding = ENCODINGS.map(([name]) => name).find((name) => acceptsEncoding(acceptEncoding, name));
    if (encoding === undefined || bytes.length < COMPRESSED_BYTES_MIN || !COMPRESSIBLE.test(path))
      return { bytes, type: typeOf(path), etag: etagOf(bytes), isHashed };
    const smaller = await this.#compress(bytes, encoding);
    return { bytes: smaller, type: typeOf(path), etag: etagOf(smaller), isHashed, encoding };
  }

  /** Once for each content, also when many ask at the same time. */
  #compress(bytes: Uint8Array, encoding: keyof typeof compressors): Promise<Uint8Array<ArrayBuffer>> {
    const key = `${encoding} ${etagOf(bytes)}`;
    const made = this.#compressed.get(key) ?? compressors[encoding](bytes).then((smaller) => new Uint8Array(smaller));
    if (!this.#compressed.has(key) && this.#compressed.size >= COMPRESSED_MAX) this.#compressed.clear();
    this.#compressed.set(key, made);
    return made;
  }

  /** A link that leads out of the folder leads nowhere. */
  async #read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const folder = await realpath(this.#folder);
      const file = await realpath(join(folder, path));
      const found = await stat(file);
      if (!file.startsWith(folder + sep) || !found.isFile() || found.size > FILE_BYTES_MAX) return undefined;
      return new Uint8Array(await readFile(file));
    } catch {
      // Not there, or not readable: for whoever asks that is the same.
      return undefined;
    }
  }
}

const ENCODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/** Whether the client takes an encoding (RFC 9110 §12.5.3). */
function acceptsEncoding(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

function typeOf(path: string): string {
  return TYPES[extname(path)] ?? "application/octet-stream";
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
}
