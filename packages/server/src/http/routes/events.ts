import { randomUUID } from "node:crypto";
import { AppError, parse } from "@tutti/core";
import {
  CLOUD_EVENT_BATCH_TYPE,
  CLOUD_EVENT_TYPE,
  decodeBinaryEvent,
  decodeCloudEvent,
  decodeCloudEvents,
  decodeEventFilter,
  isJsonType,
  patternFilter,
  type CloudEvent,
  type EventData,
  type EventFilter,
} from "@tutti/core/wire";
import { Hono } from "hono";
import { z } from "zod";
import { startSchema, subscriptionSchema, type Events, type Publication, type Start } from "../../engine/index.ts";
import type { App } from "../../host/index.ts";
import { parseJson, readBytes, readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { Bell, sseResponse, type ServerEvent } from "../sse.ts";
import { wholeNumber } from "./run-queries.ts";
import { OneSubscription, PublicationPage, PublishedEvent, Subscription } from "../shapes/events.ts";
import { Deleted } from "../shapes/values.ts";

/** Publications read at once. */
const PAGE = 200;
const PATTERNS = ["type", "source", "subject"] as const;

/** An event as people write one by hand; what is left out is filled in. */
const Plain = z.strictObject({
  type: z.string(),
  data: z.json().optional(),
  source: z.string().default("/v1/events"),
  id: z.string().optional(),
  subject: z.string().optional(),
  key: z.string().optional(),
  time: z.string().optional(),
});
const Reason = z.object({ reason: z.string().min(1).max(2000).default("paused by its owner") });
const Rewind = z.object({ to: startSchema });
const Ack = z.object({ position: z.int().min(0) });
const SUBSCRIPTION = { response: OneSubscription };

const FILTER_QUERY = {
  type: 'only events of this type; one star stands for anything: "order.*"; commas separate alternatives',
  source: "only events of this source",
  subject: "only events of this subject",
  filter: "a filter as JSON, in the dialects of the CloudEvents Subscriptions API",
  from: "now, beginning, a position (what is after it), or a time (what came since)",
};

/** Publish, read, follow and subscribe. */
export function eventRoutes(app: App): Hono<HttpEnv> {
  const { events } = app;
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/events",
    operation({
      tag: "Events",
      summary: "Publish events: CloudEvents 1.0 (structured, batched or binary), or {type, data}",
      body: Plain,
      response: z.object({ events: z.array(PublishedEvent) }),
      status: 202,
    }),
    async (ctx) => {
      const given = await readEvents(ctx, app.config);
      const published = [];
      // One after the other: the order they are given in is the order of the log.
      for (const event of given) published.push(await events.publish(event, ctx.get("principal")));
      return ctx.json({ events: published }, 202);
    },
  );
  routes.get(
    "/v1/events",
    operation({
      tag: "Events",
      summary: "Published events, oldest first; as server-sent events when asked for, resumable by Last-Event-ID",
      response: PublicationPage,
      isStreamed: true,
      query: { ...FILTER_QUERY, limit: "at most so many are looked at, 1 to 1000" },
    }),
    async (ctx) => {
      const filter = filterOf(ctx);
      const isStream = wantsStream(ctx);
      const after = lastEventId(ctx) ?? (await events.subscriptions.resolve(await startOf(ctx, isStream ? "now" : "beginning")));
      const read: Reading["read"] = (page) => events.read(page, filter);
      return isStream ? sseResponse(ctx, (gone) => follow(events, { after, read }, gone)) : ctx.json(await pageOf(ctx, { after, read }));
    },
  );
  routes.route("/", subscriptionRoutes(app, events));
  routes.route("/", pullRoutes(app));
  return routes;
}

