import { AppError } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import type { LiveReply, LiveRequest, LiveTopic } from "@tutti/core/wire";
import type { LiveSocket } from "./live-socket.ts";
import { StreamSocket } from "./live-stream.ts";
import type { LiveData } from "./live-data.ts";

/** Waits between attempts to connect: there is no end of them, because a page stays open while its server is mended. */
const BACKOFF = { delayMs: 250, delayMaxMs: 10_000 } as const;
/** The server says something every 15 s; a socket that is silent for this long is dead. */
const SILENCE_MAX_MS = 45_000;
/** A proxy that knows no WebSockets may leave a handshake without an answer. */
const OPEN_MAX_MS = 10_000;
/** With a stream in the place of a WebSocket, how soon and how often it is looked whether one comes through after all. */
const BETTER_FIRST_MS = 2_000;
const BETTER_MS = 300_000;
/** What the server closes a socket with when its session or token is good no more. */
const SIGNED_OUT = 4401;

/** Where the server is. In a browser the session's cookie is sent by itself; programs give a token. */
export interface LiveOptions {
  readonly baseUrl: string | URL;
  readonly token?: string;
  /** Opens a socket; the platform's own WebSocket unless given. */
  readonly openSocket?: (url: URL) => LiveSocket;
  /** Requests a stream where no WebSocket comes through; the platform's own unless given. With an `openSocket` alone there are no streams. */
  readonly fetch?: typeof fetch;
}

/**
 * How the connection is, and since when. "connecting" is before the first connection only: one that was lost is "offline" until it is
 * there again. `isSignedOut`: the server ended it, and nothing is tried until `retry`.
 */
export interface LiveState {
  readonly status: "connecting" | "live" | "offline";
  readonly since: string;
  readonly isSignedOut: boolean;
}

/**
 * What is done with a feed, one call after the other: a frame is handed over when the one before it is dealt with, and a slow handler makes
 * the server put changes together. What throws goes to `onError`.
 */
export interface LiveHandlers<T extends LiveTopic["topic"]> {
  /**
   * Once at the start, and again when too much was missed: read the lists that the feed keeps new. Frames wait for it. What is told from
   * then on is after `position`.
   */
  readonly onStart?: (reason: "start" | "reset", position: number) => void | Promise<void>;
  readonly onData: (data: LiveData[T], position: number) => void | Promise<void>;
  /** The run has ended, and all its events were told. */
  readonly onEnd?: () => void | Promise<void>;
  readonly onError?: (error: AppError) => void;
}

/**
 * Feeds over one connection, which is opened again whenever it breaks; each goes on after what it had, with neither gap nor duplicate. It is
 * a WebSocket, or a stream of server-sent events where a proxy lets none through.
 */
export interface Live extends Disposable {
  readonly state: LiveState;
  /** Told of every change from now on. */
  onState(listener: (state: LiveState) => void): Disposable;
  /** Listens to a topic until the result is disposed of. */
  subscribe<T extends LiveTopic>(topic: T, handlers: LiveHandlers<T["topic"]>): Disposable;
  /** Tries at once instead of when the wait is over; also after a sign-in. */
  retry(): void;
}

/** Opens the feeds of the Tutti at `baseUrl`. */
export function openLive(options: LiveOptions): Live {
  return new LiveConnection(options);
}

/** One feed. What its handlers are given stands in `tail`, one after the other. */
interface Subscription {
  readonly id: string;
  readonly topic: LiveTopic;
  readonly handlers: LiveHandlers<LiveTopic["topic"]>;
  position: number | undefined;
  tail: Promise<void>;
}

class LiveConnection implements Live {
  readonly #openSocket: () => LiveSocket;
  readonly #openStream: (() => LiveSocket) | undefined;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #listeners = new Set<(state: LiveState) => void>();
  #state: LiveState = { status: "connecting", since: now(), isSignedOut: false };
  #socket: LiveSocket | undefined;
  /** Whether the connection, or the next attempt at one, is a stream. */
  #isStream = false;
  #isOpen = false;
  #attempt = 0;
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #better: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  readonly #onOnline = (): void => this.retry();

