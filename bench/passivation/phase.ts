// One phase in a process of its own, so that memory is that phase's alone: `node --expose-gc phase.ts NAME FOLDER RUNS`.
import type { App } from "../../packages/server/src/host/index.ts";
import { allParked, inLanes, open, startAll, wakeBySignal } from "./waiting-app.ts";

/** Figures by metric. */
export type Figures = Readonly<Record<string, number>>;

/** `idle` opens whatever is in the folder; `fill` starts the waiting runs; `wake` ends some of them. */
export type Phase = "idle" | "fill" | "wake";

const HOURS_MS = 6 * 3_600_000;
/** Runs that are woken by a signal, and as many by a timer. */
const WOKEN = 1000;
/** How far ahead timers are set: longer than it takes to start and passivate those runs. */
const AHEAD_MS = 20_000;
/** A process that starts runs takes memory for those that are not waiting yet, and keeps it; what comes after these shows what waiting costs. */
const FIRST_SHARE = 0.2;
const RESULT_MS_MAX = 300_000;

const [, , phase = "", folder = "", count = "0"] = process.argv;
const phases: Readonly<Record<Phase, () => Promise<Figures>>> = { idle, fill, wake };
process.send?.(await phases[phase as Phase]());
process.disconnect();

async function idle(): Promise<Figures> {
  const startMs = performance.now();
  const app = await open(folder);
  const openMs = performance.now() - startMs;
  const rssBytes = settledRss();
  await app.stop(0);
  return { openMs, rssBytes };
}

/** Half of the runs sleep for hours, half wait for a signal. */
async function fill(): Promise<Figures> {
  const app = await open(folder);
  const first = Math.floor(Number(count) * FIRST_SHARE);
  await startWaiting(app, first);
  const firstRssBytes = settledRss();
  const startMs = performance.now();
  await startWaiting(app, Number(count) - first);
  const startedPerS = ((Number(count) - first) * 1000) / (performance.now() - startMs);
  const rssBytes = settledRss();
  await app.stop(0);
  return { startedPerS, firstRssBytes, rssBytes, rssPerRunBytes: (rssBytes - firstRssBytes) / (Number(count) - first) };
}

/** Starts runs and waits until they have left the memory. */
async function startWaiting(app: App, runs: number): Promise<void> {
  const half = Math.floor(runs / 2);
  await startAll(app, "sleeper", Array<number>(half).fill(Date.now() + HOURS_MS));
  await startAll(app, "waiter", Array<null>(runs - half).fill(null));
  await allParked(app);
}

async function wake(): Promise<Figures> {
  const app = await open(folder);
  const waiting = (await app.store.runs({ workflow: "waiter", statuses: ["waiting"], limit: WOKEN })).map(({ id }) => id);
  const startMs = performance.now();
  await wakeBySignal(app, waiting);
  const bySignalMs = performance.now() - startMs;
  const byTimerMs = await wakeByTimer(app);
  await app.stop(0);
  return { wokenBySignal: waiting.length, bySignalMs, wokenByTimer: WOKEN, byTimerMs };
}

/** All timers are due at about the same moment; returns how long after it the last run has ended. */
async function wakeByTimer(app: App): Promise<number> {
  const dueMs = Date.now() + AHEAD_MS;
  const runIds = await startAll(app, "sleeper", Array<number>(WOKEN).fill(dueMs));
  await allParked(app);
  if (Date.now() > dueMs) throw new Error(`wanted the runs out of memory before they were due, got that ${Date.now() - dueMs} ms late`);
  await inLanes(runIds, (runId) => app.engine.result(runId, AbortSignal.timeout(RESULT_MS_MAX)));
  return Date.now() - dueMs;
}

function settledRss(): number {
  for (let round = 0; round < 3; round += 1) global.gc?.();
  return process.memoryUsage.rss();
}
