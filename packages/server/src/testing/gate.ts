import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A gate in front of a stand-in: requests for answers wait in it until it is opened, so that a test says when a provider is slow. */
export interface Gate extends AsyncDisposable {
  /** What stands in for the stand-in's own base URL. */
  readonly baseUrl: string;
  /** How many requests for answers have come to it so far. */
  readonly count: number;
  /** Resolves when so many have. */
  arrived(count: number): Promise<void>;
  /** Lets through whatever waits and whatever comes from now on. */
  open(): void;
}

/** Builds one before the stand-in at a base URL; no byte of what goes through is changed. */
export async function startGate(baseUrl: string): Promise<Gate> {
  const opened = Promise.withResolvers<void>();
  const waiting = new Set<{ readonly count: number; resolve(): void }>();
  const { origin, pathname } = new URL(baseUrl);
  let count = 0;
  const server = createServer((request, response) => {
    if (request.method !== "POST") return passOn(origin, request, response);
    count += 1;
    for (const waiter of waiting) if (count >= waiter.count) waiter.resolve();
    void opened.promise.then(() => passOn(origin, request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}${pathname}`,
    get count() {
      return count;
    },
    arrived(wanted) {
      return new Promise((resolve) => {
        if (count >= wanted) resolve();
        else waiting.add({ count: wanted, resolve });
      });
    },
    open: () => opened.resolve(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function passOn(origin: string, request: IncomingMessage, response: ServerResponse): void {
  if (response.destroyed) return;
  const { method, headers, url } = request;
  const onward = ask(new URL(url ?? "/", origin), { method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}
