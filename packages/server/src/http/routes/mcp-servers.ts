import type { Json } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { McpServer, OneServer } from "../shapes/tools.ts";

const Approve = z.object({
  tools: z.array(z.string().min(1).max(128)).min(1).max(1000).optional(),
  /** What was looked at, by tool: an approval of something else is refused. */
  hashes: z.record(z.string(), z.string()).optional(),
});
const Add = z.record(z.string(), z.json());

/** MCP servers whose tools Tutti uses. Nothing of theirs is secret here: secrets are named by the variables that hold them. */
export function mcpServerRoutes(app: App): Hono<HttpEnv> {
  const { mcpServers } = app;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/mcp/servers",
    operation({
      tag: "MCP",
      summary: "MCP servers whose tools are used, and how each is",
      response: z.object({ servers: z.array(McpServer) }),
    }),
    (ctx) => ctx.json({ servers: mcpServers.list }),
  );
  routes.post(
    "/v1/mcp/servers",
    operation({ tag: "MCP", summary: "Use another MCP server, from now on", response: OneServer, body: Add, status: 201 }),
    async (ctx) => {
      const setting = await readJson(ctx, Add, app.config);
      return ctx.json({ server: await mcpServers.add(setting as Json, ctx.get("principal")) }, 201);
    },
  );
  routes.get(
    "/v1/mcp/servers/:name",
    operation({ tag: "MCP", summary: "One MCP server: its tools beside what was approved", response: OneServer }),
    (ctx) => ctx.json({ server: mcpServers.view(ctx.req.param("name")) }),
  );
  routes.delete("/v1/mcp/servers/:name", operation({ tag: "MCP", summary: "Use it no more", status: 204 }), async (ctx) => {
    await mcpServers.remove(ctx.req.param("name"), ctx.get("principal"));
    return ctx.body(null, 204);
  });
  routes.post(
    "/v1/mcp/servers/:name/test",
    operation({ tag: "MCP", summary: "Connect, and read its list of tools", response: OneServer }),
    async (ctx) => ctx.json({ server: await mcpServers.test(ctx.req.param("name"), ctx.req.raw.signal) }),
  );
  routes.post(
    "/v1/mcp/servers/:name/approve",
    operation({ tag: "MCP", summary: "Let its tools be used as they are now: all, or those named", response: OneServer, body: Approve }),
    async (ctx) => {
      const chosen = await readJson(ctx, Approve, app.config);
      return ctx.json({ server: await mcpServers.approve(ctx.req.param("name"), chosen, ctx.get("principal")) });
    },
  );
  routes.post(
    "/v1/mcp/servers/:name/login",
    operation({ tag: "MCP", summary: "Where a person logs in for it", response: z.object({ url: z.string().nullable() }) }),
    async (ctx) => {
      const url = await mcpServers.login(ctx.req.param("name"), ctx.get("principal"));
      return ctx.json({ url: url?.href ?? null });
    },
  );
  routes.get(
    "/mcp/callback",
    operation({ tag: "MCP", summary: "Where a browser comes back from a login", mediaType: "text/plain", isOpen: true }),
    async (ctx) => {
      // The query of a stranger's page says nothing of use; the state in it does.
      const name = await mcpServers.finishLogin(new URL(ctx.req.url).searchParams);
      return ctx.text(`Tutti is logged in at the MCP server ${name}. You may close this page.`);
    },
  );
  return routes;
}
