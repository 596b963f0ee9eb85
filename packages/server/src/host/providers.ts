import type { Provider } from "../models/index.ts";
import type { Config } from "./config/index.ts";

/** The configured model servers: those of the file, then the one that three environment variables make. */
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
  return [...config.providers, ...quick];
}
