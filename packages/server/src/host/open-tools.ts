import type { Tool } from "@tutti/core";
import { builtInTools, codeTools, reachingTools, type SecretSource } from "../tools/index.ts";
import type { CodeSandbox } from "./code-sandbox.ts";
import type { Config } from "./config/index.ts";

/** The built-in tools, and what closes their connections. */
export interface OpenTools {
  readonly tools: readonly Tool[];
  readonly secrets: SecretSource;
  close(): Promise<void>;
}

/** Makes the built-in tools as the configuration says. */
export function openTools(config: Config, sandbox: CodeSandbox): OpenTools {
  const values = new Map(config.toolSecrets.map(({ name, value }) => [name, value]));
  const secrets: SecretSource = { names: [...values.keys()], get: (name) => values.get(name) };
  const httpHosts = config.httpHosts.map(({ privateAllow, httpAllow, ...host }) => ({
    ...host,
    isPrivate: privateAllow,
    isHttpAllowed: httpAllow,
  }));
  const { webPrivateAllow, webSearchUrl, workspaceDir } = config;
  const reaching = reachingTools({ webPrivateAllow, webSearchUrl, workspaceDir, httpHosts, secrets });
  return { tools: [...builtInTools, ...reaching.tools, ...codeTools(() => sandbox.get())], secrets, close: reaching.close };
}
