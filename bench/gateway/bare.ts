// The limit: the least that a proxy on Node can do. No auth, no limits, no log, no look at what passes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";

const pool = new Pool(process.argv[2] ?? "", { connections: 256, pipelining: 1, allowH2: false });
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { host: _, connection: __, ...headers } = request.headers;
    const options = { path: request.url ?? "/", method: request.method ?? "GET", headers, body: Buffer.concat(chunks) };
    pool.stream(
      options,
      (answer) => response.writeHead(answer.statusCode, withoutFraming(answer.headers)),
      (error) => {
        if (error !== null) response.destroy(error);
      },
    );
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));

/** Node frames the answer itself. */
function withoutFraming<T extends object>(headers: T): Omit<T, "transfer-encoding" | "connection" | "keep-alive"> {
  const {
    "transfer-encoding": _,
    connection: __,
    "keep-alive": ___,
    ...rest
  } = headers as T & { "transfer-encoding"?: string; connection?: string; "keep-alive"?: string };
  return rest;
}
