// A cluster of three Restate nodes and two workers on PostgreSQL under load. A node and a worker are killed in its midst; nothing may be
// lost, and no step that was recorded may be done again. Prints what it found, and fails when that is not so.
import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { derivedId } from "../../packages/server/src/engine/run-id.ts";
import { openPostgresStore } from "../../packages/server/src/store/index.ts";
import { freePort } from "../../packages/server/src/testing/free-port.ts";
import { startPostgres } from "../../packages/server/src/testing/postgres.ts";
import { openBalancer } from "./balancer.ts";
import { kill, RestateCluster } from "./restate-cluster.ts";
import { findRepeated } from "./repeated.ts";

const RUNS = Number(process.argv[2] ?? 600);
const AT_ONCE = 20;
const WORKERS = 2;
const DEADLINE_MS = 300_000;

type Message = { readonly runId: string; readonly output: number } | { readonly drives: string };

/** Hands runs to workers, and those of a worker that died to the other. */
class Load {
  readonly doneAtMs: number[] = [];
  readonly outputs = new Map<string, number>();
  readonly #workers: (ChildProcess | undefined)[] = [];
  readonly #underWay = new Map<string, { readonly input: number; worker: number }>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #startWorker: (index: number) => Promise<ChildProcess>;
  /** How many runs each worker drove, for a while at least. */
  readonly driven = Array.from({ length: WORKERS }, () => 0);
  #next = 0;
  onDone: (count: number) => void = () => undefined;

  constructor(startWorker: (index: number) => Promise<ChildProcess>) {
    this.#startWorker = startWorker;
  }

  async addWorker(index: number): Promise<void> {
    const worker = await this.#startWorker(index);
    worker.on("message", (message: Message) => {
      if ("runId" in message) this.#done(message);
      else this.driven[index] = (this.driven[index] ?? 0) + 1;
    });
    this.#workers[index] = worker;
  }

  get underWay(): readonly string[] {
    return [...this.#underWay].map(([runId, { worker }]) => `${runId} at worker ${worker}`);
  }

  run(): Promise<void> {
    while (this.#underWay.size < AT_ONCE && this.#next < RUNS) this.#begin();
    return this.#ended.promise;
  }

  async killWorker(index: number): Promise<void> {
    const worker = this.#workers[index];
    this.#workers[index] = undefined;
    await kill(worker);
    for (const [runId, run] of this.#underWay) if (run.worker === index) this.#send(runId, run);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => kill(worker)));
  }

  #begin(): void {
    const input = (this.#next += 1);
    const run = { input, worker: 0 };
    const runId = derivedId(`cluster ${input}`);
    this.#underWay.set(runId, run);
    this.#send(runId, run);
  }

  #send(runId: string, run: { readonly input: number; worker: number }): void {
    const alive = this.#workers.flatMap((worker, index) => (worker === undefined ? [] : [index]));
    run.worker = alive[run.input % alive.length] ?? 0;
    this.#workers[run.worker]?.send({ runId, input: run.input });
  }

  #done({ runId, output }: { readonly runId: string; readonly output: number }): void {
    if (!this.#underWay.delete(runId)) return;
    this.doneAtMs.push(Date.now());
    this.outputs.set(runId, output);
    this.onDone(this.outputs.size);
    if (this.outputs.size === RUNS) this.#ended.resolve();
    else if (this.#next < RUNS) this.#begin();
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const deadline = setTimeout(() => {
  print(`cluster: not done after ${seconds(DEADLINE_MS)}; still under way: ${load.underWay.join(", ")}`);
  // A child that outlives this process would keep its pipe open.
  void Promise.all([load.stop(), cluster.stop()]).finally(() => process.exit(1));
}, DEADLINE_MS);

const folder = await mkdtemp(join(tmpdir(), "tutti-cluster-"));
const effectsFile = join(folder, "effects");
await using postgres = await startPostgres();
const database = await postgres.newDatabase();
const cluster = await RestateCluster.start(folder);
const ports = await Promise.all(Array.from({ length: WORKERS }, freePort));
const balancer = await openBalancer(ports);
const load = new Load(async (index) => {
  const program = join(import.meta.dirname, "cluster-worker.ts");
  const worker = fork(program, [
    database,
    cluster.urls.join(","),
    cluster.adminUrls.join(","),
    effectsFile,
    String(ports[index]),
    balancer.url,
  ]);
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
  });
  return worker;
});
for (let index = 0; index < WORKERS; index += 1) await load.addWorker(index);

const kills: { readonly what: string; readonly atMs: number }[] = [];
const note = (what: string): void => void kills.push({ what, atMs: Date.now() });
const doings: Promise<void>[] = [];
const at = (share: number, what: string, action: () => Promise<void>): void => {
  const before = load.onDone;
  const count = Math.floor(RUNS * share);
  load.onDone = (done) => {
    before(done);
    if (done !== count) return;
    note(what);
    doings.push(action());
  };
};
at(0.2, "a Restate node is killed", () => cluster.killNode(1));
at(0.45, "a worker is killed", () => load.killWorker(0));
at(0.6, "the node is back", () => cluster.startNode(1));
at(0.7, "the worker is back", () => load.addWorker(0));

const startedAtMs = Date.now();
await load.run();
const tookMs = Date.now() - startedAtMs;
await Promise.all(doings);
await load.stop();
await cluster.stop();
balancer.close();
clearTimeout(deadline);

const store = await openPostgresStore(database);
const { repeated, steps, resumed } = await findRepeated(store, await readFile(effectsFile, "utf8"));
let wrong = 0;
for (let input = 1; input <= RUNS; input += 1) {
  const runId = derivedId(`cluster ${input}`);
  const record = await store.run(runId);
  if (record?.status !== "completed" || load.outputs.get(runId) !== input + 10) wrong += 1;
}
await store.close();

const times = [startedAtMs, ...load.doneAtMs];
const longestGap = (fromMs: number, untilMs: number): number =>
  Math.max(0, ...times.slice(1).map((time, index) => (time > fromMs && (times[index] ?? 0) < untilMs ? time - (times[index] ?? time) : 0)));
print(
  `cluster: ${RUNS} runs of 5 steps in ${seconds(tookMs)} (${(RUNS / (tookMs / 1000)).toFixed(0)}/s), 3 Restate nodes, ${WORKERS} workers (${load.driven.join(" and ")} runs), PostgreSQL`,
);
for (const [index, { what, atMs }] of kills.entries()) {
  const gapMs = longestGap(atMs, kills[index + 1]?.atMs ?? Infinity);
  print(`cluster: ${seconds(atMs - startedAtMs)}: ${what}; longest gap between two completions then: ${seconds(gapMs)}`);
}
print(
  `cluster: ${wrong} runs lost or wrong, ${repeated.length} of ${steps} recorded steps done again, ${resumed} times a run went on elsewhere`,
);
print(`cluster: longest gap between two completions: ${seconds(longestGap(0, Infinity))}`);
if (wrong + repeated.length > 0) process.exitCode = 1;
else await rm(folder, { recursive: true });
