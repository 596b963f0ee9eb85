import type { CodeSandbox } from "./code-sandbox.ts";
import { builtInTools, codeTools, reachingTools, type ReachingTools, type SecretSource } from "../tools/index.ts";
import type { Config } from "./config/index.ts";
import { ownPaths, type OwnPlaces } from "./own-paths.ts";

/** The built-in tools, what makes more of them, and the secrets they use. */
export interface OpenTools extends ReachingTools {
  readonly secrets: SecretSource;
}

/** What the built-in tools are made with. */
interface ToolParts extends OwnPlaces {
  readonly sandbox: CodeSandbox;
}

/** Makes the built-in tools as the configuration says. */
export function openTools(config: Config, { sandbox, ...places }: ToolParts): OpenTools {
  const held = new Map(config.toolSecrets.map((secret) => [secret.name, secret]));
  const secrets: SecretSource = {
    names: [...held.keys()],
    get: (name) => held.get(name)?.value,
    unset: (name) => (held.get(name)?.value === undefined ? held.get(name)?.env : undefined),
  };
  const httpHosts = config.httpHosts.map(({ privateAllow, httpAllow, ...host }) => ({
    ...host,
    isPrivate: privateAllow,
    isHttpAllowed: httpAllow,
  }));
  const { webPrivateAllow, webSearchUrl, workspaceDir } = config;
  const reaching = reachingTools({
    webPrivateAllow,
    webSearchUrl,
    workspaceDir,
    closedPaths: ownPaths(config, places),
    httpHosts,
    secrets,
  });
  return { ...reaching, tools: [...builtInTools, ...reaching.tools, ...codeTools(() => sandbox.get())], secrets };
}
