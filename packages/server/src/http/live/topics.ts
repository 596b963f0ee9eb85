import { AppError, parse } from "@tutti/core";
import { z } from "zod";
import { STATUSES } from "../routes/run-filter.ts";
import { TEXT_CHARACTERS_MAX } from "../routes/run-search.ts";

const WORKFLOWS_MAX = 50;
const TYPES_MAX = 50;

const after = z.int().min(0).optional();
const runsFilter = z.strictObject({
  workflows: z.array(z.string().min(1).max(200)).max(WORKFLOWS_MAX).optional(),
  statuses: z.array(z.enum(STATUSES)).max(STATUSES.length).optional(),
  parent: z.string().min(1).max(200).optional(),
  text: z.string().min(1).max(TEXT_CHARACTERS_MAX).optional(),
});
const logFilter = z.strictObject({
  types: z.array(z.string().min(1).max(100)).max(TYPES_MAX).optional(),
  runId: z.string().min(1).max(200).optional(),
});

/** What can be listened to. */
export const topicSchema = z.discriminatedUnion("topic", [
  z.strictObject({ topic: z.literal("runs"), filter: runsFilter.optional(), after }),
  z.strictObject({ topic: z.literal("run"), runId: z.string().min(1).max(200), after }),
  z.strictObject({ topic: z.literal("log"), filter: logFilter.optional(), after }),
  z.strictObject({ topic: z.literal("approvals"), after }),
  z.strictObject({ topic: z.literal("overview"), after }),
]);

/** One of them. */
export type Topic = z.output<typeof topicSchema>;

const id = z.string().min(1).max(64);
const requestSchema = z.union([
  z.object({ type: z.literal("subscribe"), id }).loose(),
  z.strictObject({ type: z.literal("unsubscribe"), id }),
  z.strictObject({ type: z.literal("ack"), id, position: z.int().min(0) }),
]);

/** What a client says on the socket. */
export type LiveAsk =
  | { readonly type: "subscribe"; readonly id: string; readonly topic: Topic }
  | { readonly type: "unsubscribe" | "ack"; readonly id: string };

/** Reads what a client says; throws `invalid_input`. */
export async function readRequest(value: unknown): Promise<LiveAsk> {
  const request = await parse(requestSchema, value, "the message");
  if (request.type !== "subscribe") return { type: request.type, id: request.id };
  const { type, id: subscription, ...rest } = request;
  return { type, id: subscription, topic: await parse(topicSchema, rest, "the topic") };
}

/** A feed as a stream of many asks for it. */
export interface FeedAsked {
  readonly id: string;
  readonly topic: Topic;
}

/** Feeds of one stream; a socket has as many. */
const FEEDS_MAX = 64;
const feedsSchema = z.array(z.object({ id }).loose()).max(FEEDS_MAX);

/** Reads what a stream of many feeds is to hold; throws `invalid_input`. */
export async function readFeeds(value: unknown): Promise<readonly FeedAsked[]> {
  const asked = await parse(feedsSchema, value, "feeds");
  if (new Set(asked.map((feed) => feed.id)).size < asked.length)
    throw new AppError("invalid_input", "wanted feeds with an id of their own each, got one twice");
  return Promise.all(asked.map(async ({ id: name, ...topic }) => ({ id: name, topic: await parse(topicSchema, topic, `feed ${name}`) })));
}
