import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "@tutti/core";
import type { Command } from "./limits.ts";

const PROGRAM = fileURLToPath(new URL(`./spawner-process.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url));
/** It does next to nothing, and its size is what makes it quick. */
const FLAGS = ["--max-semi-space-size=1", "--max-old-space-size=32", "--disable-warning=ExperimentalWarning", "--disable-sigusr1"];
/** "TOKEN ID channel\n", written at once and never larger than this. */
const HEAD_BYTES_MAX = 128;
const HEAD_MS = 5_000;
const NEWLINE = 10;

/** What the spawner is asked. */
export type SpawnerRequest =
  | {
      readonly type: "spawn";
      readonly id: number;
      readonly file: string;
      readonly args: readonly string[];
      readonly folder: string;
      /** Where it fetches the ends of the process's streams, and what it says there. */
      readonly socket: string;
      readonly token: string;
    }
  | { readonly type: "kill"; readonly id: number }
  /** Leaves this process only what nobody else wants of the processors. */
  | { readonly type: "idle"; readonly pid: number };

/** What it tells. */
export type SpawnerReply =
  | { readonly type: "started"; readonly id: number; readonly pid: number }
  | { readonly type: "failed"; readonly id: number; readonly reason: string }
  | { readonly type: "ended"; readonly id: number; readonly how: string };

/** A process that runs, and its streams: the channel, and what it prints. */
export interface Spawned {
  readonly pid: number;
  readonly channel: Socket;
  readonly output: Socket;
  /** How it ended: "exit 3", or the signal. */
  readonly ended: Promise<string>;
  kill(): void;
  /** Leaves a process of it only what nobody else wants of the processors. */
  idle(pid: number): void;
}

interface Pending {
  readonly channel: PromiseWithResolvers<Socket>;
  readonly output: PromiseWithResolvers<Socket>;
  readonly started: PromiseWithResolvers<number>;
  readonly ended: PromiseWithResolvers<string>;
}

/** Starts processes through a small one of its own; that one starts with the first of them, and ends with this process. */
export class Spawner {
  readonly #child: ChildProcess;
  readonly #server: Server;
  readonly #folder: string;
  readonly #token = randomBytes(32).toString("hex");
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #isOver = false;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "tutti-spawner-"));
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#arrived(socket));
    this.#server.listen(this.#socket).unref();
    this.#child = fork(PROGRAM, [], { execArgv: FLAGS, env: {}, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#child.on("message", (reply: SpawnerReply) => this.#told(reply));
    this.#child.once("error", (error) => this.#over(error.message));
    this.#child.once("exit", () => this.#over("the process that starts plugins ended"));
    // Plugins that run keep Tutti alive by their streams; this one alone does not.
    this.#child.unref();
    this.#child.channel?.unref();
    process.once("exit", () => this.#clear());
  }

  /** Whether it has ended, and another one is needed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async spawn({ file, args }: Command, folder: string): Promise<Spawned> {
    const id = (this.#lastId += 1);
    const pending: Pending = {
      channel: Promise.withResolvers(),
      output: Promise.withResolvers(),
      started: Promise.withResolvers(),
      ended: Promise.withResolvers(),
    };
    this.#pending.set(id, pending);
    this.#ask({ type: "spawn", id, file, args, folder, socket: this.#socket, token: this.#token });
    const [channel, output, pid] = await Promise.all([pending.channel.promise, pending.output.promise, pending.started.promise]);
    return {
      pid,
      channel,
      output,
      ended: pending.ended.promise,
      kill: () => this.#ask({ type: "kill", id }),
      idle: (own) => this.#ask({ type: "idle", pid: own }),
    };
  }

  get #socket(): string {
    return join(this.#folder, "s");
  }

  #ask(request: SpawnerRequest): void {
    if (!this.#isOver) this.#child.send(request, (error) => error && this.#over(error.message));
  }

  #told(reply: SpawnerReply): void {
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    if (reply.type === "started") return pending.started.resolve(reply.pid);
    this.#pending.delete(reply.id);
    if (reply.type === "failed") fail(pending, reply.reason);
    else pending.ended.resolve(reply.how);
  }

  /** Reads which stream of which process this is; what comes after that is the plugin's. */
  #arrived(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), HEAD_MS).unref();
    socket.on("error", () => undefined);
    socket.once("data", (chunk: Buffer) => {
      clearTimeout(timer);
      socket.pause();
      const end = chunk.subarray(0, HEAD_BYTES_MAX).indexOf(NEWLINE);
      const [token, id, part] = chunk.subarray(0, Math.max(end, 0)).toString("latin1").split(" ");
      const pending = token === this.#token ? this.#pending.get(Number(id)) : undefined;
      if (pending === undefined || (part !== "channel" && part !== "output")) return void socket.destroy();
      if (end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
      pending[part].resolve(socket);
    });
    socket.resume();
  }

  #over(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clear();
    for (const pending of this.#pending.values()) {
      fail(pending, reason);
      pending.ended.resolve(reason);
    }
    this.#pending.clear();
  }

  #clear(): void {
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function fail({ channel, output, started }: Pending, reason: string): void {
  const error = new AppError("upstream", `the process could not be started: ${reason}`);
  for (const one of [channel, output, started]) {
    // All three are awaited together, so one of them is enough to be heard.
    one.promise.catch(() => undefined);
    one.reject(error);
  }
}
