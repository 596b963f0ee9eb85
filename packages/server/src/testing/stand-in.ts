import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** A server that plays somebody else's, on the loopback interface. */
export interface StandIn extends AsyncDisposable {
  /** "http://127.0.0.1:PORT". */
  readonly origin: string;
  readonly server: Server;
}

/** Starts one that hears requests once they are whole: a client that leaves before was never heard. Connections are cut when it ends. */
export async function startStandIn(
  answer: (request: IncomingMessage, response: ServerResponse, received: Buffer) => void | Promise<void>,
): Promise<StandIn> {
  const server = createServer((request, response) => {
    void readBody(request).then(
      (received) => answer(request, response, received),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) request.destroy();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
