import type { LiveReply, LiveRequest } from "@tutti/core/wire";
import type { LiveSocket } from "./live-socket.ts";
import { readServerEvents } from "./server-events.ts";

/** Frames of one feed that were handed over and not acknowledged; while there are so many, the stream is not read on. */
const UNACKNOWLEDGED_MAX = 4;
/** What a WebSocket that broke is closed with. */
const BROKEN = 1006;
/** What the server closes a socket with when its session or token is good no more. */
const SIGNED_OUT = 4401;
const UNAUTHORIZED = 401;

/** Where the stream is. */
interface StreamOptions {
  readonly url: URL;
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

/** A feed of the stream: what was asked, and how far it was told. */
interface StreamFeed {
  readonly request: Extract<LiveRequest, { readonly type: "subscribe" }>;
  position: number | undefined;
  unacknowledged: number;
}

type Listener = (event: { readonly data?: unknown; readonly code?: number }) => void;

/**
 * Used like a WebSocket where a proxy lets none through: one stream of server-sent events with all feeds, which begins anew where it was
 * when another feed is asked for.
 */
export class StreamSocket implements LiveSocket {
  readonly #options: StreamOptions;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #feeds = new Map<string, StreamFeed>();
  #stream = new AbortController();
  #isOpen = false;
  #isClosed = false;
  #isAsking = false;
  #room: () => void = () => undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#askSoon();
  }

  addEventListener(type: "open" | "message" | "close" | "error", listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    const request = JSON.parse(text) as LiveRequest;
    if (request.type === "subscribe") {
      this.#feeds.set(request.id, { request, position: request.after, unacknowledged: 0 });
      return this.#askSoon();
    }
    const feed = this.#feeds.get(request.id);
    if (request.type === "unsubscribe") this.#feeds.delete(request.id);
    else if (feed !== undefined) feed.unacknowledged -= 1;
    this.#room();
  }

  close(code: number = 1000): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.abort();
    this.#room();
    this.#tell("close", { code });
  }

  /** Once for all feeds that are asked for together. */
  #askSoon(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    setTimeout(() => {
      this.#isAsking = false;
      if (!this.#isClosed) void this.#follow();
    }, 0);
  }

  /** Reads the stream of all feeds until it ends, or another takes its place. It cannot reject. */
  async #follow(): Promise<void> {
    this.#stream.abort();
    const stream = new AbortController();
    this.#stream = stream;
    try {
      const { token, fetch: send = fetch } = this.#options;
      const response = await send(this.#url(), {
        signal: stream.signal,
        headers: { accept: "text/event-stream", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      });
      if (response.status === UNAUTHORIZED && !stream.signal.aborted) return this.close(SIGNED_OUT);
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      for await (const { event, data } of readServerEvents(response.body)) {
        if (stream.signal.aborted) return;
        if (event === "closed") return this.close((JSON.parse(data) as { readonly code: number }).code);
        await this.#hand(data, stream.signal);
      }
    } catch {
      // As with a WebSocket, why it broke is nobody's to know; whoever uses it connects again.
    }
    if (!stream.signal.aborted) this.close(BROKEN);
  }

  #url(): URL {
    const url = new URL(this.#options.url);
    const feeds = [...this.#feeds.values()].map(({ request, position }) => ({
      ...request,
      type: undefined,
      ...(position !== undefined && { after: position }),
    }));
    url.searchParams.set("feeds", JSON.stringify(feeds));
    return url;
  }

  /** Hands a reply over, and resolves when there is room for the next. */
  async #hand(data: string, gone: AbortSignal): Promise<void> {
    // The first thing that comes shows that nothing on the way holds the stream back.
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#tell("open", {});
    }
    const reply = JSON.parse(data) as LiveReply;
    const feed = reply.type === "heartbeat" || reply.id === null ? undefined : this.#feeds.get(reply.id);
    if (feed !== undefined && "position" in reply) feed.position = reply.position;
    if (feed !== undefined && reply.type === "frame") feed.unacknowledged += 1;
    if (feed !== undefined && (reply.type === "ended" || reply.type === "error")) this.#feeds.delete(feed.request.id);
    this.#tell("message", { data });
    while (!gone.aborted && [...this.#feeds.values()].some(({ unacknowledged }) => unacknowledged >= UNACKNOWLEDGED_MAX)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#room = resolve;
      await promise;
    }
  }

  #tell(type: "open" | "message" | "close", event: { readonly data?: unknown; readonly code?: number }): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
