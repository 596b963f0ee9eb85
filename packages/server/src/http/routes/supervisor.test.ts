import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type Client, type ComponentEntry } from "@tutti/client";
import { AppError, type Json, type Plugin } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

/** A plugin with a workflow that fails until it is mended. */
function brokenPlugin(): { readonly plugin: Plugin; readonly mend: () => void } {
  let isMended = false;
  const fetchOrders = (input: Json): Json => {
    if (!isMended) throw new AppError("upstream", "the shop does not answer");
    return input;
  };
  const plugin: Plugin = {
    name: "test",
    workflows: [
      {
        name: "import",
        version: "1",
        input: { "~standard": { validate: (value: unknown) => ({ value }) } },
        run: (ctx, input) => ctx.step("fetch", () => fetchOrders(input), { attemptsMax: 1 }),
      },
    ],
  };
  return { plugin, mend: () => void (isMended = true) };
}

const clientOf = ({ url, token }: TestApp): Client => createClient({ baseUrl: url, token });

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const partOf = async (client: Client, name: string): Promise<ComponentEntry | undefined> =>
  (await client.health()).components.find((part) => part.name === name);

test("supervised work that crashes again and again is shown, told of by health, and resumed", async () => {
  const { plugin, mend } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  const policy = { backoff: { delayMs: 1, delayMaxMs: 1 }, crashLoop: { failuresMax: 3 } };
  await client.supervise({ name: "importer", workflow: "import", input: 7, policy });
  const loop = await until(async () => {
    const supervised = await client.supervisedOne("importer");
    return supervised.status === "crash loop" && supervised;
  });
  assert.deepEqual([loop.restarts, loop.failures, loop.error?.code], [2, 3, "upstream"]);
  assert.equal((await client.health()).status, "down");
  const part = await partOf(client, "supervised importer");
  assert.equal(part?.status, "down");
  assert.match(part.reason, /crashed too often; the last failure was upstream: the shop does not answer/);
  assert.match(part.todo ?? "", /tutti supervisor resume importer/);
  mend();
  await client.resumeSupervised("importer");
  await until(async () => (await client.supervised()).length === 0);
  assert.equal(await partOf(client, "supervised importer"), undefined);
});

test("supervised work is stopped", async () => {
  const { plugin } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  await client.supervise({ name: "importer", workflow: "import", policy: { backoff: { delayMs: 3_600_000, delayMaxMs: 3_600_000 } } });
  await assert.rejects(client.supervise({ name: "importer", workflow: "import" }), { code: "conflict" });
  await assert.rejects(client.supervise({ name: "other", workflow: "nobody" }), { code: "not_found" });
  await client.stopSupervised("importer", "enough");
  await until(async () => (await client.supervised()).length === 0);
  await assert.rejects(client.supervisedOne("importer"), { code: "not_found" });
});

test("a dead letter is listed, shown, retried and dismissed", async () => {
  const { plugin, mend } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  for (const name of ["one", "two"]) await client.supervise({ name, workflow: "import", input: name, policy: { restart: "never" } });
  const letters = await until(async () => {
    const found = await client.deadLetters();
    return found.length === 2 && found;
  });
  const idOf = (source: string): string => letters.find((letter) => letter.source === source)?.id ?? "";
  assert.equal((await partOf(client, "dead letters"))?.status, "degraded");
  const { workflow, input, error } = await client.deadLetter(idOf("supervisor/one"));
  assert.deepEqual([workflow, input, error.code], ["import", "one", "upstream"]);
  mend();
  await client.retryDeadLetter(idOf("supervisor/one"), {});
  await client.dismissDeadLetter(idOf("supervisor/two"), "withdrawn");
  await until(async () => (await client.deadLetters({ ended: true })).length === 2);
  assert.equal((await client.deadLetter(idOf("supervisor/one"))).status, "retried");
  assert.equal((await client.deadLetter(idOf("supervisor/two"))).status, "dismissed");
  await assert.rejects(client.deadLetter("nobody"), { code: "not_found" });
});

test("health names every part, since when it is so, and what is off", async () => {
  const { plugin } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const client = clientOf(app);
  await client.createSchedule({ name: "nightly", workflow: "import", when: { cron: "0 0 1 1 *" } });
  const { components } = await client.health();
  const names = components.map(({ name }) => name);
  for (const name of ["store", "engine", "models", "plugin test", "schedule nightly", "dead letters", "disk"])
    assert.ok(names.includes(name), name);
  assert.equal((await partOf(client, "models"))?.status, "off");
  for (const { since, reason } of components) assert.ok(!Number.isNaN(Date.parse(since)) && reason !== "");
  const store = components.find(({ name }) => name === "store");
  assert.equal((await partOf(client, "store"))?.since, store?.since);
});