function subscriptionRoutes(app: App, { subscriptions }: Events): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/subscriptions",
    operation({
      tag: "Events",
      summary: "All subscriptions, and how far they have come",
      response: z.object({ subscriptions: z.array(Subscription) }),
    }),
    async (ctx) => ctx.json({ subscriptions: await subscriptions.list() }),
  );
  routes.post(
    "/v1/subscriptions",
    operation({
      tag: "Events",
      summary: "Subscribe; the same again changes nothing",
      body: subscriptionSchema,
      ...SUBSCRIPTION,
      status: 201,
    }),
    async (ctx) => {
      const spec = await readJson(ctx, subscriptionSchema, app.config);
      return ctx.json({ subscription: await subscriptions.create(spec, ctx.get("principal")) }, 201);
    },
  );
  routes.get("/v1/subscriptions/:name", operation({ tag: "Events", summary: "One subscription", ...SUBSCRIPTION }), async (ctx) =>
    ctx.json({ subscription: await subscriptions.view(ctx.req.param("name")) }),
  );
  routes.post(
    "/v1/subscriptions/:name/delete",
    operation({ tag: "Events", summary: "Delete a subscription; runs it started go on", response: Deleted, status: 202 }),
    async (ctx) => {
      await subscriptions.remove(ctx.req.param("name"), ctx.get("principal"));
      return ctx.json({ deleted: ctx.req.param("name") }, 202);
    },
  );
  routes.post(
    "/v1/subscriptions/:name/pause",
    operation({ tag: "Events", summary: "Deliver nothing until it is resumed", body: Reason, ...SUBSCRIPTION }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Reason, app.config);
      return ctx.json({ subscription: await subscriptions.pause(ctx.req.param("name"), reason, ctx.get("principal")) });
    },
  );
  routes.post(
    "/v1/subscriptions/:name/resume",
    operation({ tag: "Events", summary: "Go on from where it was", ...SUBSCRIPTION }),
    async (ctx) => ctx.json({ subscription: await subscriptions.resume(ctx.req.param("name"), ctx.get("principal")) }),
  );
  routes.post(
    "/v1/subscriptions/:name/rewind",
    operation({ tag: "Events", summary: "Deliver again from a position or time, or skip to one", body: Rewind, ...SUBSCRIPTION }),
    async (ctx) => {
      const { to } = await readJson(ctx, Rewind, app.config);
      return ctx.json({ subscription: await subscriptions.rewind(ctx.req.param("name"), to, ctx.get("principal")) });
    },
  );
  return routes;
}

/** For clients that fetch their events themselves: what is not acknowledged is there again. */
function pullRoutes(app: App): Hono<HttpEnv> {
  const { events } = app;
  const { subscriptions } = events;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/subscriptions/:name/events",
    operation({
      tag: "Events",
      summary: "What a pulled subscription has not acknowledged; as server-sent events when asked for",
      response: PublicationPage,
      isStreamed: true,
      query: { after: "only events after this position", limit: "at most so many are looked at, 1 to 1000" },
    }),
    async (ctx) => {
      const name = ctx.req.param("name");
      const acknowledged = await subscriptions.position(name);
      const after = lastEventId(ctx) ?? wholeNumber(ctx, "after", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: acknowledged });
      const read: Reading["read"] = (page) => subscriptions.pull(name, page);
      if (!wantsStream(ctx)) return ctx.json(await pageOf(ctx, { after, read }));
      // A subscription that cannot be pulled is refused now, not in the middle of a stream.
      await read({ after, limit: 1 });
      return sseResponse(ctx, (gone) => follow(events, { after, read }, gone));
    },
  );
  routes.post(
    "/v1/subscriptions/:name/ack",
    operation({ tag: "Events", summary: "Everything up to this position is done with", body: Ack, response: Ack }),
    async (ctx) => {
      const { position } = await readJson(ctx, Ack, app.config);
      return ctx.json({ position: await subscriptions.acknowledge(ctx.req.param("name"), position) });
    },
  );
  return routes;
}

/** A place in the log and a way to read on from it; events that are not wanted are left out of their places. */
interface Reading {
  readonly after: number;
  readonly read: (page: { readonly after: number; readonly limit: number }) => Promise<readonly Publication[]>;
}

