import { AppError } from "@tutti/core";
import { DIMENSIONS, Embedder, TOKENS_MAX } from "../local/embedder.ts";
import type { ModelFacts, ProviderKind } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";
import type { EmbeddingsRequest } from "../requests.ts";

/** The model, by its language and its vectors' length. */
const NAME = "en-512";
/** The weights do not change: they are those of Google's Universal Sentence Encoder Lite 1. */
const VERSION = "universal-sentence-encoder-lite-1";
const IDLE_MS = 300_000;

/** Embeddings without a server and without a network: the weights come with npm. Its options: `idleMs`, after which they leave the memory. */
export const localEmbeddings: ProviderKind = {
  kind: "local-embeddings",
  isLocal: true,
  open({ provider }) {
    const embedder = new Embedder(idleMsOf(provider));
    const facts = (): ModelFacts => ({
      name: NAME,
      version: VERSION,
      contextTokens: TOKENS_MAX,
      abilities: ["embeddings"],
      dimensions: DIMENSIONS,
      isLoaded: embedder.isLoaded,
    });
    return {
      async embed(name, request, signal) {
        check(name, request);
        return embedder.embed(request.inputs, signal);
      },
      discover: async () => [facts()],
      close: () => embedder.close(),
    };
  },
};

function check(name: string, { inputs, dimensions }: EmbeddingsRequest): void {
  if (name !== NAME) throw new AppError("model_not_found", `wanted the local embedding model "${NAME}", got "${name}"`);
  if (dimensions !== undefined && dimensions !== DIMENSIONS)
    throw new AppError(
      "unsupported",
      `wanted vectors of ${dimensions} numbers, got a model whose vectors have ${DIMENSIONS} and cannot be cut`,
    );
  const empty = inputs.indexOf("");
  if (empty >= 0) throw new AppError("invalid_input", `wanted texts to embed, got an empty one (the ${empty + 1}. of ${inputs.length})`);
}

function idleMsOf({ name, options }: Provider): number {
  const idleMs = options?.idleMs ?? IDLE_MS;
  if (typeof idleMs === "number" && idleMs >= 0 && idleMs <= 2 ** 31 - 1) return idleMs;
  throw new AppError("invalid_config", `wanted idleMs of the provider "${name}" in milliseconds, got ${JSON.stringify(idleMs)}`);
}
