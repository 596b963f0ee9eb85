import { availableParallelism } from "node:os";
import { AppError } from "@tutti/core";
import { GgufFolder, type GgufModel } from "../local/gguf-folder.ts";
import type { LlamaSettings } from "../local/llama-messages.ts";
import { LlamaModels } from "../local/llama-models.ts";
import { llamaAskOf } from "../local/llama-request.ts";
import type { Ability, ModelFacts, OpenProvider, ProviderKind } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";

const CONTEXT_TOKENS = 8_192;
const PARALLEL = 2;
const LOADED_MAX = 3;
const KEEP_ALIVE_MS = 300_000;
const COUNT_MAX = 2 ** 31 - 1;
const TEXTS_MAX = 2_048;
const GPUS: readonly LlamaSettings["gpu"][] = ["auto", "metal", "cuda", "vulkan", false];

/**
 * Models in GGUF files of this machine, each in a process of its own, through `node-llama-cpp`, which is installed beside Tutti by whoever wants
 * it. Its options: `folder` or `file`, `contextTokens`, `parallel`, `threads`, `gpu`, `loadedMax`, `keepAliveMs`.
 */
export const llamaCpp: ProviderKind = {
  kind: "llama-cpp",
  isLocal: true,
  open({ provider, log }) {
    const { folder, file } = placeOf(provider);
    const files = new GgufFolder(file === undefined ? { folder } : { file }, log);
    const contextTokens = count(provider, "contextTokens", CONTEXT_TOKENS);
    const models = new LlamaModels({
      contextTokens,
      parallel: count(provider, "parallel", PARALLEL),
      // One core is left to the server: threads that compute wait for each other, and one without a core holds up the rest.
      threads: count(provider, "threads", Math.max(1, availableParallelism() - 1)),
      gpu: gpuOf(provider),
      loadedMax: count(provider, "loadedMax", LOADED_MAX),
      keepAliveMs: count(provider, "keepAliveMs", KEEP_ALIVE_MS),
      log,
    });
    return openWith(files, models, contextTokens);
  },
};

function openWith(files: GgufFolder, models: LlamaModels, contextTokens: number): OpenProvider {
  return {
    async *generate(name, request, signal) {
      const ask = llamaAskOf(request);
      const { file } = await findUsable(files, name);
      yield* models.use(name, file).generate(ask, signal);
    },
    async embed(name, { inputs, dimensions }, signal) {
      const { file, facts } = await findUsable(files, name);
      if (dimensions !== undefined && dimensions !== facts.dimensions)
        throw new AppError(
          "unsupported",
          `wanted vectors of ${dimensions} numbers, got a model whose vectors have ${facts.dimensions ?? "others"}`,
        );
      if (inputs.length > TEXTS_MAX) throw new AppError("too_large", `wanted at most ${TEXTS_MAX} texts, got ${inputs.length}; send fewer`);
      if (inputs.includes("")) throw new AppError("invalid_input", "wanted texts to embed, got an empty one");
      return models.use(name, file).embed(inputs, signal);
    },
    async discover() {
      requireLibrary();
      return (await files.list()).map((model) => factsOf(model, { contextTokens, isLoaded: models.isLoaded(model.name) }));
    },
    management: {
      pull: (source, signal) => files.pull(source, signal),
      async load(name, { keepAliveMs }, signal) {
        const { file } = await findUsable(files, name);
        await models.load({ name, file, ...(keepAliveMs !== undefined && { keepAliveMs }) }, signal);
      },
      unload: (name) => models.unload(name),
      async remove(name) {
        await models.unload(name);
        await files.remove(name);
      },
    },
    close: () => models.close(),
  };
}

async function findUsable(files: GgufFolder, name: string): Promise<GgufModel> {
  requireLibrary();
  return files.find(name);
}

/** Looked for each time: whoever reads the message and installs it need not start Tutti anew. */
function requireLibrary(): void {
  try {
    import.meta.resolve("node-llama-cpp");
  } catch (error) {
    throw new AppError(
      "unsupported",
      "wanted the package node-llama-cpp, which runs GGUF files, got none beside Tutti; run: npm install node-llama-cpp (in a checkout of Tutti: npm install --include=dev)",
      { cause: error },
    );
  }
}

function factsOf(
  { name, sizeBytes, facts }: GgufModel,
  { contextTokens, isLoaded }: { readonly contextTokens: number; readonly isLoaded: boolean },
): ModelFacts {
  const abilities: readonly Ability[] = facts.isEmbedder ? ["embeddings"] : ["chat", "tools", "json"];
  return {
    name,
    abilities,
    sizeBytes,
    isLoaded,
    contextTokens: Math.min(contextTokens, facts.contextTokens ?? contextTokens),
    ...(facts.isEmbedder && facts.dimensions !== undefined && { dimensions: facts.dimensions }),
  };
}

function placeOf({ name, options = {} }: Provider): { readonly folder: string; readonly file: string | undefined } {
  const { folder, file } = options;
  if (typeof file === "string" && folder === undefined) return { folder: "", file };
  if (typeof folder === "string" && file === undefined) return { folder, file: undefined };
  throw new AppError(
    "invalid_config",
    `wanted the option folder (of GGUF files) or file (one of them) of the provider "${name}", got ${JSON.stringify(options)}`,
  );
}

function gpuOf({ name, options = {} }: Provider): LlamaSettings["gpu"] {
  const { gpu = "auto" } = options;
  const known = GPUS.find((item) => item === gpu);
  if (known !== undefined) return known;
  throw new AppError("invalid_config", `wanted gpu of the provider "${name}" to be one of ${GPUS.join(", ")}, got ${JSON.stringify(gpu)}`);
}

function count({ name, options = {} }: Provider, option: string, fallback: number): number {
  const value = options[option] ?? fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= COUNT_MAX) return value;
  throw new AppError(
    "invalid_config",
    `wanted ${option} of the provider "${name}" to be a whole number of at least 1, got ${JSON.stringify(value)}`,
  );
}
