// Whether Tutti slows down as its database grows: the same load on databases of 0, 1 and 10 million events, in turns. README.md tells more.
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Measured } from "../engine/measure.ts";
import { openRemote, type RemoteSubject } from "../engine/remote-subject.ts";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { fill } from "./fill.ts";

const SIZES = [0, 1_000_000, 10_000_000];
const ROUNDS = 7;
const LOAD = { concurrency: 50, count: 4000 };
/** As many as it takes until a process has all the memory it will ever use at this load. */
const WARM_UP = { concurrency: 50, count: 50_000 };
const MIB = 1024 * 1024;

interface Grown {
  readonly name: string;
  readonly databaseMib: number;
  readonly subject: RemoteSubject;
  readonly openMs: number;
  readonly rounds: Measured[];
}

const folder = await mkdtemp(join(tmpdir(), "tutti-bench-growth-"));
await using open = new AsyncDisposableStack();
open.defer(() => rm(folder, { recursive: true, force: true }));
const databases: Grown[] = [];
for (const events of SIZES) databases.push(await grow(events));
for (const { subject } of databases) await subject.measure(WARM_UP);
for (let round = 0; round < ROUNDS; round += 1) for (const { subject, rounds } of databases) rounds.push(await subject.measure(LOAD));

const empty = medianPerS(databases[0]);
const rows = databases.flatMap(({ name, databaseMib, openMs, rounds }, index) => {
  const row = (metric: string, value: number): Row => ({ subject: "tutti", case: name, metric, value });
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b);
  return [
    row("databaseMib", databaseMib),
    row("openMs", openMs),
    row("workflowsPerS", medianPerS(databases[index])),
    row("shareOfEmpty", medianPerS(databases[index]) / empty),
    row("p50Ms", percentile(latencies, 0.5)),
    row("p99Ms", percentile(latencies, 0.99)),
    row("rssFirstMib", (rounds[0]?.rssBytes ?? 0) / MIB),
    row("rssLastMib", (rounds.at(-1)?.rssBytes ?? 0) / MIB),
  ];
});
await writeResults("growth", rows, { load: LOAD, rounds: ROUNDS });
printTable(rows);

async function grow(events: number): Promise<Grown> {
  const dataDir = join(folder, `${events}`);
  await mkdir(dataDir);
  const startMs = performance.now();
  if (events > 0) await fill(dataDir, events);
  if (events > 0)
    console.error(`filled a database with ${events.toLocaleString("en")} events in ${Math.round((performance.now() - startMs) / 1000)} s`);
  const databaseMib = await stat(join(dataDir, "tutti.db")).then(
    ({ size }) => size / MIB,
    () => 0,
  );
  const openingMs = performance.now();
  const subject = open.use(await openRemote(join(import.meta.dirname, "../engine/tutti.ts"), dataDir));
  const name = `${events.toLocaleString("en")} events before, ${LOAD.concurrency} at once`;
  return { name, databaseMib, subject, openMs: performance.now() - openingMs, rounds: [] };
}

function medianPerS(grown: Grown | undefined): number {
  return percentile(grown?.rounds.map(({ perS }) => perS).toSorted((a, b) => a - b) ?? [], 0.5);
}
