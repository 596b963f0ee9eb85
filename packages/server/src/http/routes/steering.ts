import { AppError, type RunRecord } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { findRun } from "./run-queries.ts";
import { OneRun, QueryAnswer, Queue, StartedRun } from "../shapes/runs.ts";

const Resume = z.object({ version: z.string().min(1).max(200).optional() });
const Fork = z.object({
  beforeKey: z.string().min(1).max(200).optional(),
  input: z.json().optional(),
  outputs: z.record(z.string().max(200), z.json()).optional(),
});

/** What people do to runs that are under way, or that failed: ask, resume, fork; and what waits in queues. */
export function steeringRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/runs/:id/resume",
    operation({
      tag: "Runs",
      summary: "Go on with a paused run, under another version if named",
      response: OneRun,
      body: Resume,
      status: 202,
    }),
    async (ctx) => {
      const { version } = await readJson(ctx, Resume, app.config);
      await app.engine.resume(ctx.req.param("id"), version === undefined ? {} : { version }, ctx.get("principal"));
      return answerWith(ctx, app);
    },
  );
  routes.post(
    "/v1/runs/:id/fork",
    operation({
      tag: "Runs",
      summary: "Start a run whose log begins with this one's: before the step that failed it, or before any other",
      body: Fork,
      response: StartedRun,
      status: 201,
    }),
    async (ctx) => {
      requireForkable(await findRun(app, ctx.req.param("id")));
      const { beforeKey, input, outputs } = await readJson(ctx, Fork, app.config);
      const fork = { ...(beforeKey !== undefined && { beforeKey }), ...(input !== undefined && { input }), ...(outputs && { outputs }) };
      const { runId } = await app.engine.fork(ctx.req.param("id"), fork, ctx.get("principal"));
      return ctx.json({ run: await findRun(app, runId), url: new URL(`/v1/runs/${runId}`, ctx.req.url).href }, 201);
    },
  );
  routes.get(
    "/v1/runs/:id/queries/:name",
    operation({ tag: "Runs", summary: "What a run says of itself now", response: QueryAnswer }),
    async (ctx) => ctx.json({ value: await app.engine.query(ctx.req.param("id"), ctx.req.param("name")) }),
  );
  routes.get(
    "/v1/queues",
    operation({ tag: "Runs", summary: "The queues, their bounds, and how full they are", response: z.object({ queues: z.array(Queue) }) }),
    (ctx) => ctx.json({ queues: app.engine.queues }),
  );
  return routes;
}

/** Throws `denied` for runs that Tutti starts itself. */
export function requireForkable({ workflow }: RunRecord): void {
  if (workflow.startsWith("tutti.") && workflow !== "tutti.graph")
    throw new AppError("denied", `wanted a run that people start, got a run of "${workflow}", which Tutti starts itself`);
}

async function answerWith(ctx: HttpContext, app: App): Promise<Response> {
  const id = ctx.req.param("id");
  if (id === undefined) throw new AppError("not_found", "wanted a run's id in the path, got none");
  return ctx.json({ run: await findRun(app, id) }, 202);
}
