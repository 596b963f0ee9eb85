import { setTimeout as delay } from "node:timers/promises";
import { DatabaseError, type Client } from "pg";
import { AppError, type Store } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import { connect, disconnect, leave, LEAVE_MAX_MS } from "./connect.ts";
import { isConnectionLost, isTemporary, nameOf, postgresError } from "./failure.ts";
import { REFUSED } from "./journal-sql.ts";
import type { Row } from "./row.ts";

/** How long events that nobody waits for may wait for others: a commit costs more than all they hold. */
const SOON_MS = 20;
/** Rows that wait for the database. Beyond it `append` refuses: a server that is away must not eat the memory. */
const ROWS_PENDING_MAX = 250_000;
/** What one transaction takes: other nodes wait for it. */
const BATCH_ROWS_MAX = 5_000;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** How the writer tries again while the server is away or its disk is full. */
const AWAY_BACKOFF = { delayMs: 50, delayMaxMs: 2_000 };
/** A notification holds less than 8,000 bytes (PostgreSQL's manual, NOTIFY); an id takes up to 6 bytes a character. */
const CHANGE_BYTES_MAX = 7_000;

const APPEND = {
  name: "tutti-append",
  text: "SELECT tutti.append($1, $2::text[], $3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])",
};

/** One `append` or `park`: its rows are written all or none. */
interface Call {
  readonly rows: readonly Row[];
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Writes the journal over one connection, a batch in a transaction, in call order. What arrives while a batch is written is the next batch.
 * A batch whose fate is unknown, because the connection broke, is sent again: events that are there already are left as they are.
 */
export class Writer {
  readonly #url: string;
  readonly #node: string;
  #client: Client | undefined;
  #waiting: Call[] = [];
  #rowsPending = 0;
  #running: Promise<void> | undefined;
  #soon: NodeJS.Timeout | undefined;
  #health: ReturnType<Store["health"]> = { ok: true };
  readonly #closing = new AbortController();

  constructor(url: string, node: string) {
    this.#url = url;
    this.#node = node;
  }

  write(rows: readonly Row[], when: "now" | "soon" = "now"): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(new AppError("cancelled", "the store is closed"));
    if (rows.length === 0) return Promise.resolve();
    if (this.#rowsPending > ROWS_PENDING_MAX)
      return Promise.reject(new AppError("overloaded", `more than ${ROWS_PENDING_MAX} events wait for the database; try again later`));
    const call = { rows, done: Promise.withResolvers<void>() };
    // Whoever appended sees the rejection; a call nobody waits for must not end the process.
    call.done.promise.catch(() => undefined);
    this.#waiting.push(call);
    this.#rowsPending += rows.length;
    if (when === "now") this.#start();
    else this.#soon ??= setTimeout(() => this.#start(), SOON_MS);
    return call.done.promise;
  }

  health(): ReturnType<Store["health"]> {
    return this.#health;
  }

  /** Writes what waits. While the server is away nothing is tried again any more: what was not acknowledged is refused. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#start();
    const timer = setTimeout(() => this.#disconnect(), LEAVE_MAX_MS);
    await this.#running;
    clearTimeout(timer);
    if (this.#client !== undefined) await leave(this.#client);
  }

  /** Begins at the end of this turn of the event loop, so that all runs that go on in it share one commit. */
  #start(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    if (this.#running !== undefined || this.#waiting.length === 0) return;
    this.#running = this.#drain();
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, batchLength(this.#waiting)));
    // In the same breath as the last look at what waits: a call between the two would find nobody.
    this.#running = undefined;
  }

  async #commit(batch: readonly Call[]): Promise<void> {
    let calls = batch;
    for (let attempt = 1; calls.length > 0; attempt += 1) {
      try {
        await this.#send(calls.flatMap(({ rows }) => rows));
        this.#health = { ok: true };
        for (const call of calls) this.#settle(call);
        return;
      } catch (error) {
        // Whoever could connect at the start and cannot now will be able to again, whatever the server says meanwhile.
        const mayPass = this.#client === undefined || isTemporary(error);
        if (isConnectionLost(error)) this.#disconnect();
        const refused = refusedRows(error);
        if (refused !== undefined) calls = this.#refuse(calls, refused);
        else if (!mayPass) return this.#isolate(calls, error);
        else if (!(await this.#waitFor(error, attempt))) return this.#fail(calls, error);
      }
    }
  }

  /** A statement that can never succeed is one call's fault; the others must not suffer for it. */
  async #isolate(calls: readonly Call[], error: unknown): Promise<void> {
    if (calls.length === 1) return this.#fail(calls, error);
    const middle = calls.length >> 1;
    await this.#commit(calls.slice(0, middle));
    await this.#commit(calls.slice(middle));
  }

