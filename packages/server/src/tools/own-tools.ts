import type { Tool } from "@tutti/core";
import { WebClient } from "../net/index.ts";
import { fileTools } from "./files/file-tools.ts";
import type { SecretSource } from "./secrets.ts";
import { httpTools, type HttpHost } from "./web/http-request.ts";
import { RobotsRules } from "./web/robots.ts";
import { webFetch } from "./web/web-fetch.ts";
import { webSearch } from "./web/web-search.ts";

/** What the tools that reach outside a run may use, as the configuration says. */
export interface Reach {
  /** Hosts with private addresses that `web_fetch` may read all the same. */
  readonly webPrivateAllow: readonly string[];
  readonly webSearchUrl: string | undefined;
  readonly httpHosts: readonly HttpHost[];
  readonly workspaceDir: string | undefined;
  readonly secrets: SecretSource;
}

/** The built-in tools that reach outside a run, and the connections they own. All are off until policy allows them. */
export function reachingTools(reach: Reach): { readonly tools: readonly Tool[]; readonly close: () => Promise<void> } {
  const readable = new Set(reach.webPrivateAllow);
  const web = new WebClient({ isPrivateAllowed: (host) => readable.has(host), advice: "name it in webPrivateAllow" });
  const privateHosts = new Set(reach.httpHosts.filter(({ isPrivate }) => isPrivate).map(({ host }) => nameOf(host)));
  const http = new WebClient({ isPrivateAllowed: (host) => privateHosts.has(host), advice: "set privateAllow: true for it in httpHosts" });
  const search = webSearch(reach.webSearchUrl);
  return {
    tools: [
      webFetch(web, new RobotsRules(web)),
      search.tool,
      ...httpTools(http, reach.httpHosts, reach.secrets),
      ...fileTools(reach.workspaceDir),
    ],
    close: async () => {
      for (const client of [web, http, search.client]) await client[Symbol.asyncDispose]();
    },
  };
}

/** A host without its port; an IPv6 address without its brackets. */
function nameOf(host: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, "");
}
