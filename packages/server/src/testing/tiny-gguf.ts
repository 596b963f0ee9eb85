import { writeFileSync } from "node:fs";

/** Which of the two tiny models: one that answers, or one that only embeds. */
export type TinyKind = "chat" | "embeddings";

const DIMENSIONS = 64;
const HEADS = 4;
const LAYERS = 2;
const FEED_FORWARD = 128;
const CONTEXT_TOKENS = 4_096;
const ALIGNMENT_BYTES = 32;

/** The types of GGUF's metadata values. */
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/** What a token is, as llama.cpp numbers it. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

/** The token that ends an answer. */
const END = 4;

const CHAT_TEMPLATE =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/**
 * Writes a GGUF file (version 3, as llama.cpp's repository specifies it) of a llama model with two layers and random weights, the same for the
 * same seed. It is a real model in everything but sense: what it says is noise.
 */
export function writeTinyGguf(file: string, options: { readonly kind?: TinyKind; readonly seed?: number } = {}): void {
  const { kind = "chat", seed = 1 } = options;
  const tokens = vocabulary();
  const tensors = tensorsOf(tokens.length);
  const random = randomNumbers(seed);
  const header = new Writer();
  header.bytes(Buffer.from("GGUF")).uint32(3).uint64(tensors.length);
  const metadata = metadataOf(kind, tokens);
  header.uint64(metadata.length);
  for (const [key, type, write] of metadata) {
    header.string(key).uint32(type);
    write(header);
  }
  let offset = 0;
  for (const { name, shape } of tensors) {
    header.string(name).uint32(shape.length);
    for (const size of shape) header.uint64(size);
    header.uint32(0).uint64(offset);
    offset += aligned(4 * product(shape));
  }
  header.pad();
  for (const { shape, scale, first } of tensors) {
    const values = Float32Array.from({ length: product(shape) }, () => (scale === 0 ? 1 : scale * random()));
    if (first !== undefined) tokens.forEach((token, index) => (values[index * DIMENSIONS] = first(token)));
    header.bytes(Buffer.from(values.buffer)).pad();
  }
  writeFileSync(file, header.all());
}

interface Token {
  readonly text: string;
  readonly type: number;
}

/** Special tokens, every byte, so that any text can be written, and the printable characters, so that what is said is mostly readable. */
function vocabulary(): readonly Token[] {
  const special = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"].map((text, index) => ({
    text,
    type: index === 0 ? UNKNOWN : CONTROL,
  }));
  const bytes = Array.from({ length: 256 }, (_, byte) => ({ text: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, type: BYTE }));
  const printable = Array.from({ length: 95 }, (_, index) => (index === 0 ? "▁" : String.fromCodePoint(32 + index)));
  return [...special, ...bytes, ...printable.map((text) => ({ text, type: NORMAL }))];
}

type Entry = readonly [key: string, type: number, write: (writer: Writer) => void];

