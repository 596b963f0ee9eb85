import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Event, Wait } from "@tutti/core";

/** What unfinished runs wait for, derived from their events as these are written. */
export class Waits {
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeAll: StatementSync;
  readonly #keys: StatementSync;
  readonly #park: StatementSync;
  readonly #hasEnded: StatementSync;
  readonly #joiners: StatementSync;
  readonly #unparkJoiners: StatementSync;
  readonly #follow: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare("INSERT OR REPLACE INTO waits (run, key, kind, name, since, until, approval) VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#remove = db.prepare("DELETE FROM waits WHERE run = ? AND key = ?");
    this.#removeAll = db.prepare("DELETE FROM waits WHERE run = ?");
    this.#keys = db.prepare("SELECT key FROM waits WHERE run = ?");
    this.#park = db.prepare("UPDATE runs SET parked = 1, status = 'waiting' WHERE num = ?");
    this.#hasEnded = db.prepare("SELECT 1 FROM runs WHERE id = ? AND ended_at IS NOT NULL");
    this.#joiners = db.prepare(
      "SELECT r.id AS id FROM waits w JOIN runs r ON r.num = w.run WHERE w.kind = 'workflow' AND w.name = ? AND r.parked = 1",
    );
    this.#unparkJoiners = db.prepare(
      "UPDATE runs SET parked = 0 WHERE num IN (SELECT run FROM waits WHERE kind = 'workflow' AND name = ?)",
    );
    this.#follow = db.prepare("UPDATE waits SET name = ? WHERE kind = 'workflow' AND name = ?");
  }

  wait(num: number, body: string): void {
    const { key, kind, name, at, until, approval } = JSON.parse(body) as Extract<Event, { readonly type: "step.waiting" }>;
    this.#insert.run(num, key, kind, name, at, until, approval === undefined ? null : JSON.stringify(approval));
  }

  woken(num: number, body: string): void {
    this.#remove.run(num, (JSON.parse(body) as { readonly key: string }).key);
  }

  deadline(num: number, body: string): void {
    const { at, limits } = JSON.parse(body) as Extract<Event, { readonly type: "run.started" }>;
    this.#insert.run(num, "", "sleep", "deadline", at, new Date(Date.parse(at) + (limits?.timeMs ?? 0)).toISOString(), null);
  }

  /** Replaces what a run waits for; returns 1 when it is parked, 0 when what it waits for has happened already. */
  park(num: number, body: string): number {
    const waits = JSON.parse(body) as readonly Wait[];
    const known = new Set(this.#keys.all(num).map((row) => String(row["key"])));
    for (const { key, kind, name, since, until } of waits)
      if (!known.delete(key)) this.#insert.run(num, key, kind, name, since, until, null);
    known.delete("");
    for (const key of known) this.#remove.run(num, key);
    if (waits.some(({ kind, name }) => kind === "workflow" && this.#hasEnded.get(name) !== undefined)) return 0;
    this.#park.run(num);
    return 1;
  }

  /** A run has ended: it waits for nothing. */
  end(num: number): void {
    this.#removeAll.run(num);
  }

  /** Those that wait for a run that has ended need to be in memory. Returns their ids. */
  wakeJoiners(runId: string): readonly string[] {
    const joiners = this.#joiners.all(runId).map((row) => String(row["id"]));
    if (joiners.length > 0) this.#unparkJoiners.run(runId);
    return joiners;
  }

  /** Those that wait for a run that goes on as another wait for that one. */
  follow(runId: string, nextRunId: string): void {
    this.#follow.run(nextRunId, runId);
  }
}
