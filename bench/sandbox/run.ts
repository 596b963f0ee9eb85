// What a sandbox costs beside a bare process, in one run: `npm run bench -- sandbox`. TUTTI_BENCH_ENGINE and TUTTI_BENCH_IMAGE name a container engine.
import { loadavg } from "node:os";
import { sandboxBackends, tryBackend } from "../../packages/server/src/sandbox/index.ts";
import { runBare } from "../../test/sandbox/bare.ts";
import { openSandboxRuntime } from "./sandbox-runtime.ts";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";

const RUNS = 15;
const AT_ONCE = 4;
const PARALLEL_RUNS = 40;
const never = new AbortController().signal;
const PEER = "@anthropic-ai/sandbox-runtime";
/** These start nothing ahead. */
const ONLY_COLD: ReadonlySet<string> = new Set(["bare process", PEER]);
const program = { language: "python", code: "print(6 * 7)" } as const;

interface Subject {
  readonly run: () => Promise<{ readonly stdout: string }>;
  readonly close: () => Promise<void>;
}

async function time(act: () => Promise<{ readonly stdout: string }>): Promise<number> {
  const began = performance.now();
  const { stdout } = await act();
  if (stdout !== "42\n") throw new Error(`wanted 42, got ${JSON.stringify(stdout)}`);
  return performance.now() - began;
}

async function timesOf({ run }: Subject, pauseMs: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < RUNS; index += 1) {
    times.push(await time(run));
    // Time for the next place to be started ahead.
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return times.toSorted((a, b) => a - b);
}

async function perSecond({ run }: Subject): Promise<number> {
  let left = PARALLEL_RUNS;
  const began = performance.now();
  const lane = async (): Promise<void> => {
    while (left-- > 0) await time(run);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return (PARALLEL_RUNS * 1_000) / (performance.now() - began);
}

async function open(name: string, warmMax: number): Promise<Subject | string> {
  if (name === "bare process") return { run: () => runBare(program), close: async () => {} };
  if (name === PEER) return openSandboxRuntime(`/usr/bin/python3 -c '${program.code}'`);
  const factory = sandboxBackends.find((one) => one.name === name);
  if (factory === undefined) return "unknown";
  const { TUTTI_BENCH_ENGINE: engineSocket, TUTTI_BENCH_IMAGE: image } = process.env;
  const containers = { ...(engineSocket === undefined ? {} : { engineSocket }), ...(image === undefined ? {} : { image }) };
  const candidate = await tryBackend(factory, { backends: "auto", level: "soft", warmMax, ...containers }, never);
  if (candidate.status !== "ready") return candidate.reason;
  const { sandbox } = candidate;
  return { run: () => sandbox.run(program, never), close: () => sandbox.close() };
}

const rows: Row[] = [];
const missing: Record<string, string> = {};
let bareMs = 0;
for (const name of ["bare process", "bubblewrap", "landlock", PEER, "docker", "wasm"]) {
  console.error(name);
  const cold = await open(name, 0);
  if (typeof cold === "string") {
    missing[name] = cold;
    continue;
  }
  await time(cold.run);
  const coldMs = percentile(await timesOf(cold, 0), 0.5);
  const runsPerSecond = await perSecond(cold);
  await cold.close();
  if (name === "bare process") bareMs = coldMs;
  const told = { subject: name, case: "print(6 * 7)" };
  rows.push(
    { ...told, metric: "coldMs", value: coldMs },
    { ...told, metric: "coldToBare", value: coldMs / bareMs },
    { ...told, metric: "runsPerSecond", value: runsPerSecond },
  );
  if (ONLY_COLD.has(name)) continue;
  const warm = await open(name, 1);
  if (typeof warm === "string") {
    missing[`${name}, warm`] = warm;
    continue;
  }
  await time(warm.run);
  const warmMs = percentile(await timesOf(warm, Math.max(100, coldMs * 2)), 0.5);
  await warm.close();
  rows.push({ ...told, metric: "warmMs", value: warmMs });
}
printTable(rows);
for (const [name, reason] of Object.entries(missing)) console.log(`${name}: not here: ${reason}`);
await writeResults("sandbox", rows, { missing, loadAverage: loadavg()[0] });
