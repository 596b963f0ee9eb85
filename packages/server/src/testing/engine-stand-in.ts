import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

/** A stand-in for a container engine, for what a real one cannot be made to do: it takes calls on a unix socket and answers as a test says. */
export interface EngineStandIn extends AsyncDisposable {
  readonly socketPath: string;
  /** Every call so far: "POST /containers/create". */
  readonly calls: readonly string[];
}

/** An answer: a status with JSON, or bytes for a connection that was turned into a stream. */
export type EngineAnswer = { readonly status: number; readonly json: unknown } | { readonly stream: Uint8Array };

/** Starts it. A call that `answer` does not know is answered with 404, as an engine does. */
export async function startEngineStandIn(answer: (call: string) => EngineAnswer | undefined): Promise<EngineStandIn> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-engine-stand-in-"));
  const socketPath = join(folder, "engine.sock");
  const calls: string[] = [];
  const callOf = (request: IncomingMessage): string => `${request.method ?? ""} ${new URL(request.url ?? "", "http://engine").pathname}`;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    calls.push(callOf(request));
    request.resume();
    const found = answer(callOf(request)) ?? { status: 404, json: { message: `no such thing: ${callOf(request)}` } };
    if ("stream" in found) return void response.writeHead(500).end();
    response.writeHead(found.status, { "content-type": "application/json" });
    response.end(found.json === undefined ? "" : JSON.stringify(found.json));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    calls.push(callOf(request));
    const found = answer(callOf(request));
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    // What the engine says comes when the program was named.
    socket.once("data", () => socket.end(found !== undefined && "stream" in found ? found.stream : new Uint8Array()));
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    socketPath,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
