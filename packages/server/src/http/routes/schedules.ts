import { Hono } from "hono";
import { z } from "zod";
import { PREVIEW_MAX, scheduleSchema } from "../../engine/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { wholeNumber } from "./run-queries.ts";
import { OneSchedule, ScheduleShape, Ticks } from "../shapes/schedules.ts";
import { Deleted } from "../shapes/values.ts";

const Anything = z.json();
const Pause = z.object({ reason: z.string().min(1).max(2000).default("paused by its owner") });
const Delete = z.object({ reason: z.string().min(1).max(2000).default("deleted by its owner") });
const COUNT = { min: 1, max: PREVIEW_MAX, fallback: 10 } as const;
const COUNT_QUERY = { count: `1 to ${PREVIEW_MAX}, 10 unless given` };

/** Schedules: make, list, look ahead, change, pause, trigger and delete. */
export function scheduleRoutes(app: App): Hono<HttpEnv> {
  const { schedules } = app;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/schedules",
    operation({
      tag: "Schedules",
      summary: "All schedules: the next tick, the last one, what was missed",
      response: z.object({ schedules: z.array(ScheduleShape) }),
    }),
    async (ctx) => ctx.json({ schedules: await schedules.list() }),
  );
  routes.post(
    "/v1/schedules",
    operation({ tag: "Schedules", summary: "Make a schedule", response: OneSchedule, body: scheduleSchema, status: 201 }),
    async (ctx) => ctx.json({ schedule: await schedules.create(await readJson(ctx, Anything, app.config), ctx.get("principal")) }, 201),
  );
  routes.post(
    "/v1/schedules/preview",
    operation({
      tag: "Schedules",
      summary: "When a schedule would be due; makes none",
      response: Ticks,
      body: scheduleSchema,
      query: COUNT_QUERY,
    }),
    async (ctx) => {
      const count = wholeNumber(ctx, "count", COUNT);
      return ctx.json({ next: await schedules.preview(await readJson(ctx, Anything, app.config), count) });
    },
  );
  routes.get("/v1/schedules/:name", operation({ tag: "Schedules", summary: "One schedule", response: OneSchedule }), async (ctx) =>
    ctx.json({ schedule: await schedules.show(ctx.req.param("name")) }),
  );
  routes.post(
    "/v1/schedules/:name",
    operation({
      tag: "Schedules",
      summary: "Give a schedule other settings, from now on",
      response: OneSchedule,
      body: scheduleSchema,
      status: 202,
    }),
    async (ctx) => {
      const settings = await readJson(ctx, Anything, app.config);
      return ctx.json({ schedule: await schedules.update(ctx.req.param("name"), settings, ctx.get("principal")) }, 202);
    },
  );
  routes.get(
    "/v1/schedules/:name/next",
    operation({ tag: "Schedules", summary: "When a schedule is due next", response: Ticks, query: COUNT_QUERY }),
    async (ctx) => ctx.json({ next: await schedules.next(ctx.req.param("name"), wholeNumber(ctx, "count", COUNT)) }),
  );
  addActs(routes, app);
  return routes;
}

function addActs(routes: Hono<HttpEnv>, app: App): void {
  const { schedules } = app;
  routes.post(
    "/v1/schedules/:name/pause",
    operation({ tag: "Schedules", summary: "Start no more ticks until it is resumed", response: OneSchedule, body: Pause, status: 202 }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Pause, app.config);
      return ctx.json({ schedule: await schedules.pause(ctx.req.param("name"), reason, ctx.get("principal")) }, 202);
    },
  );
  routes.post(
    "/v1/schedules/:name/resume",
    operation({ tag: "Schedules", summary: "Go on after a pause", response: OneSchedule, status: 202 }),
    async (ctx) => ctx.json({ schedule: await schedules.resume(ctx.req.param("name"), ctx.get("principal")) }, 202),
  );
  routes.post(
    "/v1/schedules/:name/trigger",
    operation({
      tag: "Schedules",
      summary: "A tick of its own, now; `runId` is the run it starts, if its rule for overlaps lets it",
      response: z.object({ runId: z.string() }),
      status: 202,
    }),
    async (ctx) => ctx.json({ runId: await schedules.trigger(ctx.req.param("name"), ctx.get("principal")) }, 202),
  );
  routes.post(
    "/v1/schedules/:name/delete",
    operation({ tag: "Schedules", summary: "End a schedule; the runs it has started go on", response: Deleted, body: Delete, status: 202 }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Delete, app.config);
      await schedules.delete(ctx.req.param("name"), reason, ctx.get("principal"));
      return ctx.json({ deleted: ctx.req.param("name") }, 202);
    },
  );
}
