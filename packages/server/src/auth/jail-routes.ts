import { isGatewayRoute } from "./gateway-routes.ts";

/** What programs in jails may ask through their door, beside nothing. What they may use there is for policy to say. */
const ROUTES: readonly RegExp[] = [
  /^POST \/v1\/(chat\/completions|responses|messages|messages\/count_tokens|embeddings)$/,
  /^GET \/v1\/models(\/.+)?$/,
];
const TOOL_ROUTES: ReadonlySet<string> = new Set(["GET /v1/tools", "POST /v1/tools/execute"]);

/** Whether a jailed program may ask this at all. `path` is the raw one, without the query. */
export function isJailRoute(method: string, path: string): boolean {
  const asked = `${method} ${path}`;
  return TOOL_ROUTES.has(asked) || (isGatewayRoute(method, path) && ROUTES.some((route) => route.test(asked)));
}
