import { after, before } from "node:test";
import { engineConformance, type EngineUnderTest, type Setup } from "../../engine/conformance/index.ts";
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
    parts: {
      workflow: (name, version) => setup.workflows.findLast((known) => known.name === name && (version ?? known.version) === known.version),
      tool: (name) => setup.tools?.find((tool) => tool.name === name),
      model: (id) => setup.models?.find((model) => model.id === id),
      costUsd: () => Promise.resolve(setup.costUsd),
      decide: ({ kind, resource }) => setup.decide?.(kind, resource) ?? { effect: "allow", reason: "a test", rule: "test" },
      policyHash: () => "0".repeat(64),
    },
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
