// The file starts itself as the process that is killed: it asks, writes down whom it asked, and dies at a given moment.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Event } from "@tutti/core";
import { SqliteStore } from "../../store/index.ts";
import { nameIn, openBatches, owner, requestLine } from "./batches-for-tests.ts";

const REQUESTS = 40;
const [, self, dataDir, count] = process.argv;

/** Deaths in turn, once so many new events of a name are on the disk: while requests are asked, before the output is written, and after. */
const DEATHS = ["request 5", "request 7", "request 9", "now 1", "write 1"];

if (dataDir !== undefined && count !== undefined) await runAndDie(dataDir, count);
else
  test("a batch goes on after every SIGKILL, and asks nothing again whose answer was on the disk", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tutti-batch-kill-"));
    for (const death of DEATHS) {
      const child = spawn(process.execPath, [self ?? fileURLToPath(import.meta.url), folder, death], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const [, signal] = await once(child, "exit");
      assert.equal(signal, "SIGKILL", `wanted a kill at ${death}`);
    }
    await using bench = await openBatches(() => Promise.reject(new Error("everything is answered")), folder);
    await bench.engine.recover();
    const { batches } = await bench.batches.list({ limit: 10 }, owner);
    assert.equal(batches.length, 1);
    const batch = await bench.ended(batches[0]?.id ?? "");
    assert.deepEqual([batch.status, batch.request_counts], ["completed", { total: REQUESTS, completed: REQUESTS, failed: 0 }]);
    const lines = await bench.lines(batch.output_file_id);
    assert.deepEqual(
      lines.map((line) => line.custom_id),
      Array.from({ length: REQUESTS }, (_, index) => String(index)),
    );
    // Each process says whom it asked, and before it asks, what is recorded then; nothing recorded is ever asked.
    for (const round of readFileSync(join(folder, "asked.log"), "utf8").split("start ").slice(1)) {
      const [recorded = "", ...asked] = round.trim().split("\n");
      const known = new Set(recorded.split(" "));
      assert.deepEqual(
        asked.filter((id) => known.has(id)),
        [],
      );
      assert.equal(new Set(asked).size, asked.length);
    }
    await rm(folder, { recursive: true });
  });

async function runAndDie(folder: string, death: string): Promise<void> {
  const log = join(folder, "asked.log");
  appendFileSync(log, `start ${(await recordedIds(folder)).join(" ")}\n`);
  const bench = await openBatches(async ({ body }) => {
    appendFileSync(log, `${nameIn(body)}\n`);
    return { status: 200, requestId: "r", body: { name: nameIn(body) } };
  }, folder);
  const [name = "", nth] = death.split(" ");
  let seen = 0;
  bench.engine.subscribe((event) => {
    if (event.type !== "step.completed" || !event.name.startsWith(name)) return;
    seen += 1;
    if (String(seen) === nth) process.kill(process.pid, "SIGKILL");
  });
  await bench.engine.recover();
  if ((await bench.batches.list({ limit: 1 }, owner)).batches.length > 0) return;
  const file = await bench.upload(Array.from({ length: REQUESTS }, (_, index) => requestLine(String(index), { name: String(index) })));
  await bench.batches.create({ input_file_id: file, endpoint: "/v1/chat/completions", completion_window: "24h" }, owner);
}

/** The requests whose answers are on the disk. */
async function recordedIds(folder: string): Promise<readonly string[]> {
  const store = await SqliteStore.open(folder);
  const [run] = await store.runs({ workflow: "tutti.batch", limit: 1 });
  const events: readonly Event[] = run === undefined ? [] : await store.read(run.id, { afterSeq: 0, limit: 10_000 });
  await store.close();
  return events.flatMap((event) =>
    event.type === "step.completed" && event.name.startsWith("request ") ? [String(Number(event.name.slice("request ".length)) - 1)] : [],
  );
}
