import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What stands before several workers: each connection goes to the next of them that takes it. */
export interface Balancer {
  readonly url: string;
  close(): void;
}

/** Opens one on a free port of this machine. */
export async function openBalancer(ports: readonly number[]): Promise<Balancer> {
  let next = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on("close", () => sockets.delete(client));
    client.on("error", () => client.destroy());
    next += 1;
    forward(client, [...ports.slice(next % ports.length), ...ports.slice(0, next % ports.length)]);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function forward(client: Socket, [port, ...others]: readonly number[]): void {
  if (port === undefined) return void client.destroy();
  const worker = connect({ host: "127.0.0.1", port });
  worker.once("connect", () => {
    worker.pipe(client);
    client.pipe(worker);
    client.once("close", () => worker.destroy());
    worker.once("close", () => client.destroy());
  });
  worker.once("error", () => {
    if (worker.connecting || worker.readyState === "closed") forward(client, others);
  });
}
