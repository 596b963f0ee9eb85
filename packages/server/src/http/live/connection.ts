import { AppError, type Json } from "@tutti/core";
import { parseJson } from "../body.ts";
import { wireError } from "../problem.ts";
import { openFeed, type FeedSources } from "./feeds.ts";
import type { News } from "./news.ts";
import { pause } from "./pause.ts";
import { readRequest, type Topic } from "./topics.ts";

/** Feeds on one socket. */
const SUBSCRIPTIONS_MAX = 64;
/** Frames of one feed that were sent and not acknowledged: with them and the bound of feeds, what a slow client is kept ready is bounded. */
const UNACKNOWLEDGED_MAX = 4;
/** Frames of one feed are at least so far apart. */
const FRAME_MS = 50;
const REQUEST_DEPTH_MAX = 8;
/** Messages of a client that wait for their turn; a message counts for more than its bytes. */
const WAITING_BYTES_MAX = 1_048_576;
const MESSAGE_BYTES = 64;

/** One feed of a connection. */
class Subscription {
  readonly gone = new AbortController();
  #unacknowledged = 0;
  #waiting: (() => void) | undefined;

  sent(): void {
    this.#unacknowledged += 1;
  }

  acknowledge(): void {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - 1);
    this.#waiting?.();
  }

  end(): void {
    this.gone.abort();
    this.#waiting?.();
  }

  /** Resolves when the client has dealt with enough of what it was sent. */
  async room(): Promise<void> {
    while (this.#unacknowledged >= UNACKNOWLEDGED_MAX && !this.gone.signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting = resolve;
      await promise;
    }
  }
}

/**
 * What a connection is made of. `send` takes what is told the client, also when it has gone; `limit` counts a request of the client, and
 * throws `rate_limited`; `refuse` closes on a client that does not keep to its bounds.
 */
interface ConnectionParts {
  readonly sources: FeedSources;
  readonly send: (reply: Json) => void;
  readonly limit: () => void;
  readonly refuse: (reason: string) => void;
}

/** One client's feeds, each made as fast as the client deals with it, over whatever carries them. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #subscriptions = new Map<string, Subscription>();
  /** One after the other, in the order in which they came. */
  #requests: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #isRefused = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** Does what the client asks for; what is wrong with that is told. */
  receive(data: Buffer): void {
    if (this.#isRefused) return;
    const bytes = data.length + MESSAGE_BYTES;
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > WAITING_BYTES_MAX) return this.#refuse("too many messages at once");
    this.#requests = this.#requests.then(async () => {
      if (!this.#isRefused) await this.#receive(data);
      this.#waitingBytes -= bytes;
    });
  }

  /** The client has dealt with a frame of a feed. */
  acknowledge(id: string): void {
    this.#subscriptions.get(id)?.acknowledge();
  }

  /** The client has gone. */
  end(): void {
    for (const subscription of this.#subscriptions.values()) subscription.end();
  }

  heartbeat(): void {
    this.#parts.send({ type: "heartbeat" });
  }

  async #receive(data: Buffer): Promise<void> {
    let id: string | null = null;
    let isRead = false;
    try {
      const value = parseJson(data, REQUEST_DEPTH_MAX);
      id = idIn(value);
      const request = await readRequest(value);
      isRead = true;
      if (request.type === "subscribe") this.subscribe(request.id, request.topic);
      else if (request.type === "unsubscribe") this.#end(request.id);
      else this.acknowledge(request.id);
    } catch (thrown) {
      if (isRead || this.#isCounted()) this.#fail(id, thrown);
      else this.#refuse("too many messages that are no requests");
    }
  }

  /** What is no request counts as one: its answer costs as much. */
  #isCounted(): boolean {
    try {
      this.#parts.limit();
      return true;
    } catch {
      return false;
    }
  }

  #refuse(reason: string): void {
    this.#isRefused = true;
    this.#parts.refuse(reason);
  }

  /** Begins a feed under the client's name for it. */
  subscribe(id: string, topic: Topic): void {
    this.#parts.limit();
    if (this.#subscriptions.has(id)) throw new AppError("conflict", `wanted an id of its own, got "${id}", which a feed has; take another`);
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX)
      throw new AppError("overloaded", `wanted at most ${SUBSCRIPTIONS_MAX} feeds on a socket, got more; end some`);
    const subscription = new Subscription();
    this.#subscriptions.set(id, subscription);
    void this.#work(id, topic, subscription);
  }

  #end(id: string): void {
    this.#subscriptions.get(id)?.end();
    this.#subscriptions.delete(id);
  }

  /** Tells a feed's news until it ends. It cannot reject. */
  async #work(id: string, topic: Topic, subscription: Subscription): Promise<void> {
    const { signal } = subscription.gone;
    const feed = openFeed(this.#parts.sources, topic, signal);
    try {
      for (;;) {
        await subscription.room();
        const { done, value } = await feed.next();
        if (done === true || signal.aborted) break;
        await this.#tell(id, subscription, value);
      }
    } catch (thrown) {
      if (!signal.aborted) this.#fail(id, thrown);
    } finally {
      await feed.return(undefined);
      if (this.#subscriptions.get(id) === subscription) this.#subscriptions.delete(id);
    }
  }

  async #tell(id: string, subscription: Subscription, news: News): Promise<void> {
    // The socket has a heartbeat of its own.
    if (news === "heartbeat") return;
    this.#parts.send({ ...news, id });
    if (news.type !== "frame") return;
    subscription.sent();
    await pause(FRAME_MS, subscription.gone.signal);
  }

  #fail(id: string | null, thrown: unknown): void {
    const { code, message } = wireError(thrown);
    this.#parts.send({ type: "error", id, code, message });
  }
}

function idIn(value: Json): string | null {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : null;
  return typeof id === "string" && id.length <= 64 ? id : null;
}
