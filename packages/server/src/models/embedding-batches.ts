import { shortenVector, type Vector } from "@tutti/core/wire";
import { AppError } from "@tutti/core";
import type { Embeddings, EmbeddingsRequest } from "./requests.ts";

/** How much one call to a provider may hold, and how many calls are under way at once. */
export interface EmbeddingBounds {
  readonly inputsMax: number;
  /** In UTF-8; what providers count in tokens is not known before. */
  readonly bytesMax: number;
  readonly inParallel: number;
}

/** Asks for one batch. */
export type EmbedBatch = (inputs: readonly string[]) => Promise<Embeddings>;

/** Asks for any number of embeddings in as many calls as the provider needs, and puts them together in order. */
export async function embedInBatches(inputs: readonly string[], bounds: EmbeddingBounds, ask: EmbedBatch): Promise<Embeddings> {
  const batches = cut(inputs, bounds);
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return ask(only);
  const answers: Embeddings[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < batches.length; index = next++) answers[index] = await ask(batches[index] ?? []);
  };
  await Promise.all(Array.from({ length: Math.min(bounds.inParallel, batches.length) }, lane));
  return {
    vectors: answers.flatMap(({ vectors }) => vectors),
    usage: { inputTokens: answers.reduce((sum, { usage }) => sum + usage.inputTokens, 0), outputTokens: 0 },
  };
}

/** An input that is too large alone is a batch of its own, which the provider refuses in its own words. */
function cut(inputs: readonly string[], { inputsMax, bytesMax }: EmbeddingBounds): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let batch: string[] = [];
  let bytes = 0;
  for (const input of inputs) {
    const size = Buffer.byteLength(input);
    if (batch.length > 0 && (batch.length >= inputsMax || bytes + size > bytesMax)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(input);
    bytes += size;
  }
  return [...batches, batch];
}

/**
 * Models whose makers say that they were trained so that the first dimensions of a vector are a good vector themselves (Matryoshka
 * representation learning, arXiv:2205.13147). Any other vector that is cut is noise.
 */
const MATRYOSHKA: readonly RegExp[] = [
  /text-embedding-3-(small|large)/,
  /gemini-embedding/,
  /embeddinggemma/,
  /nomic-embed-text(?!-v1$|:v1$)/,
  /mxbai-embed-large/,
  /qwen3-embedding/,
  /jina-(embeddings-v[345]|clip-v2)/,
  /snowflake-arctic-embed(-m-v1\.5|-[ml]-v2\.0|2)/,
  /voyage-(3-large|3\.5|4|code-3)/,
  /embed-v4/,
];

/** Whether a model's vectors can be cut to fewer dimensions. */
function isMatryoshka(name: string): boolean {
  const known = name.toLowerCase();
  return MATRYOSHKA.some((pattern) => pattern.test(known));
}

/** Asks for vectors of so many dimensions: of the provider if it can, else by cutting those of models that were trained for it. */
export async function embedShortened(
  name: string,
  request: EmbeddingsRequest,
  embed: (request: EmbeddingsRequest) => Promise<Embeddings>,
): Promise<Embeddings> {
  const { dimensions, ...rest } = request;
  if (dimensions === undefined) return embed(request);
  const answer = await embed(request).catch((error: unknown) => {
    if (AppError.from(error).code !== "unsupported" || !isMatryoshka(name)) throw error;
    return embed(rest);
  });
  return { ...answer, vectors: answer.vectors.map((vector) => fit(name, vector, dimensions)) };
}

function fit(name: string, vector: Vector, dimensions: number): Vector {
  if (vector.length === dimensions) return vector;
  if (vector.length > dimensions && isMatryoshka(name)) return shortenVector(vector, dimensions);
  const why = vector.length < dimensions ? "which has fewer" : "whose vectors mean nothing when they are cut";
  throw new AppError("unsupported", `dimensions: wanted ${vector.length} of the model "${name}", ${why}, got ${dimensions}; leave it out`, {
    cause: { param: "dimensions" },
  });
}
