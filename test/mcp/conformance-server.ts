import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { startTestApp } from "../../packages/server/src/testing.ts";
import type { HttpEnv } from "../../packages/server/src/http/env.ts";
import { guard } from "../../packages/server/src/http/guard.ts";
import { appOffer, mcpRoutes } from "../../packages/server/src/http/mcp/index.ts";
import { errorResponse } from "../../packages/server/src/http/problem.ts";
import { Stays } from "../../packages/server/src/http/stays.ts";
import { withConformanceFixtures } from "./conformance-offer.ts";

/** Tutti's own door at /mcp on a whole app, with the scenarios' fixtures beside what the app offers. */
export async function startConformanceServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const test = await startTestApp({ auth: "none" });
  const mcp = mcpRoutes(test.app, withConformanceFixtures(appOffer(test.app)));
  const router = new Hono<HttpEnv>();
  router.use(guard(test.app, new Stays(test.app)));
  router.route("/", mcp.routes);
  router.onError((thrown, ctx) => errorResponse(thrown, ctx.req.path));
  const listener = getRequestListener(router.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      await mcp.close();
      server.closeAllConnections();
      server.close();
      await test[Symbol.asyncDispose]();
    },
  };
}
