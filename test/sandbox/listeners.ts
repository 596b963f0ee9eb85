import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type ListenOptions, type NetConnectOpts, type Server } from "node:net";

/** Sockets of the runner that no program may reach: TCP and UDP over IPv4 and IPv6 on one port, a unix socket and an abstract one. */
export interface Listeners extends AsyncDisposable {
  readonly port: number;
  readonly unixPath: string;
  /** How often one was reached until now. */
  hits(): Promise<number>;
}

const HOSTS = ["127.0.0.1", "::1"];
const PORTS_TRIED_MAX = 20;
const KNOCK = Buffer.from("knock of the runner itself");

/** Opens them all. The abstract socket has the path of the unix socket for its name. */
export async function openListeners(unixPath: string): Promise<Listeners> {
  for (let tried = 1; ; tried += 1) {
    const opened = new Opened(unixPath);
    try {
      await opened.open();
      return opened;
    } catch (error) {
      await opened[Symbol.asyncDispose]();
      // The port that one family gave may be taken in another.
      if (tried >= PORTS_TRIED_MAX) throw error;
    }
  }
}

class Opened implements Listeners {
  readonly unixPath: string;
  port = 0;
  readonly #servers: Server[] = [];
  readonly #doors: NetConnectOpts[] = [];
  readonly #sockets: Socket[] = [];
  #reached = 0;
  /** Own knocks of `hits`. */
  #knocks = 0;

  constructor(unixPath: string) {
    this.unixPath = unixPath;
  }

  async open(): Promise<void> {
    for (const host of HOSTS) await this.#listen({ host, port: this.port });
    await this.#listen({ path: this.unixPath });
    await this.#listen({ path: `\0${this.unixPath}` });
    for (const host of HOSTS) {
      const socket = createSocket(host === "::1" ? "udp6" : "udp4");
      this.#sockets.push(socket);
      socket.on("message", () => (this.#reached += 1));
      socket.bind(this.port, host);
      await once(socket, "listening");
    }
  }

  /** Knocks at every socket itself: whoever came earlier stood before us in its queue. */
  async hits(): Promise<number> {
    for (const door of this.#doors) {
      this.#knocks += 1;
      const socket = connect(door);
      socket.on("error", () => {});
      socket.resume();
      await once(socket, "close");
    }
    for (const [index, socket] of this.#sockets.entries()) {
      this.#knocks += 1;
      const { promise: heard, resolve } = Promise.withResolvers<void>();
      const listen = (message: Buffer): void => (message.equals(KNOCK) ? resolve() : undefined);
      socket.on("message", listen);
      socket.send(KNOCK, this.port, HOSTS[index]);
      await heard;
      socket.off("message", listen);
    }
    return this.#reached - this.#knocks;
  }

  async #listen(options: ListenOptions): Promise<void> {
    const server = createServer((socket) => {
      this.#reached += 1;
      socket.on("error", () => {});
      socket.destroy();
    });
    this.#servers.push(server);
    server.listen(options);
    await once(server, "listening");
    const address = server.address() as AddressInfo | string | null;
    if (typeof address === "object" && address !== null) this.port = address.port;
    this.#doors.push(options.path === undefined ? { host: options.host, port: this.port } : { path: options.path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#servers.filter((server) => server.listening).map((server) => once(server.close(), "close"));
    for (const socket of this.#sockets) socket.close();
    await Promise.all(closing);
  }
}
