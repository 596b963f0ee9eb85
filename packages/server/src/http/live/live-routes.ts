import { AppError, parse } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { parseJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { sseResponse, unheldSseResponse, type ServerEvent } from "../sse.ts";
import { openFeed } from "./feeds.ts";
import type { LiveDoor } from "./live-door.ts";
import { readFeeds, topicSchema, type Topic } from "./topics.ts";

const FEEDS_DEPTH_MAX = 8;

/** The same feeds as server-sent events, one topic a request, for programs without WebSockets and for `curl`. */
export function liveRoutes(door: LiveDoor): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/live",
    operation({
      tag: "Events",
      summary: "What happens now, as server-sent events of one topic, resumable by Last-Event-ID; over a WebSocket, many topics at once",
      mediaType: "text/event-stream",
      query: {
        topic: "runs, run, log, approvals or overview",
        run: "the run's id, for the topics run and log",
        workflow: "for runs: only of these workflows, with commas between",
        status: "for runs: only those that stand so, with commas between",
        parent: "for runs: none, or the id of the run that started them",
        q: "for runs: only those in which this text stands, as in lists of runs",
        type: "for log: only events of these types, with commas between",
        after: "where to begin, as the ids of events say; now unless given",
        feeds:
          "instead of all others: many feeds at once, as JSON, each as a WebSocket is asked for it; what comes is what a socket is told",
      },
    }),
    async (ctx) => {
      const feeds = ctx.req.query("feeds");
      if (feeds !== undefined) {
        const asked = await readFeeds(parseJson(Buffer.from(feeds), FEEDS_DEPTH_MAX));
        return unheldSseResponse(door.stream(ctx.env.incoming, asked));
      }
      const topic = await askedTopic(ctx);
      return sseResponse(ctx, (gone) => told(door, topic, gone));
    },
  );
  return routes;
}

async function* told(door: LiveDoor, topic: Topic, gone: AbortSignal): AsyncGenerator<ServerEvent> {
  try {
    for await (const news of openFeed(door.sources, topic, gone)) {
      if (news === "heartbeat") yield news;
      else if (news.type === "ended") yield { event: "ended", data: "{}" };
      else {
        const { type, position, ...rest } = news;
        yield { event: type, id: String(position), data: JSON.stringify("data" in rest ? rest.data : { ...rest, position }) };
      }
    }
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    yield { event: "error", data: JSON.stringify({ code, message }) };
  }
}

const topicName = z.enum(["runs", "run", "log", "approvals", "overview"]);

async function askedTopic(ctx: HttpContext): Promise<Topic> {
  const topic = await parse(topicName, ctx.req.query("topic"), "topic");
  const list = (name: string): readonly string[] | undefined => ctx.req.query(name)?.split(",");
  const [workflows, statuses, types] = [list("workflow"), list("status"), list("type")];
  const parent = ctx.req.query("parent");
  const text = ctx.req.query("q");
  const runId = ctx.req.query("run");
  const after = afterOf(ctx);
  const filters = {
    runs: {
      filter: {
        ...(workflows && { workflows }),
        ...(statuses && { statuses }),
        ...(parent !== undefined && { parent }),
        ...(text !== undefined && { text }),
      },
    },
    log: { filter: { ...(types && { types }), ...(runId !== undefined && { runId }) } },
    run: { runId },
    approvals: {},
    overview: {},
  };
  return parse(topicSchema, { topic, ...filters[topic], ...(after !== undefined && { after }) }, "the query");
}

function afterOf(ctx: HttpContext): number | undefined {
  const text = ctx.req.header("last-event-id") || ctx.req.query("after");
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError("invalid_input", `wanted after and Last-Event-ID to be the id of an event, got "${text.slice(0, 40)}"`);
}
