// What plugins that misbehave cost everybody else: the latency of plain tool calls and the server's memory, calm beside chaos, turn by turn.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { hostileNames, toolOf, writePlugins } from "./hostile.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 4);
const TURN_MS = Number(process.env.TURN_MS ?? 15_000);
const WARM_MS = 6_000;
const PROBES_PER_SECOND = 40;
/** Between a plugin's answer and its next call: the same load in calm and in chaos. */
const PAUSE_MS = 500;
const TOKEN = "bench-token-of-32-characters-long";
const PAGE_BYTES = 4096;
/** Of the kernel's clock for /proc. */
const TICK_MS = 10;

const dataDir = await mkdtemp(join(tmpdir(), "tutti-bench-plugins-"));
await writePlugins(join(dataDir, "plugins"));
const bin = fileURLToPath(new URL("../../packages/server/bin/tutti.js", import.meta.url));
const env = { ...process.env, TUTTI_TOKEN: TOKEN, TUTTI_DATA_DIR: dataDir, TUTTI_PORT: "0", TUTTI_LOG_LEVEL: "silent", TUTTI_PLUGINS: "" };
const child = fork(bin, ["up", "--json"], { env, cwd: dataDir, stdio: ["ignore", "pipe", "inherit", "ipc"] });
const [chunk] = (await once(child.stdout ?? child, "data")) as [Buffer];
const { url } = JSON.parse(chunk.toString("utf8").split("\n", 1)[0] ?? "{}") as { readonly url: string };
const { pid } = (await (await fetch(`${url}/health`, { headers: { authorization: `Bearer ${TOKEN}` } })).json()) as {
  readonly pid: number;
};

const samples: Record<Kind, Samples[]> = { calm: [], chaos: [] };
try {
  for (const kind of ["calm", "chaos"] as const) await turn(kind, WARM_MS);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const kind of round % 2 === 0 ? (["calm", "chaos"] as const) : (["chaos", "calm"] as const))
      samples[kind].push(await turn(kind, TURN_MS));
} finally {
  child.kill("SIGTERM");
  await once(child, "exit");
  await rm(dataDir, { recursive: true, force: true });
}

const rows = [...rowsOf("calm"), ...rowsOf("chaos"), ...ratios()];
await writeResults("plugins", rows, { rounds: ROUNDS, turnMs: TURN_MS, probesPerSecond: PROBES_PER_SECOND, plugins: hostileNames.length });
printTable(rows);

type Kind = "calm" | "chaos";

/** What one turn showed. */
interface Samples {
  readonly latencies: number[];
  readonly rssMb: number[];
  calls: number;
  /** Of the server's own process, of one core. */
  cpuShare: number;
}

/** Enables the plugins of one kind, calls them all the time, and looks at the server meanwhile. */
async function turn(kind: Kind, turnMs: number): Promise<Samples> {
  const into: Samples = { latencies: [], rssMb: [], calls: 0, cpuShare: 0 };
  const names = kind === "calm" ? hostileNames.map((name) => `calm-${name}`) : hostileNames;
  for (const name of names) await post(`/v1/plugins/${name}/enable`, {});
  const turnIsOver = AbortSignal.timeout(turnMs);
  const cpuMs = await hostCpuMs();
  await Promise.all([probe(turnIsOver, into), watchMemory(turnIsOver, into), ...names.map((name) => keepCalling(name, turnIsOver, into))]);
  into.cpuShare = ((await hostCpuMs()) - cpuMs) / turnMs;
  for (const name of names) await post(`/v1/plugins/${name}/disable`, {});
  return into;
}

async function hostCpuMs(): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) * TICK_MS;
}

/** At fixed times, whether or not the one before has been answered: a server that stalls is seen by all that come meanwhile. */
async function probe(over: AbortSignal, { latencies }: Samples): Promise<void> {
  const asked: Promise<void>[] = [];
  for (let count = 0; !over.aborted; count += 1) {
    asked.push(
      timed("/v1/tools/execute", { tool: "safe_calc", input: { expression: `${count} + 1` } }).then((ms) => void latencies.push(ms)),
    );
    await delay(1000 / PROBES_PER_SECOND);
  }
  await Promise.all(asked);
}

async function keepCalling(name: string, over: AbortSignal, into: Samples): Promise<void> {
  while (!over.aborted) {
    const body = await post(
      "/v1/tools/execute",
      { tool: toolOf(name), input: {} },
      AbortSignal.any([over, AbortSignal.timeout(12_000)]),
    ).catch(() => "");
    into.calls += 1;
    // One that is down for good would be calm again.
    if (body.includes("crash_loop")) await post(`/v1/plugins/${name}/enable`, {}).catch(() => "");
    await delay(PAUSE_MS);
  }
}

async function watchMemory(over: AbortSignal, { rssMb }: Samples): Promise<void> {
  while (!over.aborted) {
    const pages = Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]);
    rssMb.push((pages * PAGE_BYTES) / 1_048_576);
    await delay(250);
  }
}

async function timed(path: string, body: unknown): Promise<number> {
  const startMs = performance.now();
  await post(path, body);
  return performance.now() - startMs;
}

async function post(path: string, body: unknown, signal: AbortSignal = AbortSignal.timeout(60_000)): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body), signal });
  return response.text();
}

function rowsOf(kind: Kind): readonly Row[] {
  const turns = samples[kind];
  /** Of the turns' own figures the median: one turn in which the machine did something else does not decide. */
  const median = (figure: (turn: Samples) => number): number =>
    percentile(
      turns.map(figure).toSorted((a, b) => a - b),
      0.5,
    );
  const of = (values: readonly number[], share: number): number =>
    percentile(
      values.toSorted((a, b) => a - b),
      share,
    );
  const row = (metric: string, value: number): Row => ({ subject: "tutti", case: kind, metric, value });
  return [
    row(
      "probes",
      turns.reduce((sum, { latencies }) => sum + latencies.length, 0),
    ),
    row(
      "pluginCalls",
      turns.reduce((sum, { calls }) => sum + calls, 0),
    ),
    row(
      "p50Ms",
      median(({ latencies }) => of(latencies, 0.5)),
    ),
    row(
      "p99Ms",
      median(({ latencies }) => of(latencies, 0.99)),
    ),
    row(
      "rssMedianMb",
      median(({ rssMb }) => of(rssMb, 0.5)),
    ),
    row(
      "rssMaxMb",
      median(({ rssMb }) => of(rssMb, 1)),
    ),
    row(
      "cpuShare",
      median(({ cpuShare }) => cpuShare),
    ),
  ];
}

function ratios(): readonly Row[] {
  const of = (kind: Kind, metric: string): number => rowsOf(kind).find((row) => row.metric === metric)?.value ?? 0;
  return ["p50Ms", "p99Ms", "rssMedianMb", "rssMaxMb", "cpuShare"].map((metric) => ({
    subject: "tutti",
    case: "chaos / calm",
    metric: `${metric.replace(/M[sb]$/, "")}Ratio`,
    value: of("chaos", metric) / of("calm", metric),
  }));
}
