import type { Event, EventDraft } from "@tutti/core";
import { openApp } from "../../packages/server/src/index.ts";
import { newRunId } from "../../packages/server/src/engine/run-id.ts";
import { SqliteStore } from "../../packages/server/src/store/index.ts";
import { fiveSteps } from "../engine/tutti.ts";

/** Runs journaled at once. */
const RUNS_A_BATCH = 2000;

/** Fills a data folder with completed runs of the benchmark's workflow until its log holds `eventsMin` events; returns how many it holds. */
export async function fill(dataDir: string, eventsMin: number): Promise<number> {
  const template = await recordOne(dataDir);
  const runs = Math.max(1, Math.ceil(eventsMin / template.length));
  await copyRuns(dataDir, template, runs - 1);
  return runs * template.length;
}

/** Fills a data folder with so many completed runs. */
export async function fillRuns(dataDir: string, runs: number): Promise<void> {
  await copyRuns(dataDir, await recordOne(dataDir), runs - 1);
}

async function copyRuns(dataDir: string, template: readonly Event[], copies: number): Promise<void> {
  const store = await SqliteStore.open(dataDir);
  try {
    for (let left = copies; left > 0; left -= RUNS_A_BATCH)
      await store.append(Array.from({ length: Math.min(left, RUNS_A_BATCH) }, () => copyOf(template)).flat());
  } finally {
    await store.close();
  }
}

/** One real run, so that what the log is filled with is what Tutti writes, whatever that is by now. */
async function recordOne(dataDir: string): Promise<readonly Event[]> {
  await using app = await openApp({ dataDir, plugins: [{ name: "bench", workflows: [fiveSteps] }] });
  const { runId } = await app.run("five-steps", 1);
  return app.events(runId);
}

function copyOf(template: readonly Event[]): readonly EventDraft[] {
  const runId = newRunId(Date.now());
  const at = new Date().toISOString();
  return template.map((event) => {
    const { hash: _hash, ...draft } = event;
    return { ...draft, runId, at };
  });
}