  constructor({ baseUrl, token, openSocket, fetch: send }: LiveOptions) {
    const base = String(baseUrl);
    const url = new URL("v1/live", base.endsWith("/") ? base : `${base}/`);
    const socketUrl = new URL(url);
    socketUrl.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const open = openSocket ?? platformSocket(token);
    this.#openSocket = () => open(socketUrl);
    if (openSocket === undefined || send !== undefined)
      this.#openStream = () => new StreamSocket({ url, ...(token !== undefined && { token }), ...(send !== undefined && { fetch: send }) });
    browser()?.addEventListener("online", this.#onOnline);
    this.#connect();
  }

  get state(): LiveState {
    return this.#state;
  }

  onState(listener: (state: LiveState) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  subscribe<T extends LiveTopic>(topic: T, handlers: LiveHandlers<T["topic"]>): Disposable {
    this.#count += 1;
    const id = String(this.#count);
    // The server sends each feed its own topic's data.
    const subscription: Subscription = { id, topic, handlers, position: topic.after, tail: Promise.resolve() };
    this.#subscriptions.set(id, subscription);
    if (this.#state.status === "live") this.#ask(subscription);
    return {
      [Symbol.dispose]: () => {
        if (this.#subscriptions.delete(id)) this.#send({ type: "unsubscribe", id });
      },
    };
  }

  retry(): void {
    if (this.#isClosed || this.#socket !== undefined) return;
    this.#attempt = 0;
    this.#connect();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    browser()?.removeEventListener("online", this.#onOnline);
    this.#subscriptions.clear();
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    clearTimeout(this.#better);
    this.#socket?.close(1000, "closed");
    this.#socket = undefined;
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#listen(this.#isStream && this.#openStream !== undefined ? this.#openStream() : this.#openSocket());
    this.#hearSilence(OPEN_MAX_MS);
  }

  /** From now on this is the connection. */
  #listen(socket: LiveSocket): void {
    this.#socket = socket;
    const isCurrent = (): boolean => this.#socket === socket && !this.#isClosed;
    socket.addEventListener("open", () => isCurrent() && this.#opened());
    socket.addEventListener("message", ({ data }) => isCurrent() && this.#receive(socket, data));
    socket.addEventListener("close", ({ code }) => isCurrent() && this.#lost(code === SIGNED_OUT));
    // A close follows.
    socket.addEventListener("error", () => undefined);
  }

  #opened(): void {
    this.#isOpen = true;
    this.#setState("live");
    this.#hearSilence();
    if (this.#isStream) this.#better = setTimeout(() => this.#seekBetter(), BETTER_FIRST_MS);
    // What waits to be dealt with is dealt with first: so what is kept here stays bounded however often the connection breaks.
    for (const subscription of this.#subscriptions.values()) this.#ask(subscription);
  }

  /** A WebSocket that comes through takes the stream's place; each feed goes on over it after what it had. */
  #seekBetter(): void {
    const stream = this.#socket;
    const socket = this.#openSocket();
    const isNeeded = (): boolean => this.#socket === stream && !this.#isClosed;
    const giveUp = setTimeout(() => socket.close(), OPEN_MAX_MS);
    socket.addEventListener("open", () => {
      clearTimeout(giveUp);
      if (!isNeeded()) return socket.close();
      this.#listen(socket);
      this.#isStream = false;
      stream?.close();
      this.#opened();
    });
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", () => {
      clearTimeout(giveUp);
      if (isNeeded()) this.#better = setTimeout(() => this.#seekBetter(), BETTER_MS);
    });
  }

  #ask(subscription: Subscription): void {
    const socket = this.#socket;
    subscription.tail = subscription.tail.then(() => {
      if (this.#socket !== socket || !this.#subscriptions.has(subscription.id)) return;
      const { id, topic, position } = subscription;
      this.#send({ type: "subscribe", id, ...topic, ...(position !== undefined && { after: position }) });
    });
  }

  /** A WebSocket that could not be opened does not tell whether the server is away or a proxy refuses it: a stream is tried after it. */
  #lost(isSignedOut: boolean): void {
    const isUnclear = !this.#isOpen && !this.#isStream && this.#openStream !== undefined;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#isStream = isUnclear;
    clearTimeout(this.#silence);
    clearTimeout(this.#better);
    this.#attempt += 1;
    // Before that has failed too, nothing is known to be away.
    if (isUnclear && this.#attempt === 1) return this.#connect();
    this.#setState("offline", isSignedOut);
    if (!isSignedOut) this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt, BACKOFF, Math.random()));
  }

  #hearSilence(ms: number = SILENCE_MAX_MS): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const socket = this.#socket;
      this.#lost(false);
      socket?.close();
    }, ms);
  }

  #receive(socket: LiveSocket, data: unknown): void {
    this.#attempt = 0;
    this.#hearSilence();
    const reply = JSON.parse(String(data)) as LiveReply;
    if (reply.type === "heartbeat") return;
    const subscription = reply.id === null ? undefined : this.#subscriptions.get(reply.id);
    if (subscription !== undefined) this.#deal(socket, subscription, reply);
  }

  #deal(socket: LiveSocket, subscription: Subscription, reply: Exclude<LiveReply, { readonly type: "heartbeat" }>): void {
    const { handlers, id } = subscription;
    const isFirst = subscription.position === undefined;
    switch (reply.type) {
      case "subscribed":
        subscription.position = reply.position;
        if (isFirst) this.#queue(subscription, () => handlers.onStart?.("start", reply.position));
        return;
      case "reset":
        subscription.position = reply.position;
        return this.#queue(subscription, () => handlers.onStart?.("reset", reply.position));
      case "frame":
        subscription.position = reply.position;
        this.#queue(subscription, () => handlers.onData(reply.data as never, reply.position));
        subscription.tail = subscription.tail.then(() => this.#acknowledge(socket, id, reply.position));
        return;
      case "ended":
        this.#queue(subscription, () => handlers.onEnd?.());
        subscription.tail = subscription.tail.then(() => void this.#subscriptions.delete(id));
        return;
      case "error":
        this.#subscriptions.delete(id);
        handlers.onError?.(AppError.revive(reply.code, reply.message));
    }
  }

  #acknowledge(socket: LiveSocket, id: string, position: number): void {
    if (this.#socket === socket) this.#send({ type: "ack", id, position });
  }

  /** One after the other; what throws is told, and the feed goes on. */
  #queue(subscription: Subscription, work: () => void | Promise<void>): void {
    subscription.tail = subscription.tail.then(async () => {
      if (!this.#subscriptions.has(subscription.id)) return;
      try {
        await work();
      } catch (thrown) {
        subscription.handlers.onError?.(AppError.from(thrown));
      }
    });
  }

  #send(request: LiveRequest): void {
    if (this.#state.status === "live") this.#socket?.send(JSON.stringify(request));
  }

  /** One that was lost is offline since then, however often it is tried. */
  #setState(status: "live" | "offline", isSignedOut = false): void {
    if (this.#state.status === status && this.#state.isSignedOut === isSignedOut) return;
    this.#state = { status, since: status === this.#state.status ? this.#state.since : now(), isSignedOut };
    for (const listener of this.#listeners) listener(this.#state);
  }
}

/** Node's own WebSocket takes headers; a browser's sends the session's cookie and takes none. */
function platformSocket(token: string | undefined): (url: URL) => LiveSocket {
  const Platform = WebSocket as unknown as new (url: URL, options?: object) => LiveSocket;
  return (url) => (token === undefined ? new Platform(url) : new Platform(url, { headers: { authorization: `Bearer ${token}` } }));
}

/** The window that tells when the network is back; nothing outside of browsers. */
function browser(): Pick<EventTarget, "addEventListener" | "removeEventListener"> | undefined {
  return "document" in globalThis ? (globalThis as unknown as EventTarget) : undefined;
}

function now(): string {
  return new Date().toISOString();
}
