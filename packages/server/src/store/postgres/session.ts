import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { AppError, type Store } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import { connect, disconnect, leave } from "./connect.ts";
import { nameOf, postgresError } from "./failure.ts";
import { CHANNEL, LOCK_SPACE } from "./journal-sql.ts";

/** How often the connection is tried while nothing is heard: a peer that vanished closes nothing. */
const PING_MS = 10_000;
const AWAY_BACKOFF = { delayMs: 50, delayMaxMs: 2_000 };
/** Events looked through at once for what was missed while the connection was lost. */
const CATCH_UP_PAGE = 10_000;

/** A run that somebody wrote to, and its newest event. */
export interface Change {
  readonly runId: string;
  readonly seq: number;
}

/**
 * One connection that stays: it hears what other nodes wrote, keeps the names this node holds, and notices first when the server is away.
 * When it is lost it is opened again, and what was written meanwhile is told late.
 */
export class Session {
  readonly #url: string;
  readonly #node: string;
  readonly #listeners = new Set<(change: Change) => void>();
  /** What this node holds: `true` while the present connection has it. */
  readonly #names = new Map<string, boolean>();
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #position: number | undefined;
  #health: ReturnType<Store["health"]> = { ok: true };
  #living: Promise<void> = Promise.resolve();

  static async open(url: string, node: string): Promise<Session> {
    const session = new Session(url, node);
    const { lost } = await session.#listen();
    session.#living = session.#live(lost);
    return session;
  }

  private constructor(url: string, node: string) {
    this.#url = url;
    this.#node = node;
  }

  changes(listener: (change: Change) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Holds a name among all nodes until it is disposed of, or this node is gone. */
  async hold(name: string): Promise<AsyncDisposable> {
    const client = this.#client;
    if (client === undefined) throw new AppError("storage_unreachable", `cannot hold the ${name}: ${nameOf(this.#url)} is away; try again`);
    if (this.#names.has(name) || !(await acquire(client, name)))
      throw new AppError(
        "storage_in_use",
        `wanted the ${name} of ${nameOf(this.#url)} for this node, got one that another Tutti holds; stop that one, or give this one a database of its own`,
      );
    this.#names.set(name, true);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#names.delete(name);
        await this.#client?.query(`SELECT pg_advisory_unlock(${LOCK_SPACE}, hashtext($1))`, [name]).catch(() => undefined);
      },
    };
  }

  health(): ReturnType<Store["health"]> {
    return this.#health;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#living;
    if (this.#client !== undefined) await leave(this.#client);
  }

  async #live(firstLost: Promise<void>): Promise<void> {
    for (let lost = firstLost, attempt = 1; ; attempt += 1) {
      await lost;
      if (this.#closing.signal.aborted) return;
      try {
        ({ lost } = await this.#listen());
        attempt = 0;
      } catch (error) {
        const { message } = postgresError(nameOf(this.#url), error);
        this.#health = { ok: false, code: "storage_unreachable", message };
        lost = Promise.resolve();
        await this.#pause(backoffMs(attempt, AWAY_BACKOFF, Math.random()));
      }
    }
  }

  /** Connects and listens; `lost` resolves at the connection's end. */
  async #listen(): Promise<{ readonly lost: Promise<void> }> {
    const lost = Promise.withResolvers<void>();
    const client = await connect(this.#url, () => lost.resolve());
    try {
      client.on("notification", ({ payload }) => this.#hear(payload ?? ""));
      await client.query(`LISTEN ${CHANNEL}`);
      for (const name of this.#names.keys()) this.#names.set(name, false);
      await this.#takeBack(client);
      await this.#catchUp(client);
    } catch (error) {
      disconnect(client);
      throw error;
    }
    this.#client = client;
    return { lost: this.#watch(client, lost.promise) };
  }

  /** Ends when the connection does, or no longer answers, or the session is closed. */
  async #watch(client: Client, lost: Promise<void>): Promise<void> {
    const isLost = lost.then(() => true);
    while (!(await Promise.race([isLost, this.#pause(PING_MS)]))) {
      if (this.#closing.signal.aborted) return;
      const isAlive = await client.query("SELECT 1").then(
        () => true,
        () => false,
      );
      if (!isAlive) break;
      await this.#takeBack(client).catch(() => undefined);
    }
    this.#client = undefined;
    disconnect(client);
    this.#health = { ok: false, code: "storage_unreachable", message: `lost the connection to ${nameOf(this.#url)}; it is tried again` };
  }

  /** Tells of what was written since the last known position. At first there is nothing that anybody missed. */
  async #catchUp(client: Client): Promise<void> {
    if (this.#position === undefined) {
      const { rows } = await client.query<{ position: string }>("SELECT coalesce(max(position), 0) AS position FROM tutti.events");
      this.#position = Number(rows[0]?.position ?? 0);
      return;
    }
    for (let after = this.#position; ;) {
      const { rows } = await client.query<{ id: string; seq: number; position: string }>(
        `SELECT r.id, max(e.seq) AS seq, max(e.position) AS position
         FROM (SELECT run, seq, position FROM tutti.events WHERE position > $1 ORDER BY position LIMIT $2) e
         JOIN tutti.runs r ON r.num = e.run GROUP BY r.id`,
        [after, CATCH_UP_PAGE],
      );
      if (rows.length === 0) return;
      for (const { id, seq } of rows) this.#tell({ runId: id, seq });
      after = Math.max(...rows.map(({ position }) => Number(position)));
      this.#position = Math.max(this.#position, after);
    }
  }

  #hear(payload: string): void {
    const told = readPayload(payload);
    if (told === undefined) return;
    this.#position = Math.max(this.#position ?? 0, told.position);
    if (told.node === this.#node) return;
    for (const [runId, seq] of told.runs) this.#tell({ runId, seq });
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  /**
   * Takes what this node holds. The server forgets it with a connection, and may do so late: then the old one stands in the way, and the
   * next look succeeds. Says in `health` what is missing.
   */
  async #takeBack(client: Client): Promise<void> {
    for (const [name, isHeld] of this.#names) if (!isHeld) this.#names.set(name, await acquire(client, name));
    const missing = [...this.#names].find(([, isHeld]) => !isHeld)?.[0];
    this.#health =
      missing === undefined
        ? { ok: true }
        : {
            ok: false,
            code: "storage_unwritable",
            message: `another node took the ${missing} while the connection was lost; stop one of them`,
          };
  }

  async #pause(ms: number): Promise<false> {
    await delay(ms, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
    return false;
  }
}

async function acquire(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(`SELECT pg_try_advisory_lock(${LOCK_SPACE}, hashtext($1)) AS held`, [name]);
  return rows[0]?.held === true;
}

interface Payload {
  readonly node: string;
  readonly position: number;
  readonly runs: readonly (readonly [runId: string, seq: number])[];
}

/** What `tutti.append` tells. Anybody who may connect may notify, so what is of another shape is left alone. */
function readPayload(text: string): Payload | undefined {
  const isRun = (item: unknown): boolean => Array.isArray(item) && typeof item[0] === "string" && Number.isSafeInteger(item[1]);
  try {
    const [node, position, runs] = JSON.parse(text) as readonly unknown[];
    const isWell = typeof node === "string" && Number.isSafeInteger(position) && Array.isArray(runs) && runs.every(isRun);
    return isWell ? { node, position: position as number, runs: runs as Payload["runs"] } : undefined;
  } catch {
    return undefined;
  }
}
