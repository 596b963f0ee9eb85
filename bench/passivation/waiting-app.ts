import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Json, type Principal } from "@tutti/core";
import { configFrom } from "../../packages/server/src/host/config/index.ts";
import { openApp, type App } from "../../packages/server/src/host/index.ts";
import { createLogger } from "../../packages/server/src/telemetry/index.ts";
import { sleeper, waiter } from "./workflows.ts";

const OWNER: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
const UNFINISHED = ["running", "waiting"] as const;
const LANES = 200;
/** How long to wait before looking or trying again. */
const AGAIN_MS = 50;
const PARKED_MS_MAX = 300_000;

/** Opens Tutti as a program does, with its engine at hand: the public API waits for the end of every run it starts. */
export function open(dataDir: string): Promise<App> {
  return openApp(configFrom({ dataDir, plugins: [] }, process.cwd()), {
    logger: createLogger({ logLevel: "error", logFormat: "auto", destination: process.stderr }),
    recover: "all",
    isAnnounced: false,
    baseDir: process.cwd(),
    plugins: [{ name: "bench", workflows: [sleeper, waiter] }],
  });
}

/** Starts a run for every input; while too many are in memory it waits, as any caller would. */
export async function startAll(app: App, workflow: string, inputs: readonly Json[]): Promise<readonly string[]> {
  return inLanes(inputs, async (input) => {
    for (;;) {
      try {
        return (await app.engine.start(workflow, input, { principal: OWNER })).runId;
      } catch (error) {
        if (AppError.from(error).code !== "overloaded") throw error;
        await delay(AGAIN_MS);
      }
    }
  });
}

/** Resolves when no run is in memory any more; throws when that never happens. */
export async function allParked(app: App): Promise<void> {
  const deadlineMs = performance.now() + PARKED_MS_MAX;
  while ((await app.store.runs({ statuses: UNFINISHED, parked: false, limit: 1 })).length > 0) {
    if (performance.now() > deadlineMs) throw new Error(`wanted all waiting runs out of memory within ${PARKED_MS_MAX} ms`);
    await delay(AGAIN_MS);
  }
}

/** Signals runs that wait and takes their results, which must be what they were told. */
export async function wakeBySignal(app: App, runIds: readonly string[]): Promise<void> {
  await inLanes(runIds, async (runId) => {
    await app.engine.signal(runId, { name: "go", value: runId }, OWNER);
    const output = await app.engine.result(runId, AbortSignal.timeout(PARKED_MS_MAX));
    if (output !== runId) throw new Error(`wanted "${runId}" from the run that was told it, got ${JSON.stringify(output)}`);
  });
}

/** Does something for every item, a bounded number at once; results are in the items' order. */
export async function inLanes<I, O>(items: readonly I[], action: (item: I) => Promise<O>): Promise<readonly O[]> {
  const results: O[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await action(items[index] as I);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}
