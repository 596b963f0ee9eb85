import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

/** A Redis server of its own: on loopback, on a free port, keeping nothing on disk. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Starts it again on the same port; it has forgotten everything. */
  start(): Promise<void>;
  /** As a crash does. */
  kill(): Promise<void>;
}

/** Starts Debian's `redis-server`. */
export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-redis-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"];
  let server: ChildProcess | undefined;
  const self: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server?.pid ?? 0;
    },
    async start() {
      server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
      await ready(server);
    },
    async kill() {
      if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
      const exited = once(server, "exit");
      server.kill("SIGKILL");
      await exited;
    },
    async [Symbol.asyncDispose]() {
      await self.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  // A test that is killed must not leave its server.
  process.once("exit", () => server?.kill("SIGKILL"));
  return self;
}

/** Resolves when the server takes connections; rejects with what it said when it ends instead. */
async function ready(server: ChildProcess): Promise<void> {
  const said = Promise.withResolvers<void>();
  let text = "";
  server.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-4_000);
    if (text.includes("Ready to accept connections")) said.resolve();
  });
  server.once("exit", () => said.reject(new Error(`Redis did not start: ${text}`)));
  server.once("error", (error) => said.reject(error));
  await said.promise;
}
