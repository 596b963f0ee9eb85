import { z } from "zod";
import { anyObject, count, json } from "./values.ts";

/** An event in the format of CloudEvents 1.0, with whatever extensions it has. */
const CloudEventShape = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string(),
    source: z.string(),
    type: z.string(),
    subject: z.string().exactOptional(),
    time: z.string().exactOptional(),
    datacontenttype: z.string().exactOptional(),
    dataschema: z.string().exactOptional(),
    data: json.exactOptional(),
    data_base64: z.string().exactOptional(),
  })
  .catchall(json)
  .meta({ id: "CloudEvent", description: "An event in the format of CloudEvents 1.0." });

/** An event that is in the log; `isDuplicate` when it was there before. */
export const PublishedEvent = z.object({ id: z.string(), source: z.string(), runId: z.string(), isDuplicate: z.boolean() });

/** Events and their places in the log. */
export const PublicationPage = z.object({
  events: z.array(z.object({ position: z.int(), event: CloudEventShape })),
  nextAfter: z.int(),
});

const subscriptionTarget = z.discriminatedUnion("type", [
  z.object({ type: z.literal("workflow"), workflow: z.string(), input: z.enum(["event", "data"]).exactOptional() }),
  z.object({ type: z.literal("agent"), agent: z.string(), message: z.string().exactOptional() }),
  z.object({
    type: z.literal("webhook"),
    to: z.union([z.object({ endpoint: z.string() }), z.object({ url: z.string() })]),
  }),
  z.object({ type: z.literal("pull") }),
]);

/** A subscription, how far it has come, and how much is under way. */
export const Subscription = z.object({
  name: z.string(),
  filter: anyObject,
  where: z.string().exactOptional(),
  target: subscriptionTarget,
  orderBy: z.string(),
  concurrency: z.int(),
  onFailure: z.enum(["continue", "stop"]),
  epoch: z.string(),
  status: z.enum(["active", "paused"]),
  reason: z.string().nullable(),
  principalId: z.string(),
  createdAt: z.string(),
  position: z.int(),
  open: count,
  isCaughtUp: z.boolean(),
});

/** One of them. */
export const OneSubscription = z.object({ subscription: Subscription });

/** An endpoint for webhooks, as the configuration has it, without its secrets. */
export const WebhookEndpoint = z.looseObject({
  name: z.string(),
  direction: z.enum(["in", "out"]),
  signature: z.string().exactOptional(),
  path: z.string().exactOptional(),
  url: z.string().exactOptional(),
  type: z.string().exactOptional(),
  secrets: count,
  toleranceSeconds: z.number(),
  privateAllow: z.boolean(),
});

/** What signs webhooks to a URL. */
export const WebhookSecret = z.object({ url: z.string(), secret: z.string() });
