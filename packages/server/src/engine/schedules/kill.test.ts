import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SqliteStore } from "../../store/index.ts";
import { runAndDie } from "./schedule-process.ts";

const EVERY_MS = 200;
const [, self, dataDir, moment, count] = process.argv;
const openStore = (folder: string): Promise<SqliteStore> => SqliteStore.open(folder);

/** Between the tick and the start, between the start and its record, while the run goes, and around the next look. */
const MOMENTS = [
  ["step.completed look at the clock", 3],
  ["run.started work", 2],
  ["step.completed do", 2],
  ["run.started work", 1],
  ["step.completed work", 2],
  ["step.waiting sleep", 3],
  ["step.completed look at the clock", 1],
] as const;

if (dataDir !== undefined && moment !== undefined) await runAndDie(openStore, { dataDir, moment, count: Number(count) });
else
  test("no tick is lost and none runs twice, however often the process is killed, also between a tick and its start", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tutti-kill-"));
    for (const [at, nth] of MOMENTS) {
      const child = spawn(process.execPath, [self ?? fileURLToPath(import.meta.url), folder, at, String(nth)], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const [, signal] = await once(child, "exit");
      assert.equal(signal, "SIGKILL", `wanted a kill at "${at}"`);
    }
    const store = await openStore(folder);
    const runs = await store.runs({ workflow: "work", limit: 1_000 });
    const ticks: number[] = [];
    for (const { id } of runs) {
      const events = await store.read(id, { afterSeq: 0, limit: 100 });
      const [first] = events;
      assert.ok(first?.type === "run.started");
      ticks.push(Date.parse((first.input as { readonly at: string }).at));
      assert.ok(events.filter(({ type }) => type === "step.completed").length <= 1);
    }
    await store.close();
    await rm(folder, { recursive: true });
    // Every tick from the first to the last has its one run: those that came while no process lived were made up for.
    const [newest = 0] = ticks.toSorted((a, b) => b - a);
    const oldest = Math.min(...ticks);
    assert.deepEqual(
      ticks.toSorted((a, b) => a - b),
      Array.from({ length: (newest - oldest) / EVERY_MS + 1 }, (_, index) => oldest + index * EVERY_MS),
    );
    assert.ok(ticks.length >= MOMENTS.length);
  });
