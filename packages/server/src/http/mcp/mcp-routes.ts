import { randomBytes } from "node:crypto";
import {
  createMcpHandler,
  createRequestStateCodec,
  isJsonContentType,
  isLegacyRequest,
  type AuthInfo,
  type McpHttpHandler,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { AppError, type Principal } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import { parseJson, readBytes } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { errorResponse, wireError } from "../problem.ts";
import { heldResponse } from "../sse.ts";
import { MCP_PATH, METADATA_PATH, openDoor } from "./door.ts";
import type { McpOffer, SealedState } from "./offer.ts";
import { protocolServer } from "./protocol-server.ts";
import { Sessions } from "./sessions.ts";

/** Streams of changes that all clients together may hold open. */
const SUBSCRIPTIONS_MAX = 1_024;
const STATE_TTL_SECONDS = 3_600;
const STATE_KEY_BYTES = 32;
const PARSE_ERROR = -32_700;
const SERVER_ERROR = -32_000;

/** The protocol's door, and how it is shut. */
export interface McpRoutes {
  readonly routes: Hono<HttpEnv>;
  close(): Promise<void>;
}

/** Serves an offer at `/mcp`: the revision 2026-07-28 without sessions, those up to 2025-11-25 with them. */
export function mcpRoutes(app: Pick<App, "config" | "authenticate" | "logger">, offer: McpOffer): McpRoutes {
  const door = openDoor(app);
  const sessions = new Sessions(app.config.mcp);
  // What clients bring back is good until this process ends, and for the one it was given to.
  const codec = createRequestStateCodec<SealedState>({
    key: randomBytes(STATE_KEY_BYTES),
    ttlSeconds: STATE_TTL_SECONDS,
    bind: (context: ServerContext) => context.http?.authInfo?.clientId ?? "",
  });
  const callers = new WeakMap<AuthInfo, Principal>();
  const partsOf = (principal: Principal) => ({ offer, principal, codec });
  const modern = createMcpHandler(
    ({ authInfo }) => {
      const principal = authInfo === undefined ? undefined : callers.get(authInfo);
      if (principal === undefined) throw new AppError("unauthorized", "wanted a principal behind the request, got none");
      return protocolServer(partsOf(principal));
    },
    {
      legacy: "reject",
      maxSubscriptions: SUBSCRIPTIONS_MAX,
      onerror: (error) => app.logger.debug({ error }, "an MCP request was not served"),
    },
  );
  const watching = offer.watch((change) => {
    if (change.kind === "tools") modern.notify.toolsChanged();
    else if (change.kind === "prompts") modern.notify.promptsChanged();
    else if (change.kind === "resources") modern.notify.resourcesChanged();
    else modern.notify.resourceUpdated(change.uri);
  });
  const serve = async (ctx: HttpContext): Promise<Response> => {
    const { headers } = ctx.env.incoming;
    const body = ctx.req.method === "POST" ? await readBytes(ctx.env.incoming, app.config.requestBytesMax) : Buffer.alloc(0);
    const principal = await door.admit({ method: ctx.req.method, path: ctx.env.incoming.url ?? "", headers, body });
    const authInfo: AuthInfo = { token: "", clientId: principal.id, scopes: [...principal.roles] };
    callers.set(authInfo, principal);
    const request = ctx.req.raw;
    if (ctx.req.method !== "POST") return sessions.handle(request, undefined, { ...partsOf(principal), authInfo });
    if (!isJsonContentType(headers["content-type"])) return rpcError(415, SERVER_ERROR, "wanted the content type application/json");
    const parsedBody = parseJson(body, app.config.requestDepthMax);
    if (await isLegacyRequest(request, parsedBody)) return sessions.handle(request, parsedBody, { ...partsOf(principal), authInfo });
    for (const uri of watchedIn(parsedBody)) await offer.read(uri, principal);
    return modern.fetch(request, { authInfo, parsedBody });
  };
  const routes = new Hono<HttpEnv>();
  for (const path of [METADATA_PATH, `${METADATA_PATH}${MCP_PATH}`])
    routes.get(path, operation({ tag: "MCP", summary: "Who gives out access tokens for /mcp (RFC 9728)", isOpen: true }), (ctx) =>
      ctx.json(door.metadata(ctx.req.header("host") ?? "localhost")),
    );
  const described = operation({ tag: "MCP", summary: "The Model Context Protocol, streamable HTTP; docs/mcp.md" });
  routes.on(["GET", "POST", "DELETE"], MCP_PATH, described, async (ctx) => {
    const { headers } = ctx.env.incoming;
    try {
      const response = await serve(ctx);
      return door.isOwn(headers) ? heldResponse(ctx, response) : response;
    } catch (thrown) {
      return refusal(thrown, (error) => door.challenge(error, headers.host ?? "localhost"));
    }
  });
  return {
    routes,
    close: () => shut({ watching, sessions, modern }),
  };
}

async function shut(parts: { readonly watching: Disposable; readonly sessions: Sessions; readonly modern: McpHttpHandler }): Promise<void> {
  parts.watching[Symbol.dispose]();
  await parts.sessions.close();
  await parts.modern.close();
}

/** Resources that a client wants to be told about: it must be allowed to read them. */
function watchedIn(body: unknown): readonly string[] {
  const { method, params } = body as {
    readonly method?: unknown;
    readonly params?: { readonly notifications?: { readonly resourceSubscriptions?: unknown } };
  };
  const uris = method === "subscriptions/listen" ? params?.notifications?.resourceSubscriptions : [];
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string").slice(0, SUBSCRIPTIONS_MAX) : [];
}

/** An error of the door in the protocol's own form, so that its clients can read it. */
function refusal(thrown: unknown, challenge: (error: AppError) => string): Response {
  const error = AppError.from(thrown);
  const { status, message } = wireError(error);
  const response = rpcError(status, error.code === "invalid_input" ? PARSE_ERROR : SERVER_ERROR, message);
  const asked = errorResponse(error, MCP_PATH).headers;
  for (const name of ["retry-after", "connection"]) if (asked.has(name)) response.headers.set(name, asked.get(name) ?? "");
  const isScope = error.code === "denied" && error.message.startsWith("insufficient_scope");
  if (error.code === "unauthorized" || isScope) response.headers.set("www-authenticate", challenge(error));
  return response;
}

function rpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}
