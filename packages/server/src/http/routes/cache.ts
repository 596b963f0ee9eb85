import { AppError } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

const Clear = z.strictObject({ tenant: z.string().min(1).max(200).optional() });
const Cleared = z.object({ cleared: z.int() });
const Cache = z.object({
  isOn: z.boolean(),
  entries: z.int(),
  bytes: z.int(),
  bytesMax: z.int(),
  hitsExact: z.int(),
  hitsSemantic: z.int(),
  misses: z.int(),
  kept: z.int(),
  evicted: z.int(),
  embedFailures: z.int(),
  tenants: z.array(z.object({ tenant: z.string(), entries: z.int(), bytes: z.int() })),
});

/** Models' answers that are kept: how many, how often they helped, and throwing them away. */
export function cacheRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const { cache } = app.models;
  routes.get(
    "/v1/cache",
    operation({ tag: "Models", summary: "What the cache of answers holds, and how often it helped", response: Cache }),
    (ctx) =>
      ctx.json({
        isOn: app.config.cache !== undefined,
        bytesMax: app.config.cache?.bytesMax ?? 0,
        ...cache.stats(),
        tenants: cache.tenants(),
      }),
  );
  routes.post(
    "/v1/cache/clear",
    operation({ tag: "Models", summary: "Throw kept answers away, a tenant's or all", body: Clear, response: Cleared }),
    async (ctx) => {
      const { tenant } = await readJson(ctx, Clear, app.config);
      const step = {
        workflow: "tutti.admin",
        action: "admin",
        kind: "step",
        name: "cache.clear",
        input: { tenant: tenant ?? null },
      } as const;
      const recorded = app.engine.record(step, ctx.get("principal"));
      try {
        const cleared = cache.clear(tenant);
        await recorded.complete({ cleared });
        return ctx.json({ cleared });
      } catch (thrown) {
        const { code, message } = AppError.from(thrown);
        await recorded.fail(code, message);
        throw thrown;
      }
    },
  );
  return routes;
}
