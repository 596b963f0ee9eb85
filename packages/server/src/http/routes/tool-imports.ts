import { Hono } from "hono";
import { importRequestSchema, type App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { Removed, ToolImport } from "../shapes/tools.ts";
import { z } from "zod";

/** API descriptions whose operations are tools. */
export function toolImportRoutes({ imports, config }: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/tool-imports",
    operation({
      tag: "Tools",
      summary: "API descriptions whose operations are tools",
      response: z.object({ imports: z.array(ToolImport) }),
    }),
    (ctx) => ctx.json({ imports: imports.all }),
  );
  routes.post(
    "/v1/tools/import",
    operation({
      tag: "Tools",
      summary: "Make tools of an OpenAPI description, now and at every start",
      response: z.object({ import: ToolImport }),
      others: { 200: z.object({ import: ToolImport }) },
      body: importRequestSchema,
      status: 201,
    }),
    async (ctx) => {
      const request = await readJson(ctx, importRequestSchema, config);
      const view = await imports.import(request, ctx.get("principal"), ctx.req.raw.signal);
      return ctx.json({ import: view }, request.isDryRun ? 200 : 201);
    },
  );
  routes.delete(
    "/v1/tool-imports/:name",
    operation({ tag: "Tools", summary: "Take an import's tools away", response: Removed }),
    async (ctx) => {
      const name = ctx.req.param("name");
      await imports.remove(name, ctx.get("principal"));
      return ctx.json({ removed: name });
    },
  );
  return routes;
}
