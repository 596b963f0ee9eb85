import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Principal } from "@tutti/core";
import type { App, Door } from "../../host/index.ts";
import { makeSocketPlace, removeStalePlaces } from "./socket-folder.ts";

/** Connections that one jailed program may have at once. */
const CONNECTIONS_MAX = 16;
/** How often node looks for connections that are past their time limits. */
const CONNECTION_CHECK_MS = 2000;
const HEADER_BYTES_MAX = 16_384;

/** Answers a request of the principal whose door it came through. */
type Answer = (request: Request, env: HttpBindings & { readonly door: Principal }) => Response | Promise<Response>;

/** Serves the doors of jails: to each its own socket, and everything on it is asked by its principal. */
export async function openDoors({ config, doors }: Pick<App, "config" | "doors">, answer: Answer): Promise<AsyncDisposable> {
  const dir = join(config.dataDir, "doors");
  const open = new Set<Door>();
  await removeStalePlaces(dir);
  doors.provide(async (principal) => {
    const door = await openDoor(principal, { config, dir, answer });
    const listed: Door = {
      socketPath: door.socketPath,
      async [Symbol.asyncDispose]() {
        if (open.delete(listed)) await door[Symbol.asyncDispose]();
      },
    };
    open.add(listed);
    return listed;
  });
  return { [Symbol.asyncDispose]: async () => void (await Promise.all([...open].map((door) => door[Symbol.asyncDispose]()))) };
}

async function openDoor(
  principal: Principal,
  { config, dir, answer }: { readonly config: App["config"]; readonly dir: string; readonly answer: Answer },
): Promise<Door> {
  await using opening = new AsyncDisposableStack();
  const place = opening.use(await makeSocketPlace(dir));
  const listener = getRequestListener((request, env) => answer(request, { ...(env as HttpBindings), door: principal }), {
    overrideGlobalObjects: false,
  });
  const server = createServer(
    {
      maxHeaderSize: Math.min(config.headerBytesMax, HEADER_BYTES_MAX),
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      keepAliveTimeout: config.keepAliveTimeoutMs,
      connectionsCheckingInterval: CONNECTION_CHECK_MS,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.listen({ path: place.socketPath });
  await once(server, "listening");
  opening.defer(() => closeServer(server));
  const parts = opening.move();
  return { socketPath: place.socketPath, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
