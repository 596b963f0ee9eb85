import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { wholeNumber } from "../routes/run-queries.ts";
import { askBatchLine } from "./batches-ask.ts";
import { BatchList, BatchRequest, BatchShape } from "../shapes/foreign.ts";

const Anything = z.json();
const LIMIT = { min: 1, max: 100, fallback: 20 } as const;

/** Batches as OpenAI's API has them, over any model. */
export function batchRoutes(app: App): Hono<HttpEnv> {
  const { batches } = app;
  // Batches that a start goes on with wait until they can be asked for.
  batches.askThrough(askBatchLine(app));
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/batches",
    operation({ tag: "Models", summary: "Ask models the requests of an uploaded file", response: BatchShape, body: BatchRequest }),
    async (ctx) => ctx.json(await batches.create(await readJson(ctx, Anything, app.config), ctx.get("principal"))),
  );
  routes.get(
    "/v1/batches",
    operation({
      tag: "Models",
      summary: "The batches there are, newest first",
      response: BatchList,
      query: { after: "only batches after this one", limit: "1 to 100, 20 unless given" },
    }),
    async (ctx) => {
      const limit = wholeNumber(ctx, "limit", LIMIT);
      const { batches: found, hasMore } = await batches.list({ after: ctx.req.query("after"), limit }, ctx.get("principal"));
      return ctx.json({
        object: "list",
        data: found,
        first_id: found[0]?.id ?? null,
        last_id: found.at(-1)?.id ?? null,
        has_more: hasMore,
      });
    },
  );
  routes.get("/v1/batches/:id", operation({ tag: "Models", summary: "One batch, and how far it is", response: BatchShape }), async (ctx) =>
    ctx.json(await batches.get(ctx.req.param("id"), ctx.get("principal"))),
  );
  routes.post(
    "/v1/batches/:id/cancel",
    operation({ tag: "Models", summary: "Stop a batch; what was answered is kept", response: BatchShape }),
    async (ctx) => ctx.json(await batches.cancel(ctx.req.param("id"), ctx.get("principal"))),
  );
  return routes;
}
