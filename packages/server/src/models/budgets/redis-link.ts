import { hash } from "node:crypto";
import { AppError } from "@tutti/core";
import { Redis } from "ioredis";

/** Longer than this a request does not wait for Redis. */
const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_DELAY_MS = 100;
const RETRY_DELAY_MAX_MS = 1_000;

/** What a script is called with. */
export interface ScriptCall {
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** A connection to Redis that is tried again for ever, and on which commands fail at once while it is not there. */
export class RedisLink {
  readonly #redis: Redis;
  readonly #shas = new Map<string, string>();

  constructor(url: string, listener: { onReady(): void; onLost(error: AppError): void }) {
    this.#redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      // A settlement that was sent twice would be charged twice; what became of it is found out when the connection is back.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: (times) => Math.min(RETRY_DELAY_MAX_MS, RETRY_DELAY_MS * times),
      protocol: 2,
    });
    let lastError: unknown;
    this.#redis.on("error", (error: unknown) => {
      lastError = error;
    });
    this.#redis.on("ready", () => listener.onReady());
    this.#redis.on("close", () => listener.onLost(lost(lastError)));
  }

  /** Resolves when it was tried once, whatever came of it. */
  async connect(): Promise<void> {
    await this.#redis.connect().catch(() => undefined);
  }

  /** Makes scripts known to the server. */
  async load(scripts: readonly string[]): Promise<void> {
    for (const script of scripts) await this.#redis.script("LOAD", script);
  }

  /** Runs a script that was loaded. */
  async run({ script, keys, args }: ScriptCall): Promise<unknown> {
    return this.#redis.evalsha(this.#shaOf(script), keys.length, ...keys, ...args);
  }

  /** Breaks the connection off and makes a new one: the server hangs, or has forgotten the scripts. */
  reconnect(): void {
    this.#redis.disconnect(true);
  }

  async close(): Promise<void> {
    await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
  }

  /** Redis names a script by its SHA-1. */
  #shaOf(script: string): string {
    let sha = this.#shas.get(script);
    if (sha === undefined) this.#shas.set(script, (sha = hash("sha1", script, "hex")));
    return sha;
  }
}

function lost(cause: unknown): AppError {
  const why = cause instanceof Error ? cause.message : "the connection closed";
  return new AppError("overloaded", `wanted an answer of Redis, got none (${why}); is it running, and is redisUrl right?`, { cause });
}
