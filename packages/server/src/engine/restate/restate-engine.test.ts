import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { SqliteStore } from "../../store/index.ts";
import { engineConformance, partsOf, type EngineUnderTest, type Setup } from "../conformance/index.ts";
import { RestateEngine } from "./restate-engine.ts";
import { startRestate, type RestateServer } from "./local-server.ts";

let server: RestateServer;
let folder: string;
/** Each test has a service of its own: what one leaves unfinished is not another's. */
let opened = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-restate-"));
  server = await startRestate(folder);
});

after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

engineConformance("Restate engine", async (setup) =>
  openOn(await mkdtemp(join(tmpdir(), "tutti-engine-")), setup, `tutti-${(opened += 1)}`),
);

async function openOn(dataDir: string, setup: Setup, service: string): Promise<EngineUnderTest> {
  const store = await SqliteStore.open(dataDir);
  const engine = await RestateEngine.open({
    store,
    runsActiveMax: 100,
    queues: setup.queues,
    restate: { ...server.address, service },
    endpoint: { host: "127.0.0.1", port: 0, identityKeys: [server.identityKey], log: () => undefined },
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
      return openOn(dataDir, next, service);
    },
    [Symbol.asyncDispose]: async () => {
      await close();
      await rm(dataDir, { recursive: true });
    },
  };
}
