import type { Tool } from "@tutti/core";
import { WebClient } from "../net/index.ts";
import { fileTools } from "./files/file-tools.ts";
import { openApiTools, type ApiImport, type ApiTools } from "./openapi/openapi-tools.ts";
import type { SecretSource } from "./secrets.ts";
import { requireSuccess, textOf } from "./web/answer.ts";
import { httpTools, type HttpHost } from "./web/http-request.ts";
import { RobotsRules } from "./web/robots.ts";
import { webFetch } from "./web/web-fetch.ts";
import { webSearch } from "./web/web-search.ts";

const DESCRIPTION_BYTES_MAX = 8 * 1_048_576;
const DESCRIPTION_TIMEOUT_MS = 60_000;

/** What the tools that reach outside a run may use, as the configuration says. */
export interface Reach {
  /** Hosts with private addresses that `web_fetch` may read all the same. */
  readonly webPrivateAllow: readonly string[];
  readonly webSearchUrl: string | undefined;
  readonly httpHosts: readonly HttpHost[];
  readonly workspaceDir: string | undefined;
  /** Files and folders that file tools do not reach, wherever the workspace is. */
  readonly closedPaths: readonly string[];
  readonly secrets: SecretSource;
}

/** The tools, what makes tools of API descriptions, and what closes the connections of both. */
export interface ReachingTools {
  readonly tools: readonly Tool[];
  readonly apis: (spec: ApiImport) => ApiTools;
  /** A text of the web, as it is. */
  readonly fetchText: (url: string, signal: AbortSignal) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** The built-in tools that reach outside a run, and the connections they own. All are off until policy allows them. */
export function reachingTools(reach: Reach): ReachingTools {
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
      ...fileTools(reach.workspaceDir, reach.closedPaths),
    ],
    apis: (spec) => openApiTools(spec, { client: web, secrets: reach.secrets }),
    fetchText: async (url, signal) => {
      const asked = {
        url: new URL(url),
        method: "GET",
        bytesMax: DESCRIPTION_BYTES_MAX,
        timeoutMs: DESCRIPTION_TIMEOUT_MS,
        redirectsMax: 3,
      };
      const answer = await web.send(asked, signal);
      requireSuccess(answer, answer.url.host);
      return textOf(answer);
    },
    close: async () => {
      for (const client of [web, http, search.client]) await client[Symbol.asyncDispose]();
    },
  };
}

/** A host without its port; an IPv6 address without its brackets. */
function nameOf(host: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, "");
}
