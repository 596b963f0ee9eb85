import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { AppError } from "@tutti/core";
import type { App } from "../host/index.ts";
import { Feed } from "./feed.ts";
import { openDoors } from "./doors/index.ts";
import { openResponses } from "./gateway/responses.ts";
import { LiveDoor } from "./live/index.ts";
import { appOffer, mcpRoutes } from "./mcp/index.ts";
import { createRouter } from "./router.ts";
import { Stays } from "./stays.ts";

/** How often node looks for connections that are past their time limits. */
const CONNECTION_CHECK_MS = 2000;

/** An app's HTTP face, listening. */
export interface HttpServer {
  readonly url: string;
  /** Ends what is made in the background and writes down what was kept, while the store is still open. */
  settle(): Promise<void>;
  /** Takes no new requests and waits for those under way, at most `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** Ends the doors that jails are left with. */
  closeDoors(): Promise<void>;
}

/** Listens where the configuration says; `port` overrides it. */
export async function listen(app: App, options: { readonly port?: number } = {}): Promise<HttpServer> {
  const { config } = app;
  const responses = openResponses(app);
  const mcp = mcpRoutes(app, appOffer(app));
  const feed = new Feed(app.engine, app.store);
  const stays = new Stays(app);
  const live = new LiveDoor(app, { feed, stays });
  const router = createRouter(app, { responses, mcp, feed, live, stays });
  const listener = getRequestListener(router.fetch, { overrideGlobalObjects: false });
  const server = createServer(
    {
      maxHeaderSize: config.headerBytesMax,
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      keepAliveTimeout: config.keepAliveTimeoutMs,
      connectionsCheckingInterval: CONNECTION_CHECK_MS,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.on("upgrade", (request, socket, head) => {
    const door = request.url?.split("?", 1)[0] === "/v1/live" ? live : responses;
    door.upgrade(request, socket, head);
  });
  server.maxConnections = config.connectionsMax;
  const port = options.port ?? config.port;
  server.listen({ host: config.host, port });
  await once(server, "listening").catch((error: unknown) => {
    throw listenError(error, `${config.host}:${port}`);
  });
  await using opening = new AsyncDisposableStack();
  opening.defer(() => closeServer(server, 0));
  const doors = await openDoors(app, (request, env) => router.fetch(request, env));
  opening.move();
  const address = server.address() as AddressInfo;
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
    settle: async () => {
      live.close();
      stays.close();
      await Promise.all([responses.close(), mcp.close()]);
    },
    close: (graceMs) => closeServer(server, graceMs),
    closeDoors: async () => doors[Symbol.asyncDispose](),
  };
}

function listenError(error: unknown, where: string): AppError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return new AppError(
      "port_in_use",
      `wanted to listen on ${where}, got an address in use; stop what listens there, or choose another port with TUTTI_PORT (0 takes any)`,
      { cause: error },
    );
  return new AppError(
    "invalid_config",
    `cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}; choose another with TUTTI_HOST and TUTTI_PORT`,
    { cause: error },
  );
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
