import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

/** Where every setting is explained. */
const DOCS = "docs/configuration.md";

const Setting = z.object({
  key: z.string(),
  value: z.string(),
  source: z.string(),
  env: z.string(),
  description: z.string(),
  valid: z.string(),
  isSecret: z.boolean(),
  docs: z.string(),
});

/** The configuration that this server runs on. */
export function configRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/config",
    operation({
      tag: "Config",
      summary: "Every setting, its value and where that comes from; secrets are masked",
      response: z.object({ file: z.string().nullable(), settings: z.array(Setting) }),
    }),
    (ctx) => ctx.json({ file: app.configFile ?? null, settings: app.settings().map((row) => ({ ...row, docs: DOCS })) }),
  );
  return routes;
}
