import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findRestateServer } from "../../packages/server/src/engine/restate/index.ts";
import { freePort } from "../../packages/server/src/testing/free-port.ts";

const NODES = 3;
const START_MS = 60_000;

interface Ports {
  readonly ingress: number;
  readonly admin: number;
  readonly fabric: number;
}

/** Three Restate servers on this machine that keep every journal entry on two of them. */
export class RestateCluster {
  readonly #folder: string;
  readonly #binary: string;
  readonly #ports: readonly Ports[];
  readonly #nodes: ChildProcess[] = [];

  static async start(folder: string): Promise<RestateCluster> {
    const binary = findRestateServer();
    if (binary === undefined) throw new Error("wanted @restatedev/restate-server, got none; run `npm install --include=dev`");
    const ports = await Promise.all(
      Array.from({ length: NODES }, async () => ({ ingress: await freePort(), admin: await freePort(), fabric: await freePort() })),
    );
    const cluster = new RestateCluster(folder, binary, ports);
    await Promise.all(ports.map((_, index) => cluster.startNode(index)));
    await serves(...cluster.adminUrls.map((url) => `${url}cluster-health`));
    return cluster;
  }

  private constructor(folder: string, binary: string, ports: readonly Ports[]) {
    this.#folder = folder;
    this.#binary = binary;
    this.#ports = ports;
  }

  get urls(): readonly string[] {
    return this.#ports.map(({ ingress }) => `http://127.0.0.1:${ingress}/`);
  }

  get adminUrls(): readonly string[] {
    return this.#ports.map(({ admin }) => `http://127.0.0.1:${admin}/`);
  }

  /** Starts a node, for the first time or again, and waits until it serves. */
  async startNode(index: number): Promise<void> {
    const { ingress, admin, fabric } = this.#ports[index] ?? { ingress: 0, admin: 0, fabric: 0 };
    const folder = join(this.#folder, `node-${index + 1}`);
    await mkdir(folder, { recursive: true });
    const log = await open(join(folder, "restate.log"), "a");
    const env = {
      DO_NOT_TRACK: "1",
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_PORT: String(fabric),
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${fabric}`,
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_ADMIN__DISABLE_WEB_UI: "true",
      RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(this.#ports.map((ports) => `http://127.0.0.1:${ports.fabric}`)),
      // One node makes the cluster; the others wait to be taken in.
      RESTATE_AUTO_PROVISION: String(index === 0),
      RESTATE_DEFAULT_REPLICATION: "2",
      RESTATE_DEFAULT_NUM_PARTITIONS: "6",
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256 MiB",
      RESTATE_LOG_FORMAT: "json",
    };
    const args = ["--no-logo", "--base-dir", folder, "--node-name", `node-${index + 1}`, "--cluster-name", "tutti-test"];
    this.#nodes[index] = spawn(this.#binary, args, { stdio: ["ignore", log.fd, log.fd], env });
    await log.close();
    await serves(`http://127.0.0.1:${admin}/health`, `http://127.0.0.1:${ingress}/restate/health`);
  }

  async killNode(index: number): Promise<void> {
    await kill(this.#nodes[index]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => kill(node)));
  }
}

/** Ends a process at once, as a power cut would. */
export async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

async function serves(...urls: readonly string[]): Promise<void> {
  const deadlineMs = Date.now() + START_MS;
  for (;;) {
    const answers = await Promise.all(urls.map((url) => fetch(url).catch(() => undefined)));
    if (answers.every((answer) => answer?.ok === true)) return;
    if (Date.now() > deadlineMs) throw new Error(`wanted ${urls.join(" and ")} to serve within ${START_MS} ms, got nothing`);
    await pause(50);
  }
}
