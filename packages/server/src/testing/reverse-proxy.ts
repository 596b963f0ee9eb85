import { once } from "node:events";
import { createServer as createPlainServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** How a proxy is set up. */
export interface ReverseProxyOptions {
  /** The path that it answers under, and takes away before it passes requests on: "/ai/tutti". */
  readonly path?: string;
  /** Whether it passes on WebSockets; otherwise it answers them as one that has never heard of them. */
  readonly webSockets?: boolean;
  /** Whether it passes on `Host` as it came; otherwise it puts the target's there, as nginx does unless told. */
  readonly host?: "kept" | "replaced";
  /** Whether it speaks TLS with clients. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A reverse proxy as people put before Tutti, on a free port of this machine. What it does can be changed while it runs. */
export interface ReverseProxy extends AsyncDisposable {
  /** Where clients reach what is behind it, with its path and without a slash at the end. */
  readonly url: string;
  /** Requests that came, as "GET /ai/tutti/v1/runs" and "UPGRADE /ai/tutti/v1/live". */
  readonly seen: readonly string[];
  webSockets: boolean;
  /** Breaks every connection that is open. */
  cut(): void;
}

/** Starts one in front of a server; `target` is asked for each connection. */
export async function startReverseProxy(target: () => string, options: ReverseProxyOptions = {}): Promise<ReverseProxy> {
  const { path = "", host = "kept", tls } = options;
  const open = new Set<Socket>();
  const seen: string[] = [];
  const forward = { target, host, isTls: tls !== undefined };
  const server = tls === undefined ? createPlainServer() : createTlsServer(tls);
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
  });
  const inner = ({ url = "" }: IncomingMessage): string | undefined => (url.startsWith(`${path}/`) ? url.slice(path.length) : undefined);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    seen.push(`${request.method} ${request.url}`);
    const to = inner(request);
    if (to === undefined) return void response.writeHead(404).end("nothing of Tutti's is here");
    passOn(request, response, { ...forward, to });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    seen.push(`UPGRADE ${request.url}`);
    const to = inner(request);
    socket.on("error", () => socket.destroy());
    if (to === undefined || !self.webSockets)
      return void socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    tunnel(request, { socket, head }, { ...forward, to });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const cut = (): void => open.forEach((socket) => socket.destroy());
  const self: ReverseProxy = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}${path}`,
    seen,
    webSockets: options.webSockets ?? true,
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
  return self;
}

interface Forward {
  readonly target: () => string;
  readonly host: "kept" | "replaced";
  readonly isTls: boolean;
  readonly to: string;
}

/** The headers of hop and origin that proxies add (RFC 7239, and what came before it). */
function headersOf({ headers, socket }: IncomingMessage, { target, host, isTls }: Forward): Record<string, string | string[] | undefined> {
  const proto = isTls ? "https" : "http";
  const from = socket.remoteAddress ?? "";
  return {
    ...headers,
    host: host === "kept" ? headers.host : new URL(target()).host,
    forwarded: `for=${from};proto=${proto};host="${headers.host ?? ""}"`,
    "x-forwarded-for": from,
    "x-forwarded-proto": proto,
    "x-forwarded-host": headers.host,
  };
}

function passOn(request: IncomingMessage, response: ServerResponse, forward: Forward): void {
  const { hostname, port } = new URL(forward.target());
  const options = { method: request.method, hostname, port, path: forward.to, headers: headersOf(request, forward) };
  const onward = ask(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.on("error", () => response.destroy());
    answer.pipe(response);
  });
  onward.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end("bad gateway")));
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

/** A WebSocket's handshake is written on as it came, and then the bytes of both sides. */
function tunnel(request: IncomingMessage, { socket, head }: { readonly socket: Duplex; readonly head: Buffer }, forward: Forward): void {
  const { hostname, port } = new URL(forward.target());
  const onward = connect(Number(port), hostname);
  const end = (): void => void (socket.destroy(), onward.destroy());
  const headers = Object.entries(headersOf(request, forward)).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${String(value)}`],
  );
  onward.on("connect", () => {
    onward.write(`GET ${forward.to} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
    onward.write(head);
    onward.pipe(socket);
    socket.pipe(onward);
  });
  onward.on("error", end);
  onward.on("close", end);
  socket.on("close", end);
}
