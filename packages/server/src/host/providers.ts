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

/** Targets of named models that no provider is there for, in words: a request to them fails unless a provider lists them by that name. */
export function unservedTargets(config: Config): readonly string[] {
  const providers = providersOf(config);
  const names = providers.map(({ name }) => name);
  const others = names.filter((name) => name !== LOCAL.name);
  return config.models.flatMap(({ name, targets }) =>
    targets.flatMap(({ model }) => {
      const [prefix = "", ...rest] = model.split("/");
      const isListed = providers.some(({ models }) => models.includes(model));
      if (isListed || (rest.length > 0 && names.includes(prefix))) return [];
      if (others.length === 0) return [`models.${name} leads to ${model}, and no provider is configured`];
      if (rest.length === 0) return [];
      return [`models.${name} leads to ${model}, and no provider is called ${prefix}; there are ${others.join(", ")}`];
    }),
  );
}
