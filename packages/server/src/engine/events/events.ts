import type { Engine, Json, Principal, Store } from "@tutti/core";
import { matchesFilter, type CloudEvent, type EventFilter } from "@tutti/core/wire";
import { onPublished, readPublications, type Publication } from "./publications.ts";
import { publish, type Published } from "./publish.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { OutgoingWebhooks } from "./webhooks/outgoing.ts";

/** What events are made of. */
export interface EventsParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly webhooks: OutgoingWebhooks;
  readonly hasWorkflow: (name: string) => boolean;
  readonly onError: (error: unknown, fields: Json) => void;
}

/** Publish and subscribe. The bus is the run log: what is published is an event in it, and a reader is a position in it. */
export class Events {
  readonly subscriptions: Subscriptions;
  readonly webhooks: OutgoingWebhooks;
  readonly #parts: EventsParts;

  constructor(parts: EventsParts) {
    this.#parts = parts;
    this.webhooks = parts.webhooks;
    this.subscriptions = new Subscriptions({ ...parts, requireReceiver: (ref) => parts.webhooks.require(ref) });
  }

  /** Publishes an event from outside; the same source and id again change nothing. */
  publish(event: CloudEvent, principal: Principal): Promise<Published> {
    return publish(this.#parts, event, principal);
  }

  /** Publications after a position, oldest first; those that do not pass the filter have no event. */
  async read(page: { readonly after: number; readonly limit: number }, filter: EventFilter): Promise<readonly Publication[]> {
    const publications = await readPublications(this.#parts.store, page);
    return publications.map(({ position, event }) => ({
      position,
      event: event !== undefined && matchesFilter(filter, event) ? event : undefined,
    }));
  }

  /** Tells that there may be more to read, whichever node published it. Listeners must not throw. */
  onPublished(listener: () => void): Disposable {
    return onPublished(this.#parts, listener);
  }

  /** Begins to deliver. */
  start(): Promise<void> {
    return this.subscriptions.start();
  }

  /** Starts no more deliveries; those under way are found again at the next start. Before the engine stops, which lets webhooks end. */
  stop(): Promise<void> {
    return this.subscriptions.stop();
  }
}