/** Events as they come, until the client is gone. They are read from the log, so a slow client costs no memory and misses nothing. */
async function* follow(events: Events, { after, read }: Reading, gone: AbortSignal): AsyncGenerator<ServerEvent> {
  const bell = new Bell();
  using _ = events.onPublished(() => bell.ring());
  gone.addEventListener("abort", () => bell.ring());
  for (let position = after; !gone.aborted;) {
    const page = await read({ after: position, limit: PAGE });
    for (const publication of page) {
      position = publication.position;
      // Without a name, so that an EventSource's `onmessage` gets them all.
      if (publication.event !== undefined) yield { id: String(position), data: JSON.stringify(publication.event) };
    }
    if (page.length < PAGE && !gone.aborted && !(await bell.wait())) yield "heartbeat";
  }
}

/** The wanted ones among the next `limit`, and where the next page begins, whether any was wanted or not. */
async function pageOf(
  ctx: HttpContext,
  { after, read }: Reading,
): Promise<{ readonly events: readonly Publication[]; readonly nextAfter: number }> {
  const page = await read({ after, limit: wholeNumber(ctx, "limit", { min: 1, max: 1000, fallback: 100 }) });
  return { events: page.filter(({ event }) => event !== undefined), nextAfter: page.at(-1)?.position ?? after };
}

async function readEvents(ctx: HttpContext, limits: App["config"]): Promise<readonly CloudEvent[]> {
  const { headers } = ctx.env.incoming;
  const contentType = headers["content-type"] ?? "";
  const bytes = await readBytes(ctx.env.incoming, limits.requestBytesMax);
  if (isMedia(contentType, CLOUD_EVENT_BATCH_TYPE)) return decodeCloudEvents(parseJson(bytes, limits.requestDepthMax));
  if (isMedia(contentType, CLOUD_EVENT_TYPE)) return [decodeCloudEvent(parseJson(bytes, limits.requestDepthMax))];
  if (headers["ce-specversion"] !== undefined) {
    const texts = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
    );
    return [decodeBinaryEvent({ headers: texts, data: dataOf(bytes, contentType, limits.requestDepthMax) })];
  }
  const {
    key,
    id = randomUUID(),
    time = new Date().toISOString(),
    ...plain
  } = await parse(Plain, parseJson(bytes, limits.requestDepthMax), "the request body");
  const isThere = plain.data !== undefined;
  return [
    decodeCloudEvent({
      specversion: "1.0",
      id,
      time,
      ...plain,
      ...(key !== undefined && { partitionkey: key }),
      ...(isThere && { datacontenttype: "application/json" }),
    }),
  ];
}

function dataOf(bytes: Buffer, contentType: string, depthMax: number): EventData {
  if (bytes.length === 0) return { type: "none" };
  if (contentType === "" || isJsonType(contentType)) return { type: "json", value: parseJson(bytes, depthMax) };
  return /^text\//i.test(contentType)
    ? { type: "text", text: bytes.toString("utf8") }
    : { type: "bytes", base64: bytes.toString("base64") };
}

function isMedia(contentType: string, type: string): boolean {
  return contentType.split(";", 1)[0]?.trim().toLowerCase() === type;
}

function filterOf(ctx: HttpContext): EventFilter {
  const patterns = PATTERNS.flatMap((name) => {
    const pattern = ctx.req.query(name);
    return pattern === undefined ? [] : [patternFilter(name, pattern)];
  });
  const text = ctx.req.query("filter");
  return { all: [...patterns, ...(text === undefined ? [] : [decodeEventFilter(asJson(text))])] };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new AppError("invalid_input", 'wanted filter to be JSON such as {"prefix":{"type":"order."}}, got a text that is none', {
      cause: error,
    });
  }
}

function startOf(ctx: HttpContext, fallback: Start): Promise<Start> {
  const text = ctx.req.query("from");
  if (text === undefined) return Promise.resolve(fallback);
  return parse(startSchema, /^\d{1,16}$/.test(text) ? Number(text) : text, "from");
}

function wantsStream(ctx: HttpContext): boolean {
  return ctx.req.header("accept")?.includes("text/event-stream") === true;
}

function lastEventId(ctx: HttpContext): number | undefined {
  const value = ctx.req.header("last-event-id");
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new AppError("invalid_input", `wanted Last-Event-ID to be the position of an event, got "${value}"`);
}
