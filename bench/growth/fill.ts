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
  let events = template.length;
  const store = await SqliteStore.open(dataDir);
  try {
    while (events < eventsMin) {
      const batch: EventDraft[] = [];
      for (let run = 0; run < RUNS_A_BATCH && events + batch.length < eventsMin; run += 1) batch.push(...copyOf(template));
      await store.append(batch);
      events += batch.length;
    }
  } finally {
    await store.close();
  }
  return events;
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
