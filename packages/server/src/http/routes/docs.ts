import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import { VERSION } from "../../host/index.ts";
import type { HttpEnv } from "../env.ts";
import { withErrors } from "../openapi.ts";

const ASSETS: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};
const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tutti API</title>
<link rel="stylesheet" href="docs/swagger-ui.css"></head><body><div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></body></html>`;
const START = `SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, persistAuthorization: false });`;
/** Swagger UI sets style attributes and draws icons from data URLs; scripts come from files only. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** The API description and the page that shows it; everything is served from here, nothing from a network. */
export function docsRoutes(app: Hono<HttpEnv>): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  let description: ReturnType<typeof describe> | undefined;
  routes.get("/openapi.json", async (ctx) => ctx.json(await (description ??= describe(app))));
  routes.get("/docs", (ctx) => ctx.html(PAGE, 200, { "content-security-policy": POLICY }));
  routes.get("/docs/start.js", (ctx) => ctx.body(START, 200, { "content-type": "text/javascript; charset=utf-8" }));
  routes.get("/docs/:asset", (ctx) => {
    const asset = ctx.req.param("asset");
    const type = ASSETS[asset];
    if (type === undefined) return ctx.notFound();
    const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
    return ctx.body(Readable.toWeb(createReadStream(join(folder, asset))) as ReadableStream, 200, {
      "content-type": type,
      "cache-control": "max-age=86400",
    });
  });
  return routes;
}

/** Made when first asked for: a server that nobody asks starts faster. */
async function describe(app: Hono<HttpEnv>): ReturnType<typeof generateSpecs> {
  const description = await generateSpecs(app, {
    documentation: {
      openapi: "3.1.0",
      info: {
        title: "Tutti",
        version: VERSION,
        description: "A self-hosted AI orchestrator: agents, models, tools and workflows that run durably and leave a receipt.",
      },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: [{ bearer: [] }],
    },
    exclude: [/^\/docs/, /^\/admin/, "/openapi.json"],
  });
  return withErrors(description);
}