  /**
   * Refuses the calls whose events do not fit, and all later calls for their runs that were made before anybody could know of it: they would
   * land on what another node wrote. Returns the others.
   */
  #refuse(calls: readonly Call[], refused: ReadonlySet<number>): readonly Call[] {
    const lost = new Set<string>();
    const others: Call[] = [];
    let firstRow = 1;
    for (const call of calls) {
      const isRefused = call.rows.some(({ runId }, index) => refused.has(firstRow + index) || lost.has(runId));
      firstRow += call.rows.length;
      if (isRefused) this.#lose(call, lost);
      else others.push(call);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) {
      if (call.rows.some(({ runId }) => lost.has(runId))) this.#lose(call, lost);
      else this.#waiting.push(call);
    }
    return others;
  }

  #lose(call: Call, lost: Set<string>): void {
    for (const { runId } of call.rows) lost.add(runId);
    const [first] = call.rows;
    this.#settle(
      call,
      new AppError(
        "conflict",
        `wanted the next events of run ${first?.runId ?? ""}, got event ${first?.seq ?? 0}, which does not fit what is there; another node went on with the run: load it again`,
      ),
    );
  }

  async #waitFor(error: unknown, attempt: number): Promise<boolean> {
    const { code, message } = postgresError(nameOf(this.#url), error);
    if (code !== "overloaded") this.#health = { ok: false, code: code === "storage_full" ? code : "storage_unreachable", message };
    await delay(backoffMs(attempt, AWAY_BACKOFF, Math.random()), undefined, { signal: this.#closing.signal }).catch(() => undefined);
    return !this.#closing.signal.aborted;
  }

  #fail(calls: readonly Call[], thrown: unknown): void {
    const error = postgresError(nameOf(this.#url), thrown);
    if (error.code === "storage_corrupt") this.#health = { ok: false, code: error.code, message: error.message };
    for (const call of calls) this.#settle(call, error);
  }

  #settle(call: Call, error?: AppError): void {
    this.#rowsPending -= call.rows.length;
    if (error === undefined) call.done.resolve();
    else call.done.reject(error);
  }

  async #send(rows: readonly Row[]): Promise<void> {
    const client = (this.#client ??= await this.#connect());
    await client.query({ ...APPEND, values: [this.#node, ...columnsOf(rows)] });
  }

  async #connect(): Promise<Client> {
    const client = await connect(this.#url, (lost) => {
      if (this.#client === lost) this.#client = undefined;
    });
    // What is acknowledged is on disk. A stronger setting, such as waiting for a standby to have applied it, is left as it is.
    await client.query(
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')",
    );
    return client;
  }

  #disconnect(): void {
    if (this.#client !== undefined) disconnect(this.#client);
    this.#client = undefined;
  }
}

/**
 * How many calls make the next batch. What follows the parking of a run is another batch: were both sent again, the run would be parked
 * once more, and the event that woke it would be there already.
 */
function batchLength(calls: readonly Call[]): number {
  let rows = 0;
  let bytes = 0;
  const parked = new Set<string>();
  for (const [index, call] of calls.entries()) {
    rows += call.rows.length;
    for (const row of call.rows) bytes += row.body.length;
    const isFull = rows > BATCH_ROWS_MAX || bytes > BATCH_BYTES_MAX;
    if (index > 0 && (isFull || call.rows.some(({ runId }) => parked.has(runId)))) return index;
    for (const { runId, mark } of call.rows) if (mark === "park") parked.add(runId);
  }
  return calls.length;
}

/** The arguments of `tutti.append` after the node. */
function columnsOf(rows: readonly Row[]): readonly unknown[] {
  const numbers = new Map<string, number>();
  const newest = new Map<string, number>();
  const runs = rows.map(({ runId, seq }) => {
    if (!numbers.has(runId)) numbers.set(runId, numbers.size + 1);
    if (seq > 0) newest.set(runId, seq);
    return numbers.get(runId);
  });
  return [
    [...numbers.keys()],
    runs,
    rows.map(({ seq }) => seq),
    rows.map(({ status }) => status),
    rows.map(({ mark }) => mark),
    rows.map(({ extra }) => extra),
    rows.map(({ body }) => body),
    changesOf(newest),
  ];
}

/** Runs with their newest events, as JSON in pieces that fit a notification. */
function changesOf(newest: ReadonlyMap<string, number>): readonly string[] {
  const pieces: string[] = [];
  let piece: string[] = [];
  let sizeBytes = 0;
  for (const [runId, seq] of newest) {
    const item = JSON.stringify([runId, seq]);
    sizeBytes += Buffer.byteLength(item) + 1;
    if (sizeBytes > CHANGE_BYTES_MAX && piece.length > 0) {
      pieces.push(`[${piece.join(",")}]`);
      piece = [];
      sizeBytes = Buffer.byteLength(item) + 1;
    }
    piece.push(item);
  }
  if (piece.length > 0) pieces.push(`[${piece.join(",")}]`);
  return pieces;
}

function refusedRows(error: unknown): ReadonlySet<number> | undefined {
  if (!(error instanceof DatabaseError) || error.code !== REFUSED) return undefined;
  return new Set(JSON.parse(error.detail ?? "[]") as readonly number[]);
}
