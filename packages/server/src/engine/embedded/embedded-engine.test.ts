import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteStore } from "../../store/index.ts";
import { engineConformance, partsOf, type EngineUnderTest, type Setup } from "../conformance/index.ts";
import { EmbeddedEngine } from "./embedded-engine.ts";

engineConformance("embedded engine", async (setup) => openOn(await mkdtemp(join(tmpdir(), "tutti-engine-")), setup));

async function openOn(dataDir: string, setup: Setup): Promise<EngineUnderTest> {
  const store = await SqliteStore.open(dataDir);
  const engine = new EmbeddedEngine({
    store,
    runsActiveMax: 100,
    queues: setup.queues,
    parts: partsOf(setup),
  });
  const close = async (): Promise<void> => {
    await engine.stop(1000);
    await store.close();
  };
  return {
    engine,
    events: (runId) => store.read(runId, { afterSeq: 0, limit: 1000 }),
    waits: (runId) => store.waits({ runId, limit: 1000 }),
    reopen: async (next) => {
      await close();
      return openOn(dataDir, next);
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      await rm(dataDir, { recursive: true });
    },
  };
}
