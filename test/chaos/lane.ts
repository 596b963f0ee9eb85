import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { verifyChain, type Event, type RunRecord } from "@tutti/core";
import { jobOf, type Job } from "./job.ts";
import { randomOf } from "./random.ts";
import { ServerProcess } from "./server-process.ts";

/** Runs started in each life of the server, and unfinished ones that its client goes on with. */
const JOBS_A_ROUND = 4;
const DRIVEN_A_ROUND = 12;
/** How long after its start a server is killed at the latest; every so many rounds it lives long enough for runs to leave the memory. */
const LIFE_MS_MAX = 90;
const LONG_LIFE_MS = 1200;
const LONG_LIFE_EVERY = 15;
/** How long the last life may take to end all runs. */
const END_MS_MAX = 300_000;
const LOOK_MS = 50;
const SCHEDULE = { name: "ticks", workflow: "chaos-tick", tickField: "at", input: {}, when: { everyMs: 150 }, overlap: "allow" };

const GRAPH_WORKFLOW = "tutti.graph";

/** SHA-256 in hex. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What stands in a database: events in the order of the log. */
type Content = readonly Event[];

/** What else a test does to a server. */
export interface Trouble {
  /** While it lives. */
  readonly during?: () => Promise<void>;
  /** When it is dead; returns true when what was durable may be gone now. */
  readonly after?: () => Promise<boolean>;
  /** In the end, when there must be no more trouble. */
  readonly over?: () => Promise<void>;
}

/** One data folder, the server that is killed over it again and again, and the client that wants its runs all the same. */
export class Lane {
  readonly seed: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly random: () => number;
  readonly #effects: string;
  readonly #jobs = new Map<string, Job>();
  readonly #acknowledged = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #completed = new Set<string>();
  #effectsSeen = 0;
  #eventsSeen = 0;
  #parked = 0;
  kills = 0;

  constructor(folder: string, seed: string) {
    this.seed = seed;
    this.folder = folder;
    this.dataDir = join(folder, "data");
    this.#effects = join(folder, "effects");
    this.random = randomOf(seed);
  }

  /** For whoever reads the test's output. */
  get summary(): string {
    return `${this.#jobs.size} runs wanted, ${this.#eventsSeen} events, ${this.#effectsSeen} effects, ${this.#parked} times a run that had left the memory`;
  }

