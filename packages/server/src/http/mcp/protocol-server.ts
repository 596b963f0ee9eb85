import {
  isInputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type RequestStateCodec,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Principal } from "@tutti/core";
import { VERSION } from "../../host/index.ts";
import type { McpCall, McpOffer, SealedState } from "./offer.ts";
import { pageOf } from "./pages.ts";

/** Resources that one connection may watch. */
const WATCHED_MAX = 1_000;
const COMPLETIONS_MAX = 100;
/** Lists and discovery change only when something is loaded, and clients are told then. */
const LIST_CACHE = { ttlMs: 30_000, cacheScope: "private" } as const;

/** What a connection is made of. */
export interface ServerParts {
  readonly offer: McpOffer;
  readonly principal: Principal;
  readonly codec: RequestStateCodec<SealedState>;
}

/** A server of the protocol for one principal: it carries an offer, and knows nothing of what is in it. */
export function protocolServer(parts: ServerParts): Server {
  const { offer, principal, codec } = parts;
  const server = new Server(
    { name: "tutti", title: "Tutti", version: VERSION },
    {
      instructions: offer.instructions,
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
      },
      requestState: { verify: (state, context) => codec.verify(state, context) },
      cacheHints: {
        "tools/list": LIST_CACHE,
        "prompts/list": LIST_CACHE,
        "resources/list": { ttlMs: 0, cacheScope: "private" },
        "resources/templates/list": LIST_CACHE,
        "resources/read": { ttlMs: 0, cacheScope: "private" },
        "server/discover": LIST_CACHE,
      },
    },
  );
  const callOf = (context: ServerContext): McpCall => ({
    principal,
    context,
    canElicit: server.getClientCapabilities()?.elicitation !== undefined,
    seal: (state, ctx) => codec.mint(state, ctx ?? context),
  });
  serveTools(server, parts, callOf);
  servePrompts(server, parts, callOf);
  serveResources(server, parts);
  server.setRequestHandler("completion/complete", async ({ params }) => {
    const values = await offer.complete(params, principal);
    return { completion: { values: values.slice(0, COMPLETIONS_MAX), total: values.length, hasMore: values.length > COMPLETIONS_MAX } };
  });
  return server;
}

type CallOf = (context: ServerContext) => McpCall;

function serveTools(server: Server, { offer, principal }: ServerParts, callOf: CallOf): void {
  server.setRequestHandler("tools/list", async ({ params }) => {
    const { items, ...rest } = pageOf(await offer.tools(principal), params?.cursor);
    return { tools: items, ...rest };
  });
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const result = await offer.callTool(params.name, params.arguments ?? {}, callOf(context));
    return isInputRequiredResult(result) ? result : server.projectCallToolResult(result, undefined);
  });
}

function servePrompts(server: Server, { offer, principal }: ServerParts, callOf: CallOf): void {
  server.setRequestHandler("prompts/list", async ({ params }) => {
    const { items, ...rest } = pageOf(await offer.prompts(principal), params?.cursor);
    return { prompts: items, ...rest };
  });
  server.setRequestHandler("prompts/get", ({ params }, context) => offer.getPrompt(params.name, params.arguments ?? {}, callOf(context)));
}

function serveResources(server: Server, { offer, principal }: ServerParts): void {
  server.setRequestHandler("resources/list", async ({ params }) => {
    const { items, ...rest } = pageOf(await offer.resources(principal), params?.cursor);
    return { resources: items, ...rest };
  });
  server.setRequestHandler("resources/templates/list", async ({ params }) => {
    const { items, ...rest } = pageOf(await offer.templates(principal), params?.cursor);
    return { resourceTemplates: items, ...rest };
  });
  server.setRequestHandler("resources/read", ({ params }) => offer.read(params.uri, principal));
}

/**
 * Tells a connection of 2025 what changes: of lists always, of resources when it has asked. Dispose it with the connection. Later revisions
 * ask by `subscriptions/listen`, which the library serves.
 */
export function tellChanges(server: Server, { offer, principal }: ServerParts): Disposable {
  const watched = new Set<string>();
  server.setRequestHandler("resources/subscribe", async ({ params }) => {
    await offer.read(params.uri, principal);
    if (watched.size >= WATCHED_MAX)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `wanted at most ${WATCHED_MAX} watched resources, got more; stop watching some`,
      );
    watched.add(params.uri);
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params }) => {
    watched.delete(params.uri);
    return {};
  });
  // A client that does not listen is told nothing; it lists again when it comes back.
  const quietly = (sent: Promise<void>): void => void sent.catch(() => undefined);
  return offer.watch((change) => {
    if (change.kind === "tools") quietly(server.sendToolListChanged());
    else if (change.kind === "prompts") quietly(server.sendPromptListChanged());
    else if (change.kind === "resources") quietly(server.sendResourceListChanged());
    else if (watched.has(change.uri)) quietly(server.sendResourceUpdated({ uri: change.uri }));
  });
}
