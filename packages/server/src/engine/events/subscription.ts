import { AppError, type Json, type Principal } from "@tutti/core";
import { attributeOf, decodeEventFilter, EVERYTHING, matchesFilter, type CloudEvent, type EventFilter } from "@tutti/core/wire";
import { z } from "zod";
import { checkExpression, evaluateExpression } from "../graph/expression.ts";
import { WEBHOOK_WORKFLOW } from "./webhooks/webhook-workflow.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const POSITION_MAX = Number.MAX_SAFE_INTEGER;
/** What `where` may take of the thread that looks at every event, for each of them: about 10 ms. */
const WHERE_STEPS_MAX = 200_000;

const workflowName = z
  .string()
  .min(1)
  .max(200)
  .refine((name) => !name.startsWith("tutti."), "a workflow of your own");

/** What a subscription does with an event. */
const target = z.discriminatedUnion("type", [
  /** Starts a workflow with the event, or with its data alone. */
  z.strictObject({ type: z.literal("workflow"), workflow: workflowName, input: z.enum(["event", "data"]).default("event") }),
  /** Tells an agent of it: the message, then the event as JSON. */
  z.strictObject({ type: z.literal("agent"), agent: workflowName, message: z.string().max(10_000).default("This event came in:") }),
  /** Sends it on: to an endpoint of the configuration, or to a URL. */
  z.strictObject({
    type: z.literal("webhook"),
    to: z.union([
      z.strictObject({ endpoint: z.string().min(1).max(64) }),
      z.strictObject({ url: z.url({ protocol: /^https$/ }).max(2048) }),
    ]),
  }),
  /** Waits for a client to read and acknowledge. */
  z.strictObject({ type: z.literal("pull") }),
]);

const filter = z
  .json()
  .optional()
  .transform((value): EventFilter => (value === undefined ? EVERYTHING : decodeEventFilter(value)));

/** An expression in CEL about the event, which it knows as `input`: "input.data.total > 100.0". */
const where = z
  .string()
  .max(2_000)
  .superRefine((source, ctx) => {
    const check = checkExpression(source, { input: "dyn" });
    if (!check.ok) ctx.addIssue({ code: "custom", message: `${check.fault.message}, at character ${check.fault.offset + 1}` });
  });

/** Where reading begins: with what comes now, with the first event there is, after a position, or with what came since a moment. */
const from = z.union([z.enum(["now", "beginning"]), z.int().min(0).max(POSITION_MAX), z.iso.datetime({ offset: true })]);

/** A subscription as people ask for it. */
export const subscriptionSchema = z.strictObject({
  name: z.string().regex(NAME, "a name of lower-case letters, digits, dots and dashes, at most 64"),
  filter,
  /** Beside the filter, for what stands in the data. An event for which it has no value, or takes too long, is not wanted. */
  where: where.exactOptional(),
  target,
  /** Events with the same value of this attribute are delivered one after the other. "key" is `partitionkey`, or `subject` without one. */
  orderBy: z
    .string()
    .regex(/^[a-z0-9]{1,64}$/, "key, none, or an attribute's name")
    .default("key"),
  /** Deliveries at once. */
  concurrency: z.int().min(1).max(100).default(10),
  /** What a delivery that failed for good, and is a dead letter now, does to the later events of its key. */
  onFailure: z.enum(["continue", "stop"]).default("continue"),
  from: from.default("now"),
});

/** A subscription as people ask for it, with every default filled in. */
export type SubscriptionSpec = z.output<typeof subscriptionSchema>;

/** Where to read from, as people say it. */
export type Start = z.output<typeof from>;
export const startSchema = from;

/**
 * A subscription as it is kept. Ids of deliveries are made from `epoch` and the event, so within an epoch no event is delivered twice; a
 * rewind begins a new one. `from` is the position the epoch begins after.
 */
export type Subscription = Omit<SubscriptionSpec, "from"> & {
  readonly epoch: string;
  readonly from: number;
  readonly status: "active" | "paused";
  /** Why it is paused. */
  readonly reason: string | null;
  readonly principal: { readonly id: string; readonly tenant: string; readonly roles: readonly string[] };
  readonly createdAt: string;
};

/** Whether a subscription wants an event. Throws when its `where` is no expression. Pure. */
export function isWanted({ filter, where: source }: Pick<Subscription, "filter" | "where">, event: CloudEvent): boolean {
  if (!matchesFilter(filter, event)) return false;
  if (source === undefined) return true;
  try {
    return evaluateExpression(source, { input: event }, WHERE_STEPS_MAX) === true;
  } catch (thrown) {
    // A fault of its own would be one with every event, and all of them would be passed over.
    if (!(thrown instanceof AppError) || thrown.code === "invalid_config") throw thrown;
    // It speaks of something this event does not have.
    return false;
  }
}

/** What a delivery starts. */
export interface DeliveryStart {
  readonly workflow: string;
  readonly input: Json;
}

/** The run that delivers an event, and what `runId` it has; `undefined` for subscriptions that are pulled. */
export function deliveryOf({ target: to }: Pick<Subscription, "target">, event: CloudEvent, runId: string): DeliveryStart | undefined {
  switch (to.type) {
    case "workflow":
      return { workflow: to.workflow, input: to.input === "data" ? (event.data ?? null) : event };
    case "agent":
      return {
        workflow: to.agent,
        input: { messages: [{ role: "user", content: `${to.message}\n\n${JSON.stringify(event, undefined, 2)}` }] },
      };
    case "webhook":
      return { workflow: WEBHOOK_WORKFLOW, input: { ...to.to, event, id: runId } };
    case "pull":
      return undefined;
  }
}

/** The name of the workflow a subscription needs; `undefined` when none. */
export function workflowOf({ target: to }: Pick<Subscription, "target">): string | undefined {
  if (to.type === "workflow") return to.workflow;
  return to.type === "agent" ? to.agent : undefined;
}

/** What an event is ordered by; `undefined` when it need not wait for any other. */
export function keyOf(orderBy: string, event: CloudEvent): string | undefined {
  if (orderBy === "none") return undefined;
  if (orderBy !== "key") return attributeOf(event, orderBy);
  return attributeOf(event, "partitionkey") ?? attributeOf(event, "subject");
}

/** A principal as it is kept. */
export function kept({ id, tenant, roles }: Principal): Subscription["principal"] {
  return { id, tenant, roles: [...roles] };
}
