import { AppError, type Json } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import { CLOUD_EVENT_TYPE, type CloudEvent, type EventFilter } from "@tutti/core/wire";
import { readServerEvents } from "./server-events.ts";
import type { Transport } from "./transport.ts";

/** How often a broken stream is opened again before giving up. Every event that arrives starts the count anew. */
const ATTEMPTS_MAX = 8;
const BACKOFF = { delayMs: 200, delayMaxMs: 10_000 } as const;
const NEVER = new AbortController().signal;

/** An event as people write one by hand; what is left out is filled in. */
export interface EventDraftRequest {
  readonly type: string;
  readonly data?: Json;
  readonly source?: string;
  readonly id?: string;
  readonly subject?: string;
  /** Events of one key are delivered in order. */
  readonly key?: string;
  readonly time?: string;
}

/** An event that is in the log; `isDuplicate` when it was there before. */
export interface PublishedEvent {
  readonly id: string;
  readonly source: string;
  readonly runId: string;
  readonly isDuplicate: boolean;
}

/** An event and its place in the log. */
export interface PlacedEvent {
  readonly position: number;
  readonly event: CloudEvent;
}

/** Which events, and from where: "now", "beginning", a position (what is after it), or a time. Patterns may have one star. */
export interface EventQuery {
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly filter?: EventFilter;
  readonly from?: string | number;
  readonly limit?: number;
}

/** A page of events; `nextAfter` is what `from` must be for the next. */
export interface PublicationPage {
  readonly events: readonly PlacedEvent[];
  readonly nextAfter: number;
}

/** What a subscription does with an event. */
export type SubscriptionTarget =
  | { readonly type: "workflow"; readonly workflow: string; readonly input?: "event" | "data" }
  | { readonly type: "agent"; readonly agent: string; readonly message?: string }
  | { readonly type: "webhook"; readonly to: { readonly endpoint: string } | { readonly url: string } }
  | { readonly type: "pull" };

/** A subscription to make. */
export interface SubscriptionRequest {
  readonly name: string;
  readonly filter?: EventFilter;
  /** An expression in CEL about the event, which it knows as `input`. */
  readonly where?: string;
  readonly target: SubscriptionTarget;
  readonly orderBy?: string;
  readonly concurrency?: number;
  readonly onFailure?: "continue" | "stop";
  readonly from?: string | number;
}

/** A subscription, how far it has come, and how much is under way. */
export interface SubscriptionEntry extends Required<Omit<SubscriptionRequest, "from" | "where">> {
  readonly where?: string;
  readonly epoch: string;
  readonly status: "active" | "paused";
  readonly reason: string | null;
  readonly principalId: string;
  readonly createdAt: string;
  readonly position: number;
  readonly open: number;
  readonly isCaughtUp: boolean;
}

/** An endpoint for webhooks, as the configuration has it; `secrets` is how many it has. */
export interface WebhookEntry {
  readonly name: string;
  readonly direction: "in" | "out";
  readonly signature?: string;
  readonly path?: string;
  readonly url?: string;
  readonly type?: string;
  readonly secrets: number;
  readonly toleranceSeconds: number;
  readonly privateAllow: boolean;
}

/** Publish, read, follow and subscribe. */
export interface EventCalls {
  publishEvent(event: EventDraftRequest | CloudEvent, signal?: AbortSignal): Promise<PublishedEvent>;
  publications(query?: EventQuery, signal?: AbortSignal): Promise<PublicationPage>;
  /** Events as they come, each once and in order, also when the connection breaks. Ends when `signal` aborts. */
  followEvents(query: EventQuery, signal?: AbortSignal): AsyncIterable<PlacedEvent>;
  subscribe(request: SubscriptionRequest, signal?: AbortSignal): Promise<SubscriptionEntry>;
  subscriptions(signal?: AbortSignal): Promise<readonly SubscriptionEntry[]>;
  subscription(name: string, signal?: AbortSignal): Promise<SubscriptionEntry>;
  pauseSubscription(name: string, reason: string, signal?: AbortSignal): Promise<SubscriptionEntry>;
  resumeSubscription(name: string, signal?: AbortSignal): Promise<SubscriptionEntry>;
  rewindSubscription(name: string, to: string | number, signal?: AbortSignal): Promise<SubscriptionEntry>;
  deleteSubscription(name: string, signal?: AbortSignal): Promise<void>;
  /** What a pulled subscription has not acknowledged, as it comes. */
  pullEvents(name: string, signal?: AbortSignal): AsyncIterable<PlacedEvent>;
  /** Everything up to this position is done with, and is not given again. */
  acknowledgeEvents(name: string, position: number, signal?: AbortSignal): Promise<void>;
  webhooks(signal?: AbortSignal): Promise<readonly WebhookEntry[]>;
  /** What signs webhooks to a URL that no endpoint is configured for. */
  webhookSecret(url: string, signal?: AbortSignal): Promise<string>;
}

