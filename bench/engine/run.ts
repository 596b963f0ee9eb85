// How many durable workflows a second, beside the least that durability costs: the same rows journaled by bare node:sqlite, in one run.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { openBareJournal } from "./bare-journal.ts";
import type { Subject } from "./subject.ts";
import { openTutti } from "./tutti.ts";

const STEPS = 5;
const WORKFLOWS = 1000;
/** Subjects take turns, so that what else the machine does hits all of them; the median round counts. */
const ROUNDS = 7;
const WARM_UP = 2000;

const folder = await mkdtemp(join(tmpdir(), "tutti-bench-engine-"));
const subjects: readonly Subject[] = [await openBareJournal(join(folder, "bare")), await openTutti(join(folder, "tutti"))];
for (const subject of subjects) await measure(subject, 50, WARM_UP);

const rows: Row[] = [];
for (const concurrency of [50, 1]) rows.push(...(await measureCase(concurrency)));
await writeResults("engine", rows);
printTable(rows);
for (const subject of subjects) await subject[Symbol.asyncDispose]();
await rm(folder, { recursive: true });

interface Measured {
  readonly perS: number;
  readonly latenciesMs: readonly number[];
}

async function measureCase(concurrency: number): Promise<readonly Row[]> {
  const rounds = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const subject of subjects) rounds.get(subject)?.push(await measure(subject, concurrency, WORKFLOWS));
  const name = `${WORKFLOWS} workflows × ${STEPS} steps, ${concurrency} at once`;
  const throughput = (subject: Subject | undefined): number =>
    percentile(
      (subject &&
        rounds
          .get(subject)
          ?.map(({ perS }) => perS)
          .toSorted((a, b) => a - b)) ??
        [],
      0.5,
    );
  return subjects.flatMap((subject) => {
    const latencies = (rounds.get(subject) ?? []).flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b);
    const row = (metric: string, value: number): Row => ({ subject: subject.name, case: name, metric, value });
    return [
      row("workflowsPerS", throughput(subject)),
      row("stepsPerS", throughput(subject) * STEPS),
      row("p50Ms", percentile(latencies, 0.5)),
      row("p99Ms", percentile(latencies, 0.99)),
      row("shareOfLimit", throughput(subject) / throughput(subjects[0])),
    ];
  });
}

async function measure(subject: Subject, concurrency: number, count: number): Promise<Measured> {
  const latenciesMs: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const startMs = performance.now();
      await subject.runWorkflow(next++);
      latenciesMs.push(performance.now() - startMs);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { perS: (count * 1000) / (performance.now() - startMs), latenciesMs };
}
