// How much Tutti adds to a call of a model: beside the upstream itself and the least that a proxy on Node can do, in one run.
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { Caller, type Load, type LoadCase } from "./load.ts";
import { startNginx, startPortkey } from "./peer-subjects.ts";
import { startServer, startTutti, type Subject } from "./subject.ts";

const CASES: readonly (LoadCase & { readonly requests: number })[] = [
  { format: "json", concurrency: 1, requests: 5_000 },
  { format: "json", concurrency: 16, requests: 15_000 },
  { format: "json", concurrency: 64, requests: 15_000 },
  { format: "sse", concurrency: 1, requests: 150 },
  { format: "sse", concurrency: 16, requests: 2_000 },
  { format: "sse", concurrency: 64, requests: 6_000 },
];
/** Subjects take turns, so that what else the machine does hits all of them; the median round counts. */
const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const WARM_UPS: readonly (LoadCase & { readonly requests: number })[] = [
  { format: "json", concurrency: 16, requests: 5_000 },
  { format: "sse", concurrency: 64, requests: 1_000 },
];

interface Measured {
  readonly load: Load;
  readonly cpuUsPerRequest: number;
}

await using upstream = await startServer("direct", "upstream.ts", []);
await using bare = await startServer("node:http + undici", "bare.ts", [upstream.url]);
await using tutti = await startTutti(upstream.url);
await using others = new AsyncDisposableStack();
const peers = [await startNginx(upstream.url), await startPortkey(upstream.url)].flatMap((peer) =>
  peer === undefined ? [] : [others.use(peer)],
);
const subjects: readonly Subject[] = [upstream, bare, tutti, ...peers];

for (const subject of subjects) {
  for (const { requests, ...load } of WARM_UPS) {
    await using caller = new Caller(subject, load);
    await caller.run(requests);
  }
}

const rows: Row[] = [];
for (const { requests, ...load } of CASES) rows.push(...(await measureCase(load, requests)));
await writeResults("gateway", rows);
printTable(rows);

async function measureCase(load: LoadCase, requests: number): Promise<readonly Row[]> {
  const rounds = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const subject of subjects) rounds.get(subject)?.push(await measure(subject, load, Math.ceil(requests / ROUNDS)));
  }
  const name = `${load.format}, ${load.concurrency} at once`;
  const [direct, limit] = [figures(rounds.get(upstream)), figures(rounds.get(bare))];
  return subjects.flatMap((subject) => {
    const own = figures(rounds.get(subject));
    const row = (metric: string, value: number): Row => ({ subject: subject.name, case: name, metric, value });
    const measured = Object.entries(own).flatMap(([metric, value]) =>
      subject === upstream && metric === "cpuUs" ? [] : [row(metric, value)],
    );
    if (subject === upstream) return measured;
    const added = [row("addedP50Ms", own.p50Ms - direct.p50Ms), row("addedP99Ms", own.p99Ms - direct.p99Ms)];
    if (subject === bare) return [...measured, ...added];
    return [...measured, ...added, row("addedCpuUs", own.cpuUs - limit.cpuUs), row("cpuRatio", own.cpuUs / limit.cpuUs)];
  });
}

async function measure(subject: Subject, load: LoadCase, requests: number): Promise<Measured> {
  await using caller = new Caller(subject, load);
  // Connections are opened before the clock starts.
  await caller.run(load.concurrency);
  const before = await subject.usage();
  const result = await caller.run(requests);
  return { load: result, cpuUsPerRequest: ((await subject.usage()).cpuUs - before.cpuUs) / requests };
}

interface Figures {
  readonly requestsPerS: number;
  readonly firstByteP50Ms: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

/** Latencies over all rounds; throughput and CPU of the median round. */
function figures(rounds: readonly Measured[] = []): Figures {
  const ascending = (a: number, b: number): number => a - b;
  const wholeMs = rounds.flatMap(({ load }) => load.wholeMs).sort(ascending);
  const firstByteMs = rounds.flatMap(({ load }) => load.firstByteMs).sort(ascending);
  const median = (values: readonly number[]): number => percentile(values.toSorted(ascending), 0.5);
  return {
    requestsPerS: median(rounds.map(({ load }) => (load.wholeMs.length * 1000) / load.elapsedMs)),
    firstByteP50Ms: percentile(firstByteMs, 0.5),
    p50Ms: percentile(wholeMs, 0.5),
    p99Ms: percentile(wholeMs, 0.99),
    cpuUs: median(rounds.map(({ cpuUsPerRequest }) => cpuUsPerRequest)),
  };
}