  /** Kills the server so often, then lets it end everything and looks whether all came right. Throws with the seed and the folder. */
  async run(kills: number, trouble: Trouble = {}): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
      await writeFile(this.#effects, "");
      for (let round = 0; round < kills; round += 1) await this.#round(round, trouble);
      await trouble.over?.();
      await this.#finish();
    } catch (error) {
      throw new Error(`seed ${this.seed}, after ${this.kills} kills; the folder ${this.folder} is kept`, { cause: error });
    }
  }

  async #round(round: number, { during, after }: Trouble): Promise<void> {
    const server = await ServerProcess.start(this.dataDir, this.#effects);
    for (let index = 0; index < JOBS_A_ROUND; index += 1) {
      const job = jobOf(this.seed, this.#jobs.size);
      this.#jobs.set(job.runId, job);
    }
    const atLeastMs = round % LONG_LIFE_EVERY === LONG_LIFE_EVERY - 1 ? LONG_LIFE_MS : 0;
    const driven = Promise.all([this.#drive(server), server.post("/v1/schedules", SCHEDULE), during?.()]);
    await new Promise((resolve) => setTimeout(resolve, atLeastMs + this.random() * Math.max(atLeastMs, LIFE_MS_MAX)));
    await server.kill();
    await driven;
    this.kills += 1;
    this.#checkEffects();
    if ((await after?.()) === true) this.#adopt();
    else this.#checkKept();
  }

  /** Asks for all that has no answer yet, and goes on with some of what has not ended. */
  async #drive(server: ServerProcess): Promise<void> {
    const open = [...this.#jobs.values()].filter(({ runId }) => !this.#ended.has(runId) || !this.#acknowledged.has(runId));
    const driven = open.slice(0, DRIVEN_A_ROUND).concat(open.slice(DRIVEN_A_ROUND).slice(-JOBS_A_ROUND));
    await Promise.all(
      driven.map(async (job) => {
        if (!this.#acknowledged.has(job.runId) && (await job.start(server))) this.#acknowledged.add(job.runId);
        if (this.#acknowledged.has(job.runId)) await job.steer?.(server);
      }),
    );
  }

  /** What was complete before this life did not run again in it. */
  #checkEffects(): void {
    const done = readFileSync(this.#effects, "utf8").split("\n").filter(Boolean);
    const repeated = done.slice(this.#effectsSeen).filter((key) => this.#completed.has(key));
    this.#effectsSeen = done.length;
    assert.deepEqual(repeated, [], `steps that were complete ran again in life ${this.kills}`);
  }

  /** Nothing that was acknowledged, or seen on the disk, is gone. */
  #checkKept(): void {
    using db = this.#open();
    const { count } = (db?.prepare("SELECT count(*) AS count FROM events").get() ?? { count: 0 }) as { readonly count: number };
    assert.ok(count >= this.#eventsSeen, `the log had ${this.#eventsSeen} events, and has ${count} after kill ${this.kills}`);
    const known =
      db === undefined
        ? []
        : db
            .prepare("SELECT id FROM runs")
            .all()
            .map((row) => String(row["id"]));
    const ids = new Set(known);
    this.#parked += Number(db?.prepare("SELECT count(*) AS count FROM runs WHERE parked = 1").get()?.["count"] ?? 0);
    const lost = [...this.#acknowledged].filter((runId) => !ids.has(runId));
    assert.deepEqual(lost, [], `runs that were acknowledged are gone after kill ${this.kills}`);
    this.#learn(db === undefined ? [] : eventsOf(db, this.#eventsSeen));
  }

  /** Takes the disk as it is: what it does not have any more is asked for again. */
  #adopt(): void {
    using db = this.#open();
    const events = db === undefined ? [] : eventsOf(db, 0);
    const known = new Set(events.map(({ runId }) => runId));
    for (const runId of this.#acknowledged) if (!known.has(runId)) this.#acknowledged.delete(runId);
    this.#ended.clear();
    this.#completed.clear();
    this.#eventsSeen = 0;
    this.#learn(events);
  }

  #learn(events: Content): void {
    this.#eventsSeen += events.length;
    for (const event of events) {
      if (event.type === "step.completed") this.#completed.add(`${event.runId}/${event.key}`);
      if (isEnd(event)) this.#ended.add(event.runId);
    }
  }

  /** `undefined` when no life has come so far as to make a database. */
  #open(): DatabaseSync | undefined {
    return openLog(this.dataDir);
  }

  async #finish(): Promise<void> {
    const server = await ServerProcess.start(this.dataDir, this.#effects);
    try {
      await server.post(`/v1/schedules/${SCHEDULE.name}/delete`, {});
      const untilMs = Date.now() + END_MS_MAX;
      for (let open = await this.#unfinished(server); open.length > 0; open = await this.#unfinished(server)) {
        assert.ok(Date.now() < untilMs, `runs that do not end: ${open.join(", ")}`);
        await this.#drive(server);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    } finally {
      await server.kill();
    }
    this.#checkEffects();
    this.#checkKept();
    this.#verify();
  }

  async #unfinished(server: ServerProcess): Promise<readonly string[]> {
    const answer = await server.get("/v1/runs?status=queued,running,waiting,paused&limit=500");
    assert.equal(answer?.status, 200);
    const { runs } = answer.body as unknown as { readonly runs: readonly RunRecord[] };
    const open = runs.filter(({ workflow }) => !workflow.startsWith("tutti.") || workflow === GRAPH_WORKFLOW);
    const paused = open.filter(({ status }) => status === "paused");
    assert.deepEqual(
      paused.map(({ id, workflow }) => `${workflow} ${id}`),
      [],
      "runs that paused",
    );
    const ids = new Set(open.map(({ id }) => id));
    for (const runId of this.#acknowledged) if (!ids.has(runId)) this.#ended.add(runId);
    const unasked = [...this.#jobs.values()].filter(({ runId }) => !this.#acknowledged.has(runId));
    return [...open, ...unasked.map(({ runId, kind }) => ({ id: runId, workflow: kind, status: "not started" }))].map(
      ({ id, workflow, status }) => `${workflow} ${id} ${status}`,
    );
  }

  /** Every run ended as it must, no step ended twice, no tick came twice, and every receipt holds. */
  #verify(): void {
    using db = this.#open();
    assert.ok(db);
    assert.equal(db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"], "ok");
    const runs = Map.groupBy(eventsOf(db, 0), ({ runId }) => runId);
    for (const [runId, events] of runs) {
      const head = events.at(-1)?.hash ?? "";
      assert.equal(verifyChain(events, head, sha256).valid, true, `the chain of ${runId}`);
      const keys = events.flatMap((event) => (event.type === "step.completed" ? [event.key] : []));
      assert.equal(new Set(keys).size, keys.length, `${runId} has a step that is complete twice`);
    }
    for (const { runId, kind, wrong } of this.#jobs.values()) {
      const events = lastLife(runs, runId);
      const end = events.at(-1);
      assert.ok(end !== undefined, `${kind} ${runId} is gone`);
      assert.equal(wrong({ end, events }), undefined, `${kind} ${runId}`);
    }
    this.#verifyTicks(runs);
  }

  #verifyTicks(runs: ReadonlyMap<string, Content>): void {
    const ticks = [...runs.values()].filter(([first]) => first?.type === "run.started" && first.workflow === SCHEDULE.workflow);
    const inputs = ticks.map(([first]) => (first?.type === "run.started" ? JSON.stringify(first.input) : ""));
    assert.equal(new Set(inputs).size, inputs.length, "no tick came twice");
    assert.deepEqual(
      ticks.filter((events) => events.at(-1)?.type !== "run.completed"),
      [],
      "every tick's run completed",
    );
  }
}

/** The database of a folder, if there is one with a log in it. Nobody else may be writing to it. */
export function openLog(dataDir: string): DatabaseSync | undefined {
  const file = join(dataDir, "tutti.db");
  if (!existsSync(file)) return undefined;
  const db = new DatabaseSync(file, { readOnly: true });
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get() !== undefined) return db;
  db.close();
  return undefined;
}

/** Events in the order of the log, without the first so many. */
export function eventsOf(db: DatabaseSync, offset: number): Content {
  const rows = db.prepare("SELECT body, hash FROM events ORDER BY position LIMIT -1 OFFSET ?").all(offset);
  return rows.map((row) => ({ ...(JSON.parse(String(row["body"])) as Event), hash: String(row["hash"]) }));
}

/** What happened in the last of a chain of runs that each went on as the next. */
function lastLife(runs: ReadonlyMap<string, Content>, runId: string): Content {
  for (let events = runs.get(runId) ?? []; ;) {
    const end = events.at(-1);
    if (end?.type !== "run.continued") return events;
    events = runs.get(end.nextRunId) ?? [];
  }
}

function isEnd({ type }: Event): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled";
}
