import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPostgresStore } from "../../store/index.ts";
import { startPostgres, type PostgresServer } from "../../testing/postgres.ts";
import { makeNode, moment, openNode, recorder } from "./testing.ts";

// What events ask of a store, they ask of PostgreSQL: here one node publishes and another delivers.

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

test("what one node publishes, another delivers, in order and once, and a reader on it is woken", async () => {
  const url = await server.newDatabase();
  const { workflow, seen } = recorder();
  await using deliverer = await openNode(await openPostgresStore(url), { workflows: [workflow] });
  await using publisher = makeNode(await openPostgresStore(url), {});
  await deliverer.subscribe({ name: "work", orderBy: "source", where: "input.data > 0", target: { type: "workflow", workflow: "record" } });
  let wakes = 0;
  using _ = deliverer.events.onPublished(() => (wakes += 1));
  const ids = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, "0"));
  for (const id of ids) await publisher.publish("x", { id, data: 1 });
  await publisher.publish("x", { id: "unwanted", data: 0 });
  assert.equal(
    (
      await publisher.events.publish(
        { specversion: "1.0", id: "00", source: "/test", type: "x", data: 1 },
        { id: "b", tenant: "default", roles: [] },
      )
    ).isDuplicate,
    true,
  );
  while (seen.length < ids.length) await moment();
  await deliverer.settled("work");
  assert.deepEqual(seen, ids);
  assert.ok(wakes > 0);
  assert.equal((await deliverer.store.runs({ workflow: "record", limit: 100 })).length, ids.length);
});