/** The calls over a transport. */
export function eventCalls(transport: Transport): EventCalls {
  return { ...publishCalls(transport), ...subscriptionCalls(transport), ...webhookCalls(transport) };
}

function publishCalls(transport: Transport): Pick<EventCalls, "publishEvent" | "publications" | "followEvents"> {
  return {
    async publishEvent(event, signal) {
      const headers = "specversion" in event ? { "content-type": CLOUD_EVENT_TYPE } : {};
      const request = { method: "POST", path: "/v1/events", body: event, headers } as const;
      const { events } = await transport.json<{ readonly events: readonly PublishedEvent[] }>(request, signal);
      const [published] = events;
      if (published === undefined) throw new AppError("upstream", "wanted a published event, got none");
      return published;
    },
    publications: (query = {}, signal) => transport.json({ path: "/v1/events", query: asText(query) }, signal),
    followEvents: (query, signal = NEVER) => followFrom(transport, query, signal),
  };
}

function subscriptionCalls(
  transport: Transport,
): Omit<EventCalls, keyof ReturnType<typeof publishCalls> | keyof ReturnType<typeof webhookCalls>> {
  const send = async (path: string, body: unknown, signal?: AbortSignal): Promise<SubscriptionEntry> =>
    (await transport.json<{ readonly subscription: SubscriptionEntry }>({ method: "POST", path, body }, signal)).subscription;
  return {
    subscribe: (request, signal) => send("/v1/subscriptions", request, signal),
    subscriptions: async (signal) =>
      (await transport.json<{ readonly subscriptions: readonly SubscriptionEntry[] }>({ path: "/v1/subscriptions" }, signal)).subscriptions,
    subscription: async (name, signal) =>
      (await transport.json<{ readonly subscription: SubscriptionEntry }>({ path: pathOf(name) }, signal)).subscription,
    pauseSubscription: (name, reason, signal) => send(pathOf(name, "/pause"), { reason }, signal),
    resumeSubscription: (name, signal) => send(pathOf(name, "/resume"), undefined, signal),
    rewindSubscription: (name, to, signal) => send(pathOf(name, "/rewind"), { to }, signal),
    async deleteSubscription(name, signal) {
      await transport.json({ method: "POST", path: pathOf(name, "/delete") }, signal);
    },
    pullEvents: (name, signal = NEVER) => follow(transport, { path: pathOf(name, "/events"), query: {} }, signal),
    async acknowledgeEvents(name, position, signal) {
      await transport.json({ method: "POST", path: pathOf(name, "/ack"), body: { position } }, signal);
    },
  };
}

function webhookCalls(transport: Transport): Pick<EventCalls, "webhooks" | "webhookSecret"> {
  return {
    webhooks: async (signal) =>
      (await transport.json<{ readonly endpoints: readonly WebhookEntry[] }>({ path: "/v1/webhooks" }, signal)).endpoints,
    webhookSecret: async (url, signal) =>
      (await transport.json<{ readonly secret: string }>({ method: "POST", path: "/v1/webhooks/secret", body: { url } }, signal)).secret,
  };
}

interface Stream {
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | undefined>>;
}

/** "Now" is when this is called: a stream that breaks before its first event must not begin at a later one. */
async function* followFrom(
  transport: Transport,
  { from = "now", ...query }: EventQuery,
  signal: AbortSignal,
): AsyncGenerator<PlacedEvent, void> {
  const page = { path: "/v1/events", query: { ...asText({ ...query, from }), limit: 1 } };
  const { events, nextAfter } = await transport.json<PublicationPage>(page, signal);
  yield* events;
  yield* follow(transport, { path: page.path, query: asText({ ...query, from: nextAfter }) }, signal);
}

/** The stream, opened again after the last event whenever it breaks. What was published while it was broken comes first then. */
async function* follow(transport: Transport, stream: Stream, signal: AbortSignal): AsyncGenerator<PlacedEvent, void> {
  let position: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const headers = { accept: "text/event-stream", ...(position !== undefined && { "last-event-id": String(position) }) };
      for await (const { id, data } of readServerEvents(await transport.stream({ ...stream, headers }, signal))) {
        position = Number(id);
        attempt = 0;
        yield { position, event: JSON.parse(data) as CloudEvent };
      }
    } catch (thrown) {
      if (signal.aborted) throw new AppError("cancelled", "following was cancelled", { cause: thrown });
      const error = thrown instanceof AppError ? thrown : new AppError("upstream", "the stream of events broke", { cause: thrown });
      if (!error.isRetryable || attempt >= ATTEMPTS_MAX) throw error;
    }
    await pause(backoffMs(Math.max(1, attempt), BACKOFF, Math.random()), signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  clearTimeout(timer);
}

function asText({ filter, ...query }: EventQuery): Stream["query"] {
  return { ...query, ...(filter !== undefined && { filter: JSON.stringify(filter) }) };
}

function pathOf(name: string, rest = ""): string {
  return `/v1/subscriptions/${encodeURIComponent(name)}${rest}`;
}
