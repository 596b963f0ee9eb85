import { join } from "node:path";
import type { Provider } from "../models/index.ts";
import type { Config } from "./config/index.ts";

/** Embeds texts in this process; nothing of it is loaded before the first text comes. */
const LOCAL: Provider = { name: "local", kind: "local-embeddings", models: [] };

/** The configured model servers: those of the file, then the one that three environment variables make, then what is in this process. */
export function providersOf(config: Config): readonly Provider[] {
  const quick =
    config.modelBaseUrl === undefined
      ? []
      : [
          {
            name: "default",
            baseUrl: config.modelBaseUrl,
            models: config.model === undefined ? [] : [config.model],
            ...(config.modelApiKey && { apiKey: config.modelApiKey }),
          },
        ];
  const isTaken = config.providers.some(({ name }) => name === LOCAL.name);
  return [...config.providers.map((provider) => withFolder(provider, config)), ...quick, ...(isTaken ? [] : [LOCAL])];
}

/** GGUF files are looked for in the data folder where the configuration does not say. */
function withFolder(provider: Provider, { dataDir }: Config): Provider {
  const { kind, options } = provider;
  if (kind !== "llama-cpp" || options?.["folder"] !== undefined || options?.["file"] !== undefined) return provider;
  return { ...provider, options: { ...options, folder: join(dataDir, "models") } };
}
