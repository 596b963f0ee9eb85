import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { AppError, hashInput } from "@tutti/core";

/** One event on its way to the journal. `status` is the run's status after it, "" when the event does not change it. */
export interface JournalRow {
  readonly runId: string;
  readonly seq: number;
  readonly status: string;
  readonly body: string;
}

/** Where a run's chain ends. */
interface Head {
  readonly num: number;
  readonly seq: number;
  readonly hash: string;
}

/** What a run's row takes from its first event: `run.started`, or `run.recorded`, which is a whole run. */
interface FirstEvent {
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

/** Hashes events and writes them, a batch in a transaction. Lives in the writer thread. */
export class Journal {
  readonly #db: DatabaseSync;
  readonly #heads = new Map<string, Head>();
  readonly #insertEvent: StatementSync;
  readonly #insertRun: StatementSync;
  readonly #updateRun: StatementSync;
  readonly #selectHead: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insertEvent = db.prepare("INSERT INTO events (run, seq, body, hash) VALUES (?, ?, ?, ?)");
    this.#insertRun = db.prepare(
      "INSERT INTO runs (id, workflow, version, status, started_at, ended_at, parent_id, principal_id, events, head) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
    );
    this.#updateRun = db.prepare("UPDATE runs SET status = ?, ended_at = ?, events = ?, head = ? WHERE num = ?");
    this.#selectHead = db.prepare(
      "SELECT r.num AS num, e.seq AS seq, e.hash AS hash FROM runs r JOIN events e ON e.run = r.num WHERE r.id = ? ORDER BY e.seq DESC LIMIT 1",
    );
  }

  /** All rows or none; they are on disk when this returns. */
  write(rows: readonly JournalRow[]): void {
    const heads = new Map<string, Head>();
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const row of rows) heads.set(row.runId, this.#writeRow(row, heads.get(row.runId)));
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    this.#remember(heads);
  }

  #writeRow(row: JournalRow, inBatch: Head | undefined): Head {
    const { runId, seq, status, body } = row;
    if (seq === 1) return this.#writeFirst(row);
    const previous = inBatch ?? this.#headOf(runId);
    // An earlier batch failed and will be sent again: what follows it must wait for it.
    if (previous?.seq !== seq - 1)
      throw new AppError("overloaded", `wanted event ${(previous?.seq ?? 0) + 1} of run ${runId}, got event ${seq}`);
    const head = { num: previous.num, seq, hash: hash("sha256", hashInput(previous.hash, body), "hex") };
    this.#insertEvent.run(head.num, head.seq, body, head.hash);
    if (status !== "") this.#updateRun.run(status, isFinal(status) ? atOf(body) : null, head.seq, head.hash, head.num);
    return head;
  }

  #writeFirst({ runId, status, body }: JournalRow): Head {
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
    this.#insertEvent.run(lastInsertRowid, 1, body, first);
    return { num: Number(lastInsertRowid), seq: 1, hash: first };
  }

  #headOf(runId: string): Head | undefined {
    return this.#heads.get(runId) ?? (this.#selectHead.get(runId) as Head | undefined);
  }

  #remember(heads: ReadonlyMap<string, Head>): void {
    for (const [runId, head] of heads) this.#heads.set(runId, head);
    if (this.#heads.size <= HEADS_MAX) return;
    // The oldest half goes at once: dropping one by one on every batch would cost more than reading a few heads again.
    for (const runId of [...this.#heads.keys()].slice(0, HEADS_MAX / 2)) this.#heads.delete(runId);
  }
}

function isFinal(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

function atOf(body: string): string {
  return (JSON.parse(body) as { readonly at: string }).at;
}
