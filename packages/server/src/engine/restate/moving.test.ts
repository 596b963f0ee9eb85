import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Engine, Store } from "@tutti/core";
import { SqliteStore } from "../../store/index.ts";
import { flow, never, owner } from "../conformance/setup.ts";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { openRestate } from "./open.ts";

const done: string[] = [];
const pair = flow("pair", async (ctx) => {
  await ctx.step("first", () => void done.push("first"));
  const word = await ctx.waitFor("word");
  await ctx.step("second", () => void done.push("second"));
  return [word ?? null, (await ctx.waitFor("word")) ?? null];
});

const parts = {
  workflow: (name: string) => (name === pair.name ? pair : undefined),
  tool: () => undefined,
  model: () => undefined,
  decide: () => ({ effect: "allow", reason: "a test", rule: "test" }) as const,
  policyHash: () => "0".repeat(64),
};

const openOn = (dataDir: string, store: Store): Promise<Engine> =>
  openRestate(
    {
      engine: "restate-local",
      restateUrls: [],
      restateAdminUrls: [],
      restateIdentityKey: undefined,
      restateListenHost: "127.0.0.1",
      restateListenPort: 0,
      restateWorkerUrl: undefined,
      dataDir,
      runsActiveMax: 100,
      queues: [],
    },
    { store, parts, log: () => undefined },
  );

test("a run goes from the embedded engine to Restate, to another Restate when that is lost, and back, and does no step twice", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-moving-"));
  const store = await SqliteStore.open(dataDir);
  const embedded = new EmbeddedEngine({ store, parts, runsActiveMax: 100 });
  const { runId } = await embedded.start("pair", null, { principal: owner });
  const back = await embedded.start("pair", null, { principal: owner });
  await waits(store, 2);
  await embedded.stop(1000);

  const first = await openOn(dataDir, store);
  assert.equal(await first.recover(), 2);
  await first.signal(runId, { name: "word", value: "one" }, owner);
  await first.stop(1000);
  await rm(join(dataDir, "restate"), { recursive: true });

  const second = await openOn(dataDir, store);
  await second.recover();
  await second.signal(runId, { name: "word", value: "two" }, owner);
  assert.deepEqual(await second.result(runId, never), ["one", "two"]);
  await second.stop(1000);

  const last = new EmbeddedEngine({ store, parts, runsActiveMax: 100 });
  await last.recover();
  await last.signal(back.runId, { name: "word", value: 1 }, owner);
  await last.signal(back.runId, { name: "word", value: 2 }, owner);
  assert.deepEqual(await last.result(back.runId, never), [1, 2]);
  await last.stop(1000);
  assert.deepEqual(done.toSorted(), ["first", "first", "second", "second"]);
  await store.close();
  await rm(dataDir, { recursive: true });
});

async function waits(store: Store, count: number): Promise<void> {
  while ((await store.waits({ kind: "signal", limit: 10 })).length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}
