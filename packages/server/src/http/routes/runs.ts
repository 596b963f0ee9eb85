import { AppError, type Event, type Json, type RunRecord } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import type { Feed } from "../feed.ts";
import { operation } from "../openapi.ts";
import { sseResponse } from "../sse.ts";
import { findRun, readAll, wholeNumber } from "./run-queries.ts";
import { EventPage, OneRun, Replayed, RunDetails, StartedRun } from "../shapes/runs.ts";

const Start = z.object({
  workflow: z.string().min(1).max(200),
  input: z.json().default(null),
  runId: z.uuid().optional(),
  version: z.string().min(1).max(200).optional(),
  limits: z
    .strictObject({ timeMs: z.int().min(1).optional(), tokensMax: z.int().min(0).optional(), costUsdMax: z.number().min(0).optional() })
    .optional(),
  queue: z
    .strictObject({ queue: z.string().min(1).max(200), key: z.string().max(200).default(""), priority: z.int().default(0) })
    .optional(),
});
const Cancel = z.object({ reason: z.string().min(1).max(2000).default("cancelled by its owner") });
const Signal = z.object({ value: z.json().default(null), id: z.string().min(1).max(200).optional() });

/** Start, look, follow, steer and replay runs. */
export function runRoutes(app: App, feed: Feed): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  addStart(routes, app);
  routes.get(
    "/v1/runs/:id",
    operation({ tag: "Runs", summary: "One run: where it stands, its result, what it waits for", response: RunDetails }),
    async (ctx) => ctx.json(await details(app, await findRun(app, ctx.req.param("id")))),
  );
  routes.post(
    "/v1/runs/:id/cancel",
    operation({ tag: "Runs", summary: "Cancel a run", response: OneRun, body: Cancel, status: 202 }),
    async (ctx) => {
      const run = await findRun(app, ctx.req.param("id"));
      const { reason } = await readJson(ctx, Cancel, app.config);
      await app.engine.cancel(run.id, reason, ctx.get("principal"));
      return ctx.json({ run: await findRun(app, run.id) }, 202);
    },
  );
  routes.post(
    "/v1/runs/:id/signals/:name",
    operation({ tag: "Runs", summary: "Send a signal to a run", response: OneRun, body: Signal, status: 202 }),
    async (ctx) => {
      const run = await findRun(app, ctx.req.param("id"));
      refuseBuiltIn(run, ctx.req.param("name"));
      const { value, id } = await readJson(ctx, Signal, app.config);
      await app.engine.signal(run.id, { name: ctx.req.param("name"), value, id }, ctx.get("principal"));
      return ctx.json({ run: await findRun(app, run.id) }, 202);
    },
  );
  routes.post(
    "/v1/runs/:id/replay",
    operation({ tag: "Runs", summary: "Run the workflow again over its log, touching nothing", response: Replayed }),
    async (ctx) => ctx.json(await app.engine.replay((await findRun(app, ctx.req.param("id"))).id)),
  );
  routes.get(
    "/v1/runs/:id/events",
    operation({
      tag: "Runs",
      summary: "A run's events; as server-sent events when asked for, resumable by Last-Event-ID",
      response: EventPage,
      isStreamed: true,
      query: { after: "only events after this seq", limit: "at most so many" },
    }),
    async (ctx) => {
      const run = await findRun(app, ctx.req.param("id"));
      const afterSeq = wholeNumber(ctx, "after", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
      const from = lastEventId(ctx) ?? afterSeq;
      if (ctx.req.header("accept")?.includes("text/event-stream")) return sseResponse(ctx, (gone) => feed.follow(run.id, from, gone));
      const limit = wholeNumber(ctx, "limit", { min: 1, max: 1000, fallback: 1000 });
      return ctx.json({ events: await app.store.read(run.id, { afterSeq, limit }) });
    },
  );
  return routes;
}

function addStart(routes: Hono<HttpEnv>, app: App): void {
  routes.post(
    "/v1/runs",
    operation({ tag: "Runs", summary: "Start a run", body: Start, response: StartedRun, status: 201 }),
    async (ctx) => {
      const { workflow, input, runId, version, limits, queue } = await readJson(ctx, Start, app.config);
      if (workflow.startsWith("tutti."))
        throw new AppError("not_found", `wanted a workflow to start, got "${workflow}", which Tutti starts itself`);
      const started = await app.engine.start(workflow, input, {
        principal: ctx.get("principal"),
        ...(runId !== undefined && { runId }),
        ...(version !== undefined && { version }),
        ...(limits && { limits }),
        ...(queue && { queue }),
      });
      const run = await findRun(app, started.runId);
      return ctx.json({ run, url: new URL(`/v1/runs/${run.id}`, ctx.req.url).href }, 201);
    },
  );
}

/** Tutti's own runs take their commands from their own routes, which check them; only graphs listen to people. */
function refuseBuiltIn({ workflow }: RunRecord, signal: string): void {
  const isOpen = !workflow.startsWith("tutti.") || workflow === "tutti.graph" || (workflow === "tutti.webhook" && signal === "retry");
  if (!isOpen)
    throw new AppError("denied", `wanted a run that takes signals from people, got a run of "${workflow}", which Tutti steers itself`);
}

function lastEventId(ctx: HttpContext): number | undefined {
  const value = ctx.req.header("last-event-id");
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new AppError("invalid_input", `wanted Last-Event-ID to be the seq of an event, got "${value}"`);
}

/** Where a run stands. What it waits for is read from its log: the waits that have not ended. */
async function details(app: App, run: RunRecord): Promise<Json> {
  const events =
    run.status === "completed" || run.status === "failed" || run.status === "cancelled"
      ? await app.store.read(run.id, { afterSeq: run.events - 1, limit: 1 })
      : await readAll(app, run.id);
  const last = events.at(-1);
  return {
    run: { ...run },
    ...(last?.type === "run.completed" && { output: last.output }),
    ...(last?.type === "run.recorded" &&
      (last.outcome.ok ? { output: last.outcome.output } : { error: { code: last.outcome.code, message: last.outcome.message } })),
    ...((last?.type === "run.failed" || last?.type === "run.paused") && { error: { code: last.code, message: last.message } }),
    ...(last?.type === "run.cancelled" && { error: { code: "cancelled", message: last.reason } }),
    waitingFor: waits(events),
  };
}

function waits(events: readonly Event[]): readonly Json[] {
  const open = new Map<string, Json>();
  for (const event of events) {
    if (event.type === "step.waiting") open.set(event.key, { key: event.key, kind: event.kind, name: event.name, until: event.until });
    else if (event.type === "step.completed" || event.type === "step.cancelled" || event.type === "approval.answered")
      open.delete(event.key);
  }
  return [...open.values()];
}
