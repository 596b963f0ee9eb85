import { after, before } from "node:test";
import { startPostgres, type PostgresServer } from "../../testing/postgres.ts";
import { storeConformance, type StoreUnderTest } from "../conformance.ts";
import { surveyConformance } from "../conformance-survey.ts";
import { openPostgresStore } from "../index.ts";

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

storeConformance("postgres store", async () => openOn(await server.newDatabase()));
surveyConformance("postgres store", async () => openOn(await server.newDatabase()));

async function openOn(url: string): Promise<StoreUnderTest & { readonly store: Awaited<ReturnType<typeof openPostgresStore>> }> {
  const store = await openPostgresStore(url);
  return {
    store,
    reopen: async () => {
      await store.close();
      return openOn(url);
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}
