import { randomUUID } from "node:crypto";
import {
  canonicalJson,
  type BlobRef,
  type EventDraft,
  type Json,
  type RunFilter,
  type Store,
  type Wait,
  type WaitFilter,
} from "@tutti/core";
import type { ActivitySpan, CountFilter, LogSearch, Survey } from "../survey.ts";
import type { Upkeep } from "../upkeep.ts";
import { Blobs } from "./blobs.ts";
import { backUp, copyIn } from "./copy.ts";
import { Database } from "./database.ts";
import { Reader } from "./reader.ts";
import { eventRow, parkRow } from "./row.ts";
import { Session, type Change } from "./session.ts";
import { surveyOf } from "./survey.ts";
import { Writer } from "./writer.ts";

/** The store on PostgreSQL, which several nodes may share: a connection that writes the journal, one that listens, and a pool for the rest. */
export class PostgresStore implements Store, Upkeep, Survey {
  readonly #database: Database;
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #survey: Survey;
  readonly #blobs: Blobs;

  /** Connects and brings the schema `tutti` of the database up to date. */
  static async open(url: string): Promise<PostgresStore> {
    const node = randomUUID();
    await using opening = new AsyncDisposableStack();
    const database = await Database.open(url);
    opening.defer(() => database.close());
    const session = await Session.open(url, node);
    opening.move();
    return new PostgresStore({ database, session, writer: new Writer(url, node) });
  }

  private constructor(parts: { readonly database: Database; readonly session: Session; readonly writer: Writer }) {
    this.#database = parts.database;
    this.#session = parts.session;
    this.#writer = parts.writer;
    this.#reader = new Reader(parts.database);
    this.#survey = surveyOf(parts.database);
    this.#blobs = new Blobs(parts.database);
  }

  async append(events: readonly EventDraft[], when: "now" | "soon" = "now"): Promise<void> {
    return this.#writer.write(events.map(eventRow), when);
  }

  async park(runId: string, waits: readonly Wait[]): Promise<void> {
    return this.#writer.write([parkRow(runId, waits)]);
  }

  read(runId: string, options: { readonly afterSeq: number; readonly limit: number }) {
    return this.#reader.read(runId, options);
  }

  log(options: { readonly afterPosition: number; readonly limit: number; readonly only?: "emits" }) {
    return this.#reader.log(options);
  }

  waits(filter: WaitFilter) {
    return this.#reader.waits(filter);
  }

  run(runId: string) {
    return this.#reader.run(runId);
  }

  runs(filter: RunFilter) {
    return this.#reader.runs(filter);
  }

  oldestRuns(page: { readonly afterId?: string | undefined; readonly limit: number }) {
    return this.#reader.oldestRuns(page);
  }

  async removeRuns(runIds: readonly string[]): Promise<void> {
    await this.#database.query(
      `WITH ended AS (DELETE FROM tutti.runs WHERE id = ANY($1) AND ended_at IS NOT NULL RETURNING num)
       DELETE FROM tutti.events WHERE run IN (SELECT num FROM ended)`,
      [runIds],
    );
  }

  removeBlobs(before: string): Promise<number> {
    return this.#blobs.removeBefore(before);
  }

  putBlob(text: string): Promise<BlobRef> {
    return this.#blobs.put(text);
  }

  getBlob(ref: BlobRef): Promise<string> {
    return this.#blobs.get(ref);
  }

  getSetting(name: string): Promise<Json | undefined> {
    return this.#reader.setting(name);
  }

  async setSetting(name: string, value: Json): Promise<void> {
    await this.#database.query(
      "INSERT INTO tutti.settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      [name, canonicalJson(value)],
    );
  }

  async deleteSetting(name: string): Promise<void> {
    await this.#database.query("DELETE FROM tutti.settings WHERE name = $1", [name]);
  }

  settings(prefix: string, limit: number) {
    return this.#survey.settings(prefix, limit);
  }

  position() {
    return this.#survey.position();
  }

  countRuns(filter: CountFilter) {
    return this.#survey.countRuns(filter);
  }

  countActivity(span: ActivitySpan) {
    return this.#survey.countActivity(span);
  }

  searchLog(search: LogSearch) {
    return this.#survey.searchLog(search);
  }

  /** Tells of what other nodes wrote. */
  changes(listener: (change: Change) => void): Disposable {
    return this.#session.changes(listener);
  }

  /** Holds a name among all nodes on this database; `storage_in_use` when another node has it. */
  hold(name: string): Promise<AsyncDisposable> {
    return this.#session.hold(name);
  }

  backup(target: string): Promise<void> {
    return backUp({ store: this, database: this.#database, blobs: this.#blobs }, target);
  }

  /** Copies a data folder of the SQLite store, or a backup, into this database, which must be empty. Returns how many events it has. */
  copyFrom(dataDir: string): Promise<number> {
    return copyIn(dataDir, { store: this, database: this.#database, blobs: this.#blobs });
  }

  health(): ReturnType<Store["health"]> {
    const health = this.#writer.health();
    return health.ok ? this.#session.health() : health;
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await Promise.all([this.#session.close(), this.#database.close()]);
  }
}
