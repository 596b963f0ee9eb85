import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { AppError, hashInput } from "@tutti/core";
import type { JournalRow } from "./row.ts";
import { Waits } from "./waits.ts";

/** Where a run's chain ends. */
interface Head {
  readonly num: number;
  readonly seq: number;
  readonly hash: string;
  readonly parked: number;
}

/** What a run's row takes from its first event: `run.started`, or `run.recorded`, which is a whole run. */
interface FirstEvent {
  readonly type: string;
  readonly workflow: string;
  readonly version: string;
  readonly at: string;
  readonly startedAt?: string;
  readonly principal?: { readonly id: string };
  readonly action?: { readonly principal: { readonly id: string } };
  readonly parent?: { readonly runId: string };
}

/** Runs whose heads are remembered; others are read again when they go on. */
const HEADS_MAX = 20_000;
const CONFLICTED_MAX = 1000;

/** Hashes events and writes them, a batch in a transaction. Lives in the writer thread. */
export class Journal {
  readonly #db: DatabaseSync;
  readonly #heads = new Map<string, Head>();
  /** Runs that somebody lately wrote to who did not own them. */
  #conflicted: ReadonlySet<string> = new Set();
  readonly #waits: Waits;
  readonly #insertEvent: StatementSync;
  readonly #insertRun: StatementSync;
  readonly #updateRun: StatementSync;
  readonly #unpark: StatementSync;
  readonly #selectHead: StatementSync;
  readonly #selectBody: StatementSync;
  readonly #selectEnded: StatementSync;
  readonly #removeEvents: StatementSync;
  readonly #removeRun: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#waits = new Waits(db);
    this.#insertEvent = db.prepare("INSERT INTO events (run, seq, body, hash, topic) VALUES (?, ?, ?, ?, ?)");
    this.#insertRun = db.prepare(
      "INSERT INTO runs (id, workflow, version, status, started_at, ended_at, parent_id, principal_id, events, head) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
    );
    this.#updateRun = db.prepare("UPDATE runs SET status = ?, ended_at = ?, events = ?, head = ?, parked = 0 WHERE num = ?");
    this.#unpark = db.prepare("UPDATE runs SET parked = 0 WHERE num = ?");
    this.#selectHead = db.prepare(
      "SELECT r.num AS num, e.seq AS seq, e.hash AS hash, r.parked AS parked FROM runs r JOIN events e ON e.run = r.num WHERE r.id = ? ORDER BY e.seq DESC LIMIT 1",
    );
    this.#selectBody = db.prepare("SELECT body FROM events WHERE run = ? AND seq = ?");
    this.#selectEnded = db.prepare("SELECT num FROM runs WHERE id = ? AND ended_at IS NOT NULL");
    this.#removeEvents = db.prepare("DELETE FROM events WHERE run = ?");
    this.#removeRun = db.prepare("DELETE FROM runs WHERE num = ?");
  }

  /**
   * All rows or none; they are on disk when this returns. Only runs of which another event stands in the place of one of these are left
   * out from there on: whoever writes them does not own them. Returns those.
   */
  write(rows: readonly JournalRow[]): readonly string[] {
    const heads = new Map<string, Head>();
    const conflicts = new Set<string>();
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const row of rows) if (!conflicts.has(row.runId) && !this.#tryRow(row, heads)) conflicts.add(row.runId);
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    this.#remember(heads);
    for (const runId of conflicts) this.#heads.delete(runId);
    this.#conflicted = new Set([...this.#conflicted, ...conflicts].slice(-CONFLICTED_MAX));
    return [...conflicts];
  }

  /** Whether the row's run is its writer's. */
  #tryRow(row: JournalRow, heads: Map<string, Head>): boolean {
    try {
      const head = this.#writeRow(row, heads);
      if (head !== undefined) heads.set(row.runId, head);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === "conflict") return false;
      throw error;
    }
  }

  /** Removes runs that have ended; all of them or none. */
  remove(runIds: readonly string[]): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const runId of runIds) {
        const row = this.#selectEnded.get(runId);
        if (row === undefined) continue;
        this.#removeEvents.run(Number(row["num"]));
        this.#removeRun.run(Number(row["num"]));
        this.#heads.delete(runId);
      }
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #writeRow(row: JournalRow, heads: Map<string, Head>): Head | undefined {
    const { runId, seq, mark, body } = row;
    const previous = heads.get(runId) ?? this.#headOf(runId);
    if (mark === "park") return previous && { ...previous, parked: this.#waits.park(previous.num, body) };
    if (previous === undefined && seq === 1) return this.#writeFirst(row);
    // An earlier batch failed and will be sent again: what follows it must wait for it. What follows a refused event is refused, too.
    if (previous === undefined || seq > previous.seq + 1)
      throw new AppError(
        this.#conflicted.has(runId) ? "conflict" : "overloaded",
        `wanted event ${(previous?.seq ?? 0) + 1} of run ${runId}, got event ${seq}`,
      );
    if (seq <= previous.seq) return this.#requireSame(row, previous);
    return this.#writeNext(row, previous, heads);
  }

  #writeNext({ runId, seq, status, mark, body }: JournalRow, previous: Head, heads: Map<string, Head>): Head {
    const { num } = previous;
    const head = { num, seq, hash: hash("sha256", hashInput(previous.hash, body), "hex"), parked: 0 };
    this.#insertEvent.run(num, seq, body, head.hash, mark === "emit" ? topicOf(body) : null);
    if (mark === "wait" || mark === "woken") this.#waits[mark](num, body);
    const isEnd = isFinal(status);
    if (status !== "") this.#updateRun.run(status, isEnd ? atOf(body) : null, seq, head.hash, num);
    else if (previous.parked !== 0) this.#unpark.run(num);
    if (isEnd) for (const woken of this.#endWaits(num, { runId, status, body })) this.#forgetParked(woken, heads);
    return head;
  }

  #endWaits(num: number, { runId, status, body }: Pick<JournalRow, "runId" | "status" | "body">): readonly string[] {
    this.#waits.end(num);
    if (status !== "continued") return this.#waits.wakeJoiners(runId);
    this.#waits.follow(runId, (JSON.parse(body) as { readonly nextRunId: string }).nextRunId);
    return [];
  }

  #writeFirst({ runId, status, mark, body }: JournalRow): Head {
    const event = JSON.parse(body) as FirstEvent;
    const first = hash("sha256", hashInput(undefined, body), "hex");
    const principal = event.principal ?? event.action?.principal;
    const { lastInsertRowid } = this.#insertRun.run(
      runId,
      event.workflow,
      event.version,
      status,
      event.startedAt ?? event.at,
      isFinal(status) ? event.at : null,
      event.parent?.runId ?? null,
      principal?.id ?? "",
      first,
    );
    const num = Number(lastInsertRowid);
    this.#insertEvent.run(num, 1, body, first, mark === "emit" ? topicOf(body) : null);
    if (mark === "deadline") this.#waits.deadline(num, body);
    return { num, seq: 1, hash: first, parked: 0 };
  }

  /** An event that is there already is left as it is: an engine that replays writes it again. A recorded run is told once, whoever is first. */
  #requireSame({ runId, seq, body }: JournalRow, head: Head): Head {
    const stored = String(this.#selectBody.get(head.num, seq)?.["body"]);
    if (stored === body || (seq === 1 && (JSON.parse(body) as FirstEvent).type === "run.recorded")) return head;
    throw new AppError("conflict", `wanted event ${seq} of run ${runId} as it was written first, got another one`);
  }

  #headOf(runId: string): Head | undefined {
    return this.#heads.get(runId) ?? (this.#selectHead.get(runId) as Head | undefined);
  }

  /** The heads of runs that were woken say that they are parked; they are read again. */
  #forgetParked(runId: string, heads: Map<string, Head>): void {
    this.#heads.delete(runId);
    heads.delete(runId);
  }

  #remember(heads: ReadonlyMap<string, Head>): void {
    for (const [runId, head] of heads) this.#heads.set(runId, head);
    if (this.#heads.size <= HEADS_MAX) return;
    // The oldest half goes at once: dropping one by one on every batch would cost more than reading a few heads again.
    for (const runId of [...this.#heads.keys()].slice(0, HEADS_MAX / 2)) this.#heads.delete(runId);
  }
}

function isFinal(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled" || status === "continued";
}

/** `at` stands first in an end's canonical JSON, whose output may be large. */
function atOf(body: string): string {
  return /^\{"at":"([^"]+)"/.exec(body)?.[1] ?? (JSON.parse(body) as { readonly at: string }).at;
}

function topicOf(body: string): string {
  return (JSON.parse(body) as { readonly name: string }).name;
}
