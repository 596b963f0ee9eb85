import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "pg";
import { backoffMs } from "@tutti/core/resilience";
import { connectionOptions, LEAVE_MAX_MS } from "./connect.ts";
import { isTemporary, nameOf, postgresError } from "./failure.ts";
import { migrate } from "./migrations.ts";

/** Connections for all but the journal; more queries wait for one. */
const CONNECTIONS_MAX = 8;
/** How long a query is tried again while the server is away; longer than a restart takes. */
const AWAY_MAX_MS = 20_000;
/** How long `open` waits for a server that starts at the same time. */
const OPEN_AWAY_MAX_MS = 5_000;
const BACKOFF = { delayMs: 50, delayMaxMs: 2_000 };

/** A row as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** The pool of connections for reads and for small writes that may be repeated. Errors are `AppError`s that name the database. */
export class Database {
  readonly url: string;
  readonly name: string;
  readonly #pool: Pool;
  readonly #closing = new AbortController();

  /** Connects and brings the schema up to date. */
  static async open(url: string): Promise<Database> {
    const database = new Database(url);
    try {
      await database.#retry(OPEN_AWAY_MAX_MS, () => database.#migrate());
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  private constructor(url: string) {
    this.url = url;
    this.name = nameOf(url);
    this.#pool = new Pool({ ...connectionOptions(url), max: CONNECTIONS_MAX });
    // An idle connection that breaks is replaced at the next query.
    this.#pool.on("error", () => undefined);
  }

  /** Runs one statement that may be repeated; waits a while for a server that is away. */
  async query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#retry(AWAY_MAX_MS, async () => (await this.#pool.query<Row>(text, [...values])).rows);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const left = this.#pool.end();
    await Promise.race([left, delay(LEAVE_MAX_MS, undefined, { ref: false })]);
  }

  async #migrate(): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await migrate(client, this.name);
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #retry<T>(awayMaxMs: number, action: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await action();
      } catch (error) {
        const isLate = performance.now() - startedAt > awayMaxMs;
        if (isLate || this.#closing.signal.aborted || !isTemporary(error)) throw postgresError(this.name, error);
        await delay(backoffMs(attempt, BACKOFF, Math.random()), undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }
}
