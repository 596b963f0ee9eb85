import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "@tutti/core";
import { WebSocketServer, type WebSocket } from "ws";
import type { App } from "../../host/index.ts";
import type { Feed } from "../feed.ts";
import { admit, limiterOf, refuseForeignPages } from "../guard.ts";
import { refuseUpgrade } from "../upgrade.ts";
import { Connection } from "./connection.ts";
import { LogTail } from "./log-tail.ts";
import type { FeedSources } from "./feeds.ts";

/** Sockets at once. */
const SOCKETS_MAX = 500;
/** A client says which topics it wants, and no more. */
const REQUEST_BYTES_MAX = 16_384;
/** A quiet socket hears from us this often; one that does not answer until the next time is gone. */
const HEARTBEAT_MS = 15_000;
/** How often it is asked whether those who are connected may still be. */
const ADMIT_MS = 1_000;
const GOING_AWAY = 1001;
/** Ours (RFC 6455 §7.4.2): who is connected may be so no more. */
const SIGNED_OUT = 4401;

interface Client {
  readonly headers: IncomingHttpHeaders;
  readonly connection: Connection;
  isAlive: boolean;
}

/** The way in to the live feeds: sockets, and what server-sent events read from too. */
export class LiveDoor {
  readonly sources: FeedSources;
  readonly #app: App;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: REQUEST_BYTES_MAX, perMessageDeflate: false });
  readonly #clients = new Map<WebSocket, Client>();
  #timers: readonly NodeJS.Timeout[] = [];

  constructor(app: App, feed: Feed) {
    this.#app = app;
    this.sources = { app, feed, tail: new LogTail(app) };
  }

  /** Takes an HTTP connection that wants to be a WebSocket, or closes it with the status that says why not. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client that leaves during the handshake breaks nothing.
    socket.on("error", () => socket.destroy());
    try {
      limiterOf(this.#app.config)(request.socket.remoteAddress ?? "");
      refuseForeignPages(this.#app, request.headers);
      if (this.#clients.size >= SOCKETS_MAX)
        throw new AppError("overloaded", `wanted at most ${SOCKETS_MAX} WebSockets at once, got more; try again in a moment`);
      admit(this.#app, "GET", request);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#take(request, webSocket));
    } catch (thrown) {
      refuseUpgrade(socket, thrown);
    }
  }

  /** Ends every connection; clients connect again. */
  close(): void {
    for (const socket of this.#clients.keys()) socket.close(GOING_AWAY, "the server is stopping");
    this.#stopTimers();
    this.#server.close();
  }

  #take({ headers, socket: { remoteAddress = "" } }: IncomingMessage, socket: WebSocket): void {
    const limiter = limiterOf(this.#app.config);
    const connection = new Connection({ sources: this.sources, socket, limit: () => limiter(remoteAddress) });
    const client: Client = { headers, connection, isAlive: true };
    this.#clients.set(socket, client);
    socket.on("pong", () => (client.isAlive = true));
    socket.on("close", () => {
      this.#clients.delete(socket);
      if (this.#clients.size === 0) this.#stopTimers();
    });
    connection.open();
    if (this.#timers.length === 0)
      this.#timers = [setInterval(() => this.#beat(), HEARTBEAT_MS).unref(), setInterval(() => this.#askAgain(), ADMIT_MS).unref()];
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #beat(): void {
    for (const [socket, client] of this.#clients) {
      if (!client.isAlive) socket.terminate();
      client.isAlive = false;
      socket.ping();
      client.connection.heartbeat();
    }
  }

  /** A session that was ended, a token that was changed or a key that was revoked, on whichever node, closes what it opened. */
  #askAgain(): void {
    for (const [socket, { headers }] of this.#clients) if (!this.isIn(headers)) socket.close(SIGNED_OUT, "signed out");
  }

  /** Whether these headers still let somebody in. */
  isIn(headers: IncomingHttpHeaders): boolean {
    try {
      this.#app.authenticate(headers);
      return true;
    } catch {
      return false;
    }
  }
}
