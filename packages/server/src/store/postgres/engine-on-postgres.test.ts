import { after, before } from "node:test";
import { engineConformance, partsOf, type EngineUnderTest, type Setup } from "../../engine/conformance/index.ts";
import { EmbeddedEngine } from "../../engine/index.ts";
import { startPostgres, type PostgresServer } from "../../testing/postgres.ts";
import { openPostgresStore } from "../index.ts";

// The engine's own suite: what it asks of a store, it asks of this one.

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

engineConformance("embedded engine on postgres", async (setup) => openOn(await server.newDatabase(), setup));

async function openOn(url: string, setup: Setup): Promise<EngineUnderTest> {
  const store = await openPostgresStore(url);
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
      return openOn(url, next);
    },
    [Symbol.asyncDispose]: close,
  };
}
