import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "@tutti/core";
import { identityOf } from "./identity.ts";
import { SERVICE, type RestateAddress } from "./client.ts";

/** How long a server may take to serve; one with a large journal reads it first. */
const START_MS = 60_000;
const LOOK_MS = 50;
/** How long it gets to stop by itself. It loses nothing when it is ended. */
const STOP_MS = 2000;

const CLUSTER = "tutti";
/** Which process serves a folder. */
const PROCESS_FILE = "process.json";

/** Where a Restate server listens. */
interface RestatePorts {
  readonly ingress: number;
  readonly admin: number;
  readonly fabric: number;
}

/** A Restate server that Tutti started. */
export interface RestateServer {
  readonly address: RestateAddress;
  readonly ports: RestatePorts;
  /** The public key of its requests. */
  readonly identityKey: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Where npm put Restate's server for this machine; `undefined` when it is not installed. */
export function findRestateServer(): string | undefined {
  try {
    // The package for this machine is a dependency of the main one, and may be nested in it.
    const main = createRequire(import.meta.url).resolve("@restatedev/restate-server/package.json");
    const platform = `@restatedev/restate-server-${process.platform}-${process.arch}/package.json`;
    return join(dirname(createRequire(main).resolve(platform)), "bin", "restate-server");
  } catch {
    return undefined;
  }
}

/** Starts one on this machine, on free ports unless they are given, with its data in `folder`. */
export async function startRestate(folder: string, given?: RestatePorts): Promise<RestateServer> {
  const binary = findRestateServer();
  if (binary === undefined)
    throw new AppError(
      "invalid_config",
      "wanted the package @restatedev/restate-server for the engine restate-local, got none; run `npm install @restatedev/restate-server` (216 MB) beside Tutti, or point restateUrl at a cluster",
    );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await endOrphan(folder);
  const ports = given ?? (await freePorts());
  const { ingress, admin, fabric } = ports;
  const identity = await identityOf(folder);
  const log = await open(join(folder, "restate.log"), "a");
  const child = spawn(binary, ["--no-logo", "--base-dir", folder, "--node-name", "tutti", "--cluster-name", CLUSTER], {
    stdio: ["ignore", log.fd, log.fd],
    env: {
      DO_NOT_TRACK: "1",
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_PORT: String(fabric),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_ADMIN__DISABLE_WEB_UI: "true",
      RESTATE_DEFAULT_NUM_PARTITIONS: "4",
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256 MiB",
      RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identity.privateKeyFile,
      RESTATE_LOG_FORMAT: "json",
    },
  });
  await log.close();
  await writeFile(join(folder, PROCESS_FILE), JSON.stringify({ pid: child.pid, admin }));
  const address = { urls: [`http://127.0.0.1:${ingress}/`], adminUrls: [`http://127.0.0.1:${admin}/`], service: SERVICE };
  const stop = (): Promise<void> => stopProcess(child);
  try {
    await serving(child, address);
  } catch (error) {
    await stop();
    throw new AppError("upstream", `Restate's server did not start: ${String(error)}; ${join(folder, "restate.log")} says more`, {
      cause: error,
    });
  }
  return { address, ports, identityKey: identity.publicKey, process: child, stop };
}

/** A Tutti that was killed leaves its server behind, which holds the folder. What answers as Restate at the place it left word of is that. */
async function endOrphan(folder: string): Promise<void> {
  const text = await readFile(join(folder, PROCESS_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return;
  const { pid, admin } = JSON.parse(text) as { readonly pid: number; readonly admin: number };
  const answers = async (): Promise<boolean> => {
    const health = await fetch(`http://127.0.0.1:${admin}/cluster-health`).catch(() => undefined);
    return health !== undefined && (await health.text()).includes(`"cluster_name":"${CLUSTER}"`);
  };
  if (!(await answers())) return;
  const deadlineMs = Date.now() + STOP_MS;
  for (let signal: NodeJS.Signals = "SIGTERM"; await answers(); signal = Date.now() > deadlineMs ? "SIGKILL" : "SIGTERM") {
    process.kill(pid, signal);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function freePorts(): Promise<RestatePorts> {
  const servers = Array.from({ length: 3 }, () => createServer().listen(0, "127.0.0.1"));
  const [ingress = 0, admin = 0, fabric = 0] = await Promise.all(
    servers.map(
      (server) => new Promise<number>((resolve) => server.once("listening", () => resolve((server.address() as AddressInfo).port))),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { ingress, admin, fabric };
}

async function serving(child: ChildProcess, { urls, adminUrls }: RestateAddress): Promise<void> {
  const deadlineMs = Date.now() + START_MS;
  const places = [...urls.map((url) => new URL("/restate/health", url)), ...adminUrls.map((url) => new URL("/health", url))];
  for (;;) {
    const answers = await Promise.all(places.map((place) => fetch(place).catch(() => undefined)));
    if (answers.every((answer) => answer?.ok === true)) return;
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (Date.now() > deadlineMs) throw new Error(`it does not serve after ${START_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}
