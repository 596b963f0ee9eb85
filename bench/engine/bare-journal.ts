import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Subject } from "./subject.ts";

/** The rows of one workflow, as long as Tutti's events with their hashes: start and decision, five steps, the end. */
const ROW_CHARACTERS = [300, 480, 270, 270, 270, 270, 270, 200];

/**
 * The limit: as many rows as Tutti writes, as long as its own, in one table, by node:sqlite with WAL, synchronous=FULL and group commit, each
 * step durable before the next. No thread, no hash, no index by run, no list of runs, no policy, no engine.
 */
export async function open(folder: string): Promise<Subject> {
  const db = new DatabaseSync(join(folder, "bare.db"));
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE journal (position INTEGER PRIMARY KEY, run INTEGER, seq INTEGER, body TEXT)",
  );
  const insert = db.prepare("INSERT INTO journal (run, seq, body) VALUES (?, ?, ?)");
  const bodies = ROW_CHARACTERS.map((length) => "x".repeat(length));
  let pending: [run: number, seq: number][] = [];
  let done = Promise.withResolvers<void>();
  let isScheduled = false;
  const commit = (): void => {
    const [rows, committed] = [pending, done];
    pending = [];
    done = Promise.withResolvers();
    isScheduled = false;
    db.exec("BEGIN");
    for (const [run, seq] of rows) insert.run(run, seq, bodies[seq] ?? "");
    db.exec("COMMIT");
    committed.resolve();
  };
  const append = (run: number, seq: number): Promise<void> => {
    pending.push([run, seq]);
    if (!isScheduled) setImmediate(commit);
    isScheduled = true;
    return done.promise;
  };
  return {
    name: "bare node:sqlite",
    version: `SQLite ${process.versions.sqlite}`,
    settings: "WAL, synchronous=FULL, group commit",
    // The start travels with the first step and the end with the last, as the least number of commits allows.
    async runWorkflow(run) {
      void append(run, 0);
      void append(run, 1);
      for (let seq = 2; seq <= 5; seq += 1) await append(run, seq);
      void append(run, 6);
      await append(run, 7);
      return run + 5;
    },
    async [Symbol.asyncDispose]() {
      db.close();
    },
  };
}
