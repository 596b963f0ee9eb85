import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Store } from "@tutti/core";
import { startTestApp } from "../../testing.ts";
import { ResponseLog, type KeptResponse } from "./responses-log.ts";

interface World extends AsyncDisposable {
  readonly store: Store;
  readonly log: ResponseLog;
  readonly said: readonly string[];
}

async function open(): Promise<World> {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-log-"));
  const app = await startTestApp({ dataDir });
  const said: string[] = [];
  const log = new ResponseLog(app.app.store, { isShared: false, log: (message) => said.push(message) });
  return {
    store: app.app.store,
    log,
    said,
    async [Symbol.asyncDispose]() {
      await log.flush();
      await app[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const QUIET = { isShared: true, log: (): void => {} };
const keptAt = (id: string, atMs: number, chars = 1): KeptResponse => ({
  id,
  tenant: "default",
  keptAtMs: atMs,
  response: { id, output: [{ id: `msg_${id.slice(5)}_0`, text: "x".repeat(chars) }] },
  input: [{ role: "user", content: "Hi" }],
});

test("What is kept is found by its tenant alone, at once and by a log that was opened later", async () => {
  await using world = await open();
  const { log, store } = world;
  const kept = keptAt("resp_a", Date.now());
  log.keep(kept);
  assert.deepEqual(await log.find("default", "resp_a"), kept);
  assert.equal(await log.find("other", "resp_a"), undefined);
  await log.flush();
  const later = new ResponseLog(store, QUIET);
  assert.deepEqual(await later.find("default", "resp_a"), kept);
  assert.deepEqual(await later.findItem("default", "msg_a_0"), { id: "msg_a_0", text: "x" });
});

test("What is pushed out of memory is found in the store", async () => {
  await using world = await open();
  const { log } = world;
  const names = Array.from({ length: 5 }, (_, index) => `resp_${index}`);
  for (const name of names) log.keep(keptAt(name, Date.now(), 20 * 1024 * 1024));
  for (const name of names) assert.equal((await log.find("default", name))?.id, name);
  assert.deepEqual(world.said, []);
});

test("What was deleted is nowhere, however it was changed before", async () => {
  await using world = await open();
  const { log, store } = world;
  for (let round = 0; round < 3; round += 1) log.keep(keptAt("resp_a", Date.now(), round + 1));
  assert.equal(await log.delete("default", "resp_a"), true);
  assert.equal(await log.delete("default", "resp_a"), false);
  assert.equal(await new ResponseLog(store, QUIET).find("default", "resp_a"), undefined);
  assert.equal(await store.getSetting("response:default:resp_a"), null);
});

test("What another process deleted or changed is seen where the store is shared", async () => {
  await using world = await open();
  const one = new ResponseLog(world.store, QUIET);
  const other = new ResponseLog(world.store, QUIET);
  const begun = { ...keptAt("resp_a", Date.now()), worker: { id: "one", beatAtMs: Date.now() } };
  one.keep(begun);
  await one.flush();
  assert.deepEqual(await other.findNewest("default", "resp_a"), begun);
  const { worker: _worker, ...ended } = begun;
  one.keep(ended);
  await one.flush();
  assert.deepEqual(await other.find("default", "resp_a"), ended);
  await one.delete("default", "resp_a");
  assert.equal(await other.findNewest("default", "resp_a"), undefined);
});

test("What is older than thirty days is not there any more", async () => {
  await using world = await open();
  const { log, store } = world;
  log.keep(keptAt("resp_old", Date.now() - 31 * 24 * 3_600_000));
  await log.flush();
  assert.equal(await new ResponseLog(store, QUIET).find("default", "resp_old"), undefined);
});
