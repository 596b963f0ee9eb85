import { AppError, type Json } from "@tutti/core";
import { ABILITIES, SURFACES } from "@tutti/core/wire";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import type { PullProgress, RoutePlan, RouteQuestion } from "../../models/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { sseResponse, type ServerEvent } from "../sse.ts";
import { CatalogModelShape, CatalogShape, ModelNamed, ModelPlanShape, ModelRouteShape, ModelStatsShape } from "../shapes/models.ts";

const KEEP_ALIVE_MS_MAX = 365 * 86_400_000;

const Name = z.strictObject({ model: z.string().min(1).max(256) });
/** `keepAliveMs: null`: until it is unloaded. */
const Load = Name.extend({ keepAliveMs: z.int().min(1_000).max(KEEP_ALIVE_MS_MAX).nullable().exactOptional() });
const count = z.int().min(0).max(100_000_000);
const Question = Name.extend({
  surface: z.enum(SURFACES).default("chat/completions"),
  needs: z.array(z.enum(ABILITIES)).max(ABILITIES.length).default([]),
  promptTokens: count.default(0),
  outputTokensMax: count.exactOptional(),
  tags: z.array(z.string().max(100)).max(50).exactOptional(),
  conversation: z.string().max(1_000).exactOptional(),
  text: z.string().max(100_000).default(""),
});

/** What the providers have and how it does, the named models, where a request would go, and what can be done with local models. */
export function modelRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  addReads(routes, app);
  addPull(routes, app);
  addActs(routes, app);
  return routes;
}

function addReads(routes: Hono<HttpEnv>, app: App): void {
  const { inventory, router } = app.models;
  routes.get(
    "/v1/model-catalog",
    operation({
      tag: "Models",
      summary: "All providers and their models: abilities, context, versions, prices, health",
      response: CatalogShape,
    }),
    async (ctx) => {
      await app.models.loadPrices();
      const models = await inventory.models();
      return ctx.json({ providers: inventory.providers(), models });
    },
  );
  routes.get(
    "/v1/model-catalog/:id{.+}",
    operation({ tag: "Models", summary: "One provider's model", response: z.object({ model: CatalogModelShape }) }),
    async (ctx) => {
      await app.models.loadPrices();
      return ctx.json({ model: await inventory.model(ctx.req.param("id")) });
    },
  );
  routes.get(
    "/v1/model-routes",
    operation({ tag: "Models", summary: "The named models, as configured", response: z.object({ routes: z.array(ModelRouteShape) }) }),
    (ctx) => ctx.json({ routes: router.routes }),
  );
  routes.get(
    "/v1/model-stats",
    operation({
      tag: "Models",
      summary: "How each model has done since the start: health, latency, speed, errors, cost",
      response: z.object({ targets: z.array(ModelStatsShape) }),
    }),
    (ctx) => ctx.json({ targets: router.stats() }),
  );
  routes.post(
    "/v1/model-plans",
    operation({
      tag: "Models",
      summary: "Where a request would go and why; nothing is asked",
      response: z.object({ plan: ModelPlanShape }),
      body: Question,
    }),
    async (ctx) => {
      await app.models.loadPrices();
      return ctx.json({ plan: shown(router.plan(questionOf(await readJson(ctx, Question, app.config)))) });
    },
  );
}

function questionOf({ promptTokens, conversation, text, ...rest }: z.infer<typeof Question>): RouteQuestion {
  return {
    ...rest,
    promptTokens: () => promptTokens,
    lastUserText: () => text,
    ...(conversation !== undefined && { stickyKey: () => conversation }),
  };
}

/** Without what a plan holds of the providers: their keys are among it. */
function shown({ candidates, ...plan }: RoutePlan): Json {
  return {
    ...plan,
    candidates: candidates.map(({ target: { id, tags, weight }, reason }) => ({ id, tags, weight, reason })),
  } as unknown as Json;
}

/** The download goes on for as long as somebody listens; asking again goes on where it ended. */
function addPull(routes: Hono<HttpEnv>, app: App): void {
  routes.post(
    "/v1/model-pulls",
    operation({
      tag: "Models",
      summary: "Download a model where its provider keeps them: events of progress, then done",
      body: Name,
      mediaType: "text/event-stream",
    }),
    async (ctx) => {
      const { model } = await readJson(ctx, Name, app.config);
      const recorded = app.engine.record(step("model-pull", { model }), ctx.get("principal"));
      return sseResponse(ctx, (gone) => progress(app.models.inventory.pull(model, gone), { recorded, model }));
    },
  );
}

type Recorded = ReturnType<App["engine"]["record"]>;

async function* progress(
  pieces: AsyncIterable<PullProgress>,
  { recorded, model }: { readonly recorded: Recorded; readonly model: string },
): AsyncGenerator<ServerEvent> {
  let isOver = false;
  try {
    for await (const piece of pieces) yield { event: "progress", data: JSON.stringify(piece) };
    isOver = true;
    await recorded.complete({ model });
    yield { event: "done", data: JSON.stringify({ model }) };
  } catch (thrown) {
    isOver = true;
    const { code, message } = AppError.from(thrown);
    await recorded.fail(code, message);
    yield { event: "error", data: JSON.stringify({ code, message }) };
  } finally {
    if (!isOver) await recorded.fail("cancelled", "the client left before the download was whole");
  }
}

function addActs(routes: Hono<HttpEnv>, app: App): void {
  const { inventory } = app.models;
  routes.post(
    "/v1/model-loads",
    operation({
      tag: "Models",
      summary: "Load a model into its provider's memory, so that the next request need not wait",
      response: ModelNamed,
      body: Load,
    }),
    async (ctx) => {
      const { model, keepAliveMs } = await readJson(ctx, Load, app.config);
      const options = keepAliveMs === undefined ? {} : { keepAliveMs: keepAliveMs ?? Infinity };
      return done(app, ctx, { act: "model-load", model, run: (signal) => inventory.load(model, options, signal) });
    },
  );
  routes.post(
    "/v1/model-unloads",
    operation({ tag: "Models", summary: "Take a model out of memory", response: ModelNamed, body: Name }),
    async (ctx) => {
      const { model } = await readJson(ctx, Name, app.config);
      return done(app, ctx, { act: "model-unload", model, run: (signal) => inventory.unload(model, signal) });
    },
  );
  routes.post(
    "/v1/model-removals",
    operation({ tag: "Models", summary: "Delete a model from its provider's disk", response: ModelNamed, body: Name }),
    async (ctx) => {
      const { model } = await readJson(ctx, Name, app.config);
      return done(app, ctx, { act: "model-remove", model, run: (signal) => inventory.remove(model, signal) });
    },
  );
}

interface Act {
  readonly act: string;
  readonly model: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Decided and journaled, like whatever the owner does to the server. */
async function done(app: App, ctx: HttpContext, { act, model, run }: Act): Promise<Response> {
  const recorded = app.engine.record(step(act, { model }), ctx.get("principal"));
  try {
    await run(ctx.req.raw.signal);
    await recorded.complete({ model });
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    await recorded.fail(code, message);
    throw thrown;
  }
  return ctx.json({ model });
}

function step(name: string, input: Json) {
  return { workflow: "tutti.admin", action: "admin", kind: "step", name, input } as const;
}
