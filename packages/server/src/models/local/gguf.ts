import { open, type FileHandle } from "node:fs/promises";
import { AppError } from "@tutti/core";

/** What the head of a GGUF file says of the model in it. */
export interface GgufFacts {
  readonly architecture: string;
  readonly title?: string;
  readonly contextTokens?: number;
  /** How long the vectors inside the model are, and so its embeddings. */
  readonly dimensions?: number;
  /** It was made to embed: it has no head to write with, or says how its vectors are pooled. */
  readonly isEmbedder: boolean;
  readonly hasChatTemplate: boolean;
}

const CHUNK_BYTES = 262_144;
/** Large vocabularies with their merges take some tens of MB. */
const HEAD_BYTES_MAX = 256 * 1024 * 1024;
const ENTRIES_MAX = 10_000;
const KEY_BYTES_MAX = 65_535;
const TEXT_BYTES_MAX = 4_096;
/** Architectures of models that only embed; others say how they pool. */
const EMBEDDERS = new Set([
  "bert",
  "nomic-bert",
  "nomic-bert-moe",
  "jina-bert-v2",
  "jina-bert-v3",
  "modern-bert",
  "neo-bert",
  "eurobert",
  "gemma-embedding",
]);

/** Bytes of GGUF's value types, by their numbers; strings (8) and lists (9) have a length of their own. */
const SIZES_BYTES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

type Value = string | number | undefined;

/** Reads the head of a GGUF file (versions 2 and 3 of its specification), and none of its weights. */
export async function readGguf(file: string): Promise<GgufFacts> {
  const handle = await open(file, "r");
  try {
    const reader = new Reader(handle, file);
    const entries = await readEntries(reader);
    return factsOf(entries, reader);
  } finally {
    await handle.close();
  }
}

function factsOf(entries: ReadonlyMap<string, Value>, reader: Reader): GgufFacts {
  const architecture = entries.get("general.architecture");
  if (typeof architecture !== "string") throw reader.misfit("general.architecture", "none");
  const title = entries.get("general.name");
  const contextTokens = entries.get(`${architecture}.context_length`);
  const dimensions = entries.get(`${architecture}.embedding_length`);
  const pooling = entries.get(`${architecture}.pooling_type`);
  return {
    architecture,
    ...(typeof title === "string" && { title }),
    ...(typeof contextTokens === "number" && { contextTokens }),
    ...(typeof dimensions === "number" && { dimensions }),
    isEmbedder: EMBEDDERS.has(architecture) || (typeof pooling === "number" && pooling > 0),
    hasChatTemplate: entries.has("tokenizer.chat_template"),
  };
}

async function readEntries(reader: Reader): Promise<ReadonlyMap<string, Value>> {
  const magic = (await reader.take(4)).toString("latin1");
  if (magic !== "GGUF") throw reader.misfit("a GGUF file", "another kind of file");
  const version = (await reader.take(4)).readUInt32LE();
  if (version !== 2 && version !== 3) throw reader.misfit("GGUF of version 2 or 3, little-endian", `version ${version}`);
  await reader.size();
  const count = await reader.size();
  if (count > ENTRIES_MAX) throw reader.misfit(`at most ${ENTRIES_MAX} entries`, String(count));
  const entries = new Map<string, Value>();
  for (let entry = 0; entry < count; entry += 1) {
    const key = await reader.text(KEY_BYTES_MAX);
    entries.set(key ?? "", await readValue(reader, await reader.type()));
  }
  return entries;
}

/** Short texts and numbers; what is longer, or a list, is passed over. */
async function readValue(reader: Reader, type: number): Promise<Value> {
  if (type === STRING) return reader.text(TEXT_BYTES_MAX);
  if (type === ARRAY) return skipList(reader);
  const bytes = await reader.take(sizeOf(reader, type));
  if (type === 4) return bytes.readUInt32LE();
  if (type === 5) return bytes.readInt32LE();
  if (type === 10) return Number(bytes.readBigUInt64LE());
  return undefined;
}

async function skipList(reader: Reader): Promise<undefined> {
  const type = await reader.type();
  const count = await reader.size();
  if (type === ARRAY) throw reader.misfit("a list of numbers or texts", "a list of lists");
  if (type !== STRING) return reader.skip(count * sizeOf(reader, type));
  for (let item = 0; item < count; item += 1) await reader.skip(await reader.size());
}

function sizeOf(reader: Reader, type: number): number {
  const sizeBytes = SIZES_BYTES[type];
  if (sizeBytes === undefined) throw reader.misfit("a value type from 0 to 12", String(type));
  return sizeBytes;
}

/** Reads a file from its beginning, a chunk at a time. */
class Reader {
  readonly #handle: FileHandle;
  readonly #file: string;
  #chunk = Buffer.alloc(0);
  #start = 0;
  #position = 0;

  constructor(handle: FileHandle, file: string) {
    this.#handle = handle;
    this.#file = file;
  }

  misfit(wanted: string, got: string): AppError {
    return new AppError("invalid_input", `wanted ${wanted} in ${this.#file}, got ${got}`);
  }

  async take(bytes: number): Promise<Buffer> {
    const end = this.#position + bytes;
    if (end > HEAD_BYTES_MAX) throw this.misfit(`a head of at most ${HEAD_BYTES_MAX} bytes`, "a longer one");
    if (this.#position < this.#start || end > this.#start + this.#chunk.length) await this.#fill(bytes);
    const from = this.#position - this.#start;
    this.#position = end;
    return this.#chunk.subarray(from, from + bytes);
  }

  async skip(bytes: number): Promise<undefined> {
    this.#position += bytes;
    if (this.#position > HEAD_BYTES_MAX) throw this.misfit(`a head of at most ${HEAD_BYTES_MAX} bytes`, "a longer one");
  }

  async type(): Promise<number> {
    return (await this.take(4)).readUInt32LE();
  }

  async size(): Promise<number> {
    const size = (await this.take(8)).readBigUInt64LE();
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw this.misfit("a size", String(size));
    return Number(size);
  }

  /** `undefined` for a longer one. */
  async text(bytesMax: number): Promise<string | undefined> {
    const bytes = await this.size();
    if (bytes > bytesMax) return this.skip(bytes);
    return (await this.take(bytes)).toString("utf8");
  }

  async #fill(bytesMin: number): Promise<void> {
    const chunk = Buffer.alloc(Math.max(CHUNK_BYTES, bytesMin));
    const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, this.#position);
    this.#chunk = chunk.subarray(0, bytesRead);
    this.#start = this.#position;
    if (bytesRead < bytesMin) throw this.misfit("a whole GGUF file", "one that ends in its head");
  }
}
