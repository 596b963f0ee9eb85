import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AppError, type Json } from "@tutti/core";
import { WebSocketServer, type WebSocket } from "ws";
import type { App } from "../../host/index.ts";
import type { Feed } from "../feed.ts";
import { admit, limiterOf, refuseForeignPages } from "../guard.ts";
import type { ServerEvent, Source } from "../sse.ts";
import type { Stays } from "../stays.ts";
import { refuseUpgrade } from "../upgrade.ts";
import { Connection } from "./connection.ts";
import { LogTail } from "./log-tail.ts";
import type { FeedSources } from "./feeds.ts";
import { ReplyQueue } from "./reply-queue.ts";
import type { FeedAsked } from "./topics.ts";

/** Clients at once, over sockets and streams. */
const CLIENTS_MAX = 500;
/** A client says which topics it wants, and no more. */
const REQUEST_BYTES_MAX = 16_384;
/** A quiet socket hears from us this often; one that does not answer until the next time is gone. */
const HEARTBEAT_MS = 15_000;
/** What a client has not taken yet, whatever it says that it has; frames in its hands come on top once. */
const UNSENT_BYTES_MAX = 16_777_216;
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
/** Ours (RFC 6455 §7.4.2): who is connected may be so no more. */
const SIGNED_OUT = 4401;

/** Whoever listens. */
interface Client {
  readonly headers: IncomingHttpHeaders;
  readonly connection: Connection;
  /** Looks whether the client is still there. */
  beat(): void;
  close(code: number, reason: string): void;
}

/** What the way in to the live feeds stands on. */
interface LiveDoorParts {
  readonly feed: Feed;
  readonly stays: Stays;
}

/** The way in to the live feeds: sockets, streams of many feeds where no socket comes through, and what single streams read from. */
export class LiveDoor {
  readonly sources: FeedSources;
  readonly #app: App;
  readonly #stays: Stays;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: REQUEST_BYTES_MAX, perMessageDeflate: false });
  readonly #clients = new Set<Client>();
  #timer: NodeJS.Timeout | undefined;

  constructor(app: App, { feed, stays }: LiveDoorParts) {
    this.#app = app;
    this.#stays = stays;
    this.sources = { app, feed, tail: new LogTail(app) };
  }

  /** Takes an HTTP connection that wants to be a WebSocket, or closes it with the status that says why not. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client that leaves during the handshake breaks nothing.
    socket.on("error", () => socket.destroy());
    try {
      limiterOf(this.#app.config)(request.socket.remoteAddress ?? "");
      refuseForeignPages(this.#app, request.headers);
      this.#refuseTooMany();
      admit(this.#app, "GET", request);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#take(request, webSocket));
    } catch (thrown) {
      refuseUpgrade(socket, thrown);
    }
  }

  /**
   * Many feeds as one stream, for clients that no WebSocket reaches: what a socket would be told, each as an event, and `closed` with the code
   * that a socket is closed with. A frame is acknowledged by being taken.
   */
  stream(request: IncomingMessage, feeds: readonly FeedAsked[]): Source<ServerEvent> {
    this.#refuseTooMany();
    return (gone) => this.#tell(request, feeds, gone);
  }

  async *#tell(
    { headers, socket: { remoteAddress = "" } }: IncomingMessage,
    feeds: readonly FeedAsked[],
    gone: AbortSignal,
  ): AsyncGenerator<ServerEvent> {
    const queue = new ReplyQueue();
    const connection = this.#connect(remoteAddress, {
      send: (reply) => queue.add(reply),
      refuse: (reason) => queue.close({ code: POLICY_VIOLATION, reason }),
    });
    const client: Client = { headers, connection, beat: () => undefined, close: (code, reason) => queue.close({ code, reason }) };
    gone.addEventListener("abort", () => queue.close());
    using _ = this.#enter(client);
    try {
      // Something is sent at once, so that whoever waits knows that it came through.
      connection.heartbeat();
      for (const { id, topic } of feeds) connection.subscribe(id, topic);
      for await (const reply of queue.replies()) {
        if (reply.type === "frame") connection.acknowledge(reply.id);
        yield reply.type === "closed"
          ? { event: "closed", data: JSON.stringify({ code: reply.code, reason: reply.reason }) }
          : { data: JSON.stringify(reply) };
      }
    } finally {
      connection.end();
    }
  }

  /** Ends every connection; clients connect again. */
  close(): void {
    for (const client of this.#clients) client.close(GOING_AWAY, "the server is stopping");
    clearInterval(this.#timer);
    this.#server.close();
  }

  #refuseTooMany(): void {
    if (this.#clients.size >= CLIENTS_MAX)
      throw new AppError("overloaded", `wanted at most ${CLIENTS_MAX} clients of live feeds at once, got more; try again in a moment`);
  }

  #connect(address: string, ways: { readonly send: (reply: Json) => void; readonly refuse: (reason: string) => void }): Connection {
    const limiter = limiterOf(this.#app.config);
    return new Connection({ sources: this.sources, ...ways, limit: () => limiter(address) });
  }

  #take({ headers, socket: { remoteAddress = "" } }: IncomingMessage, socket: WebSocket): void {
    const connection = this.#connect(remoteAddress, {
      send(reply) {
        if (socket.readyState !== socket.OPEN) return;
        // A close would wait behind what is not taken.
        if (socket.bufferedAmount > UNSENT_BYTES_MAX) socket.terminate();
        else socket.send(JSON.stringify(reply));
      },
      refuse: (reason) => socket.close(POLICY_VIOLATION, reason),
    });
    let isAlive = true;
    const client: Client = {
      headers,
      connection,
      beat() {
        if (!isAlive) socket.terminate();
        isAlive = false;
        socket.ping();
      },
      close: (code, reason) => socket.close(code, reason),
    };
    socket.on("pong", () => (isAlive = true));
    socket.on("message", (data) => connection.receive(data as Buffer));
    socket.on("error", () => socket.terminate());
    const entered = this.#enter(client);
    socket.on("close", () => {
      connection.end();
      entered[Symbol.dispose]();
    });
  }

  /** A client until the result is disposed of. */
  #enter(client: Client): Disposable {
    const stay = this.#stays.begin(client.headers, () => client.close(SIGNED_OUT, "signed out"));
    this.#clients.add(client);
    this.#timer ??= setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
    return {
      [Symbol.dispose]: () => {
        stay[Symbol.dispose]();
        this.#clients.delete(client);
        if (this.#clients.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  #beat(): void {
    for (const client of this.#clients) {
      client.beat();
      client.connection.heartbeat();
    }
  }
}