function metadataOf(kind: TinyKind, tokens: readonly Token[]): readonly Entry[] {
  const text = (key: string, value: string): Entry => [key, STRING, (writer) => writer.string(value)];
  const count = (key: string, value: number): Entry => [key, UINT32, (writer) => writer.uint32(value)];
  const real = (key: string, value: number): Entry => [key, FLOAT32, (writer) => writer.float32(value)];
  const flag = (key: string, value: boolean): Entry => [key, BOOL, (writer) => writer.bytes(Buffer.of(value ? 1 : 0))];
  return [
    text("general.architecture", "llama"),
    text("general.name", `Tiny ${kind}`),
    count("general.file_type", 0),
    count("llama.context_length", CONTEXT_TOKENS),
    count("llama.embedding_length", DIMENSIONS),
    count("llama.block_count", LAYERS),
    count("llama.feed_forward_length", FEED_FORWARD),
    count("llama.attention.head_count", HEADS),
    count("llama.attention.head_count_kv", HEADS),
    real("llama.attention.layer_norm_rms_epsilon", 1e-5),
    count("llama.rope.dimension_count", DIMENSIONS / HEADS),
    count("llama.vocab_size", tokens.length),
    ...(kind === "embeddings" ? [count("llama.pooling_type", 1)] : []),
    text("tokenizer.ggml.model", "llama"),
    ["tokenizer.ggml.tokens", ARRAY, (writer) => writer.list(STRING, tokens, ({ text: token }) => writer.string(token))],
    ["tokenizer.ggml.scores", ARRAY, (writer) => writer.list(FLOAT32, tokens, (_, index) => writer.float32(-index))],
    ["tokenizer.ggml.token_type", ARRAY, (writer) => writer.list(INT32, tokens, ({ type }) => writer.uint32(type))],
    count("tokenizer.ggml.unknown_token_id", 0),
    count("tokenizer.ggml.bos_token_id", 1),
    count("tokenizer.ggml.eos_token_id", END),
    flag("tokenizer.ggml.add_bos_token", true),
    ...(kind === "chat" ? [text("tokenizer.chat_template", CHAT_TEMPLATE)] : []),
  ];
}

/**
 * `scale` 0: ones, as norms have them. Shapes are in ggml's order, the fastest dimension first. `first` gives each token's number in the first
 * dimension, which is the same for all that is read, and so makes some tokens likelier than others to be written.
 */
interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly scale: number;
  readonly first?: (token: Token) => number;
}

function tensorsOf(vocabularySize: number): readonly Tensor[] {
  const norm = (name: string): Tensor => ({ name, shape: [DIMENSIONS], scale: 0 });
  const matrix = (name: string, rows: number, columns: number): Tensor => ({ name, shape: [rows, columns], scale: 1 / Math.sqrt(rows) });
  const layers = Array.from({ length: LAYERS }, (_, layer) => [
    norm(`blk.${layer}.attn_norm.weight`),
    ...["q", "k", "v", "output"].map((part) => matrix(`blk.${layer}.attn_${part}.weight`, DIMENSIONS, DIMENSIONS)),
    norm(`blk.${layer}.ffn_norm.weight`),
    matrix(`blk.${layer}.ffn_gate.weight`, DIMENSIONS, FEED_FORWARD),
    matrix(`blk.${layer}.ffn_up.weight`, DIMENSIONS, FEED_FORWARD),
    matrix(`blk.${layer}.ffn_down.weight`, FEED_FORWARD, DIMENSIONS),
  ]);
  return [
    { name: "token_embd.weight", shape: [DIMENSIONS, vocabularySize], scale: 1, first: () => 4 },
    ...layers.flat(),
    norm("output_norm.weight"),
    // Single bytes and special tokens, the end among them, are hardly ever written: what is said can be read, and goes on.
    { ...matrix("output.weight", DIMENSIONS, vocabularySize), first: ({ type }) => (type === NORMAL ? 0 : -4) },
  ];
}

/** Numbers from -1 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, factor) => size * factor, 1);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

/** Little-endian numbers one after another. */
class Writer {
  readonly #parts: Buffer[] = [];
  #sizeBytes = 0;

  bytes(bytes: Buffer): this {
    this.#parts.push(bytes);
    this.#sizeBytes += bytes.length;
    return this;
  }

  uint32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return this.bytes(bytes);
  }

  uint64(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.bytes(bytes);
  }

  float32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return this.bytes(bytes);
  }

  string(value: string): this {
    const bytes = Buffer.from(value);
    return this.uint64(bytes.length).bytes(bytes);
  }

  list<T>(type: number, items: readonly T[], write: (item: T, index: number) => void): void {
    this.uint32(type).uint64(items.length);
    items.forEach((item, index) => write(item, index));
  }

  pad(): this {
    return this.bytes(Buffer.alloc(aligned(this.#sizeBytes) - this.#sizeBytes));
  }

  all(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
