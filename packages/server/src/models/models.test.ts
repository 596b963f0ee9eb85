import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { startOpenAiUpstream } from "../testing/openai-upstream.ts";
import { createModels, type Provider } from "./index.ts";

const nowhere = "http://127.0.0.1:9/v1";

async function startServer(listener: RequestListener): Promise<{ readonly baseUrl: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listOf(...providers: readonly Provider[]) {
  const complaints: string[] = [];
  const models = createModels({ providers, log: (message) => complaints.push(message) });
  const entries = await models.list();
  await models.close();
  return { ids: entries.map(({ id }) => id), entries, complaints };
}

test("configured and discovered models are listed, each once", async () => {
  await using upstream = await startOpenAiUpstream(undefined, { models: ["a", "b"] });
  const { entries } = await listOf({ name: "p", baseUrl: upstream.baseUrl, models: ["c", "a"] });
  assert.deepEqual(entries, [
    { id: "c", provider: "p" },
    { id: "a", provider: "p", created: 1_700_000_000, facts: { name: "a", created: 1_700_000_000 } },
    { id: "b", provider: "p", created: 1_700_000_000, facts: { name: "b", created: 1_700_000_000 } },
  ]);
});

test("a model that two providers serve is listed plainly for the first and with its provider for the second", async () => {
  await using upstream = await startOpenAiUpstream(undefined, { models: ["a"] });
  const { ids } = await listOf(
    { name: "p", baseUrl: upstream.baseUrl, models: [] },
    { name: "q", baseUrl: upstream.baseUrl, models: ["a"] },
  );
  assert.deepEqual(ids, ["p/a", "a"]);
});

test("a dead provider adds nothing and is complained about once", async () => {
  await using upstream = await startOpenAiUpstream(undefined, { models: ["a"] });
  const { ids, complaints } = await listOf(
    { name: "dead", baseUrl: nowhere, models: ["c"] },
    { name: "p", baseUrl: upstream.baseUrl, models: [] },
  );
  assert.deepEqual(ids, ["c", "a"]);
  assert.equal(complaints.length, 1);
  assert.match(complaints[0] ?? "", /"dead" could not be listed: .*ECONNREFUSED/);
});

test("a provider that never answers holds nobody up for long", async () => {
  await using silent = await startServer(() => {});
  const models = createModels({ providers: [{ name: "silent", baseUrl: silent.baseUrl, models: ["c"] }] });
  assert.deepEqual(
    (await models.list()).map(({ id }) => id),
    ["c"],
  );
  await models.close();
});

const nonsense: readonly (readonly [string, RequestListener])[] = [
  ["text", (_, response) => response.end("hello")],
  ["null", (_, response) => response.end("null")],
  ["an object without data", (_, response) => response.end("{}")],
  [
    "entries of every kind",
    (_, response) => response.end(JSON.stringify({ data: [null, 1, "a", {}, { id: 5 }, { id: "" }, { id: "x".repeat(1_000) }] })),
  ],
  ["a refusal", (_, response) => response.writeHead(500).end("{}")],
  ["a body without end", (_, response) => void response.write("x".repeat(5 * 1024 * 1024))],
];
for (const [what, listener] of nonsense) {
  test(`a provider that lists ${what} adds nothing`, async () => {
    await using server = await startServer(listener);
    assert.deepEqual((await listOf({ name: "p", baseUrl: server.baseUrl, models: ["c"] })).ids, ["c"]);
  });
}

test("a model is found by provider and name, by configuration, by discovery, and else at the only provider", async () => {
  await using first = await startOpenAiUpstream(undefined, { models: ["a", "q/odd"] });
  await using second = await startOpenAiUpstream(undefined, { models: ["a", "b"] });
  const p = { name: "p", baseUrl: first.baseUrl, models: ["meta/llama"] };
  const q = { name: "q", baseUrl: second.baseUrl, models: ["c"] };
  const models = createModels({ providers: [p, q] });
  await models.list();
  const found = (id: string): string | undefined => models.locate(id)?.provider.name;
  assert.deepEqual(["q/a", "meta/llama", "a", "b", "c", "q/odd", "none", "x/none"].map(found), [
    "q",
    "p",
    "p",
    "q",
    "q",
    "q",
    undefined,
    undefined,
  ]);
  assert.equal(models.model("none"), undefined);
  assert.equal(models.model("q/a")?.id, "q/a");
  await models.close();
  const one = createModels({ providers: [p] });
  assert.equal(one.locate("whatever")?.provider.name, "p");
  await one.close();
});

test("the default model is the configured one, else the first of the first provider, else the only one found", async () => {
  await using upstream = await startOpenAiUpstream(undefined, { models: ["only"] });
  const p = { name: "p", baseUrl: upstream.baseUrl, models: ["a", "b"] };
  const defaultOf = async (options: Parameters<typeof createModels>[0]): Promise<string | undefined> => {
    const models = createModels(options);
    await models.list();
    await models.close();
    return models.defaultModel;
  };
  assert.equal(await defaultOf({ providers: [p, { ...p, name: "q", models: ["c"] }], defaultModel: "b" }), "b");
  assert.equal(await defaultOf({ providers: [p, { ...p, name: "q", models: ["c"] }] }), "a");
  assert.equal(await defaultOf({ providers: [{ ...p, models: [] }] }), "only");
  assert.equal(await defaultOf({ providers: [] }), undefined);
});
