import { AppError, defineWorkflow, type Json, type Workflow } from "@tutti/core";
import { CLOUD_EVENT_TYPE, decodeCloudEvent, type CloudEvent } from "@tutti/core/wire";
import { z } from "zod";
import { nextMove, RETRY_DELAYS_MS, type Attempt } from "./retry.ts";
import type { WebhookSender } from "./send.ts";
import { signStandard } from "./signatures.ts";

/** The name of the workflow that delivers one event to one receiver. */
export const WEBHOOK_WORKFLOW = "tutti.webhook";

/** The signal that sends a webhook again at once. */
const RETRY_SIGNAL = "retry";
/** Longer than the sender's own bound, so that the engine never cuts an attempt off whose end it could have known. */
const STEP_TIMEOUT_MS = 60_000;

/** A receiver: where it is and what signs what it gets. */
export interface Receiver {
  readonly url: string;
  readonly secrets: readonly string[];
  readonly privateAllow: boolean;
}

/** Who receives: an endpoint of the configuration by its name, or any public URL. */
export type ReceiverRef = { readonly endpoint: string } | { readonly url: string };

/** What the workflow works with. Secrets come from here at each attempt; the log never sees them. */
export interface WebhookParts {
  readonly sender: Pick<WebhookSender, "send">;
  /** Throws `not_found` when there is no such endpoint. */
  readonly receiver: (ref: ReceiverRef) => Receiver | Promise<Receiver>;
  /** Instead of the schedule that `RETRY_DELAYS_MS` states. */
  readonly delaysMs?: readonly number[];
}

/** A delivery's input. `id` is what the receiver may know it by. */
type Delivery = ReceiverRef & { readonly id: string; readonly event: CloudEvent };

const message = { id: z.string().regex(/^[\w-]{1,128}$/), event: z.json() };
const input = z
  .union([z.object({ endpoint: z.string(), ...message }), z.object({ url: z.url(), ...message })])
  .transform((given): Delivery => ({ ...given, event: decodeCloudEvent(given.event) }));

/**
 * Delivers one event to one receiver, signed as Standard Webhooks are: `webhook-id` is the delivery's id, the same at every attempt and when
 * it is sent again by hand, so that a receiver that got it twice knows. Each attempt is a step whose output says what the receiver answered.
 */
export function webhookWorkflow({ sender, receiver, delaysMs = RETRY_DELAYS_MS }: WebhookParts): Workflow<Delivery, Json> {
  return defineWorkflow<Delivery, Json>({
    name: WEBHOOK_WORKFLOW,
    version: "1",
    description: "One webhook, sent until it is taken",
    input,
    signals: { [RETRY_SIGNAL]: z.json() },
    async run(ctx, delivery) {
      const attempts: Attempt[] = [];
      for (;;) {
        const attempt = await ctx.step(
          `attempt ${attempts.length + 1}`,
          async ({ signal }): Promise<Attempt> => {
            const { url, secrets, privateAllow } = await receiver(delivery);
            const atMs = Date.now();
            const body = JSON.stringify(delivery.event);
            const headers = { "content-type": CLOUD_EVENT_TYPE, ...signStandard({ id: delivery.id, atMs, body, secrets }) };
            const outcome = await sender.send({ url, headers, body, privateAllow }, signal);
            return { ...outcome, atMs, random: Math.random() };
          },
          { attemptsMax: 1, timeoutMs: STEP_TIMEOUT_MS },
        );
        attempts.push(attempt);
        const move = nextMove(attempts, delaysMs);
        if (move.type === "delivered") return { attempts: attempts.length, status: attempt.type === "answered" ? attempt.status : 0 };
        if (move.type !== "retry") throw notDelivered(attempt, attempts.length, move.type);
        // Whoever knows that the receiver is well again need not wait.
        await ctx.waitFor(RETRY_SIGNAL, { timeoutMs: move.afterMs });
      }
    },
  });
}

/** `not_found` says that the receiver is gone for good; whoever subscribed for it is paused then. */
function notDelivered(last: Attempt, attempts: number, why: "gone" | "failed"): AppError {
  const got = last.type === "answered" ? `status ${last.status}` : `${last.code}: ${last.message}`;
  if (why === "gone") return new AppError("not_found", "wanted a receiver, got status 410: it says that it is gone");
  const code = last.type === "unreachable" && last.code === "denied" ? "denied" : "upstream";
  return new AppError(code, `wanted a receiver to take the webhook, got ${got} at attempt ${attempts}; retry it when the receiver is well`);
}
