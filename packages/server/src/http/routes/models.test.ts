import assert from "node:assert/strict";
import { test } from "node:test";
import { PLAIN_ROUTE } from "../../testing/gateway-client.ts";
import { NOMIC, QWEN, startOllamaUpstream, type OllamaUpstream } from "../../testing/ollama-upstream.ts";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

interface World extends AsyncDisposable {
  readonly app: TestApp;
  readonly ollama: OllamaUpstream;
}

const TARGET = { weight: 1, tags: [] };

async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const ollama = stack.use(await startOllamaUpstream({ models: [QWEN, NOMIC], library: [{ ...QWEN, name: "small:latest" }] }));
  const app = stack.use(
    await startTestApp({
      providers: [
        { name: "ollama", kind: "ollama", baseUrl: ollama.baseUrl, models: [] },
        { name: "dead", baseUrl: "http://127.0.0.1:9/v1", models: ["ghost"] },
      ],
      models: [
        { ...PLAIN_ROUTE, name: "gpt-4o", targets: [{ ...TARGET, model: "ollama/qwen2.5:latest" }] },
        {
          ...PLAIN_ROUTE,
          name: "smart",
          targets: [
            { ...TARGET, model: "ollama/nomic-embed-text:latest" },
            { ...TARGET, model: "ollama/qwen2.5:latest" },
          ],
        },
      ],
    }),
  );
  // The first list waits for the first discovery.
  await app.fetch("/v1/models");
  const owned = stack.move();
  return { app, ollama, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function json<T>(response: Promise<Response>): Promise<T> {
  const { status } = await response;
  const body = await (await response).json();
  assert.ok(status < 300, `${status}: ${JSON.stringify(body)}`);
  return body as T;
}

interface Catalog {
  readonly providers: readonly { readonly name: string; readonly complaint?: string; readonly isManaged: boolean }[];
  readonly models: readonly {
    readonly id: string;
    readonly abilities?: readonly string[];
    readonly routes: readonly string[];
    readonly isLoaded?: boolean;
    readonly stats?: { readonly calls: number; readonly status: string };
  }[];
}

test("the catalog tells what each model can do, for whom it answers, how it does, and which provider is in trouble", async () => {
  await using world = await startWorld();
  const asked = { model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] };
  await json(world.app.fetch("/v1/chat/completions", asked));
  const { providers, models } = await json<Catalog>(world.app.fetch("/v1/model-catalog"));
  assert.deepEqual(
    providers.slice(0, 2).map(({ name, isManaged }) => [name, isManaged]),
    [
      ["ollama", true],
      ["dead", false],
    ],
  );
  assert.match(providers[1]?.complaint ?? "", /ECONNREFUSED/);
  const qwen = models.find(({ id }) => id === "ollama/qwen2.5:latest");
  assert.deepEqual(
    [qwen?.abilities, qwen?.routes],
    [
      ["chat", "json", "tools"],
      ["gpt-4o", "smart"],
    ],
  );
  assert.deepEqual([qwen?.stats?.calls, qwen?.stats?.status], [1, "ok"]);
  assert.deepEqual(
    models.slice(0, 3).map(({ id }) => id),
    ["ollama/qwen2.5:latest", "ollama/nomic-embed-text:latest", "dead/ghost"],
  );
});

test("one model is shown by its name or with its provider, and one that nobody has is told", async () => {
  await using world = await startWorld();
  for (const id of ["qwen2.5", "ollama%2Fqwen2.5:latest"])
    assert.equal(
      (await json<{ readonly model: { readonly id: string } }>(world.app.fetch(`/v1/model-catalog/${id}`))).model.id,
      "ollama/qwen2.5:latest",
    );
  const missing = await world.app.fetch("/v1/model-catalog/qwen9");
  assert.equal(missing.status, 404);
  assert.match(await missing.text(), /wanted a provider's model, got .*qwen9/);
});

test("an alias is answered by the model it stands for", async () => {
  await using world = await startWorld();
  const reply = await json<{ readonly choices: readonly { readonly message: { readonly content: string } }[] }>(
    world.app.fetch("/v1/chat/completions", { model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] }),
  );
  assert.equal(reply.choices[0]?.message.content, "You said: Hi");
  const sent = world.ollama.calls.find(({ path }) => path === "/v1/chat/completions");
  assert.match(sent?.body ?? "", /"model":"qwen2\.5:latest"/);
});

test("a plan says where a request would go and why, and asks nobody", async () => {
  await using world = await startWorld();
  const calls = world.ollama.calls.length;
  const { plan } = await json<{ readonly plan: Readonly<Record<string, unknown>> }>(
    world.app.fetch("/v1/model-plans", { model: "smart", needs: ["tools"], promptTokens: 500 }),
  );
  assert.deepEqual(plan, {
    route: "smart",
    reason: "in the configured order",
    leftOut: [{ model: "ollama/nomic-embed-text:latest", reason: "it cannot do tools" }],
    attemptsMax: 3,
    resumesText: false,
    candidates: [{ id: "ollama/qwen2.5:latest", tags: [], weight: 1, reason: "place 2 of the order" }],
  });
  assert.equal(world.ollama.calls.length, calls);
});

test("a plan for what nobody can do is refused with each one's reason", async () => {
  await using world = await startWorld();
  const response = await world.app.fetch("/v1/model-plans", { model: "smart", needs: ["vision"] });
  assert.match(await response.text(), /qwen2\.5:latest: it cannot do vision/);
  assert.ok(response.status >= 400);
});

test("the named models and the numbers of their targets are there to read", async () => {
  await using world = await startWorld();
  const { routes } = await json<{ readonly routes: readonly { readonly name: string }[] }>(world.app.fetch("/v1/model-routes"));
  assert.deepEqual(
    routes.map(({ name }) => name),
    ["gpt-4o", "smart"],
  );
  const { targets } = await json<{ readonly targets: readonly { readonly id: string }[] }>(world.app.fetch("/v1/model-stats"));
  assert.deepEqual(targets.map(({ id }) => id).toSorted(), ["ollama/nomic-embed-text:latest", "ollama/qwen2.5:latest"]);
});

test("a model is pulled with its progress, loaded, unloaded and removed, and each act is in the log", async () => {
  await using world = await startWorld();
  const pulled = await (await world.app.fetch("/v1/model-pulls", { model: "ollama/small" })).text();
  assert.match(pulled, /event: progress\ndata: \{"status":"pulling aabdc9d6df5a","totalBytes":4000000,"doneBytes":2000000\}/);
  assert.match(pulled, /event: done\n/);
  assert.ok((await json<Catalog>(world.app.fetch("/v1/model-catalog"))).models.some(({ id }) => id === "ollama/small:latest"));
  await json(world.app.fetch("/v1/model-loads", { model: "small", keepAliveMs: null }));
  assert.equal(world.ollama.loaded.get("small:latest"), -1);
  const loaded = (await json<Catalog>(world.app.fetch("/v1/model-catalog"))).models.find(({ id }) => id === "ollama/small:latest");
  assert.equal(loaded?.isLoaded, true);
  await json(world.app.fetch("/v1/model-unloads", { model: "small" }));
  await json(world.app.fetch("/v1/model-removals", { model: "ollama/small:latest" }));
  assert.deepEqual(world.ollama.names, ["qwen2.5:latest", "nomic-embed-text:latest"]);
  const { runs } = await json<{ readonly runs: readonly { readonly workflow: string }[] }>(
    world.app.fetch("/v1/runs?workflow=tutti.admin"),
  );
  assert.equal(runs.length, 4);
});

test("what cannot be pulled says why: an unknown name, and a provider that keeps nothing", async () => {
  await using world = await startWorld();
  assert.match(
    await (await world.app.fetch("/v1/model-pulls", { model: "nope" })).text(),
    /event: error\ndata: \{"code":"model_not_found"/,
  );
  assert.match(await (await world.app.fetch("/v1/model-pulls", { model: "dead/ghost" })).text(), /"unsupported".*which serves them only/);
});

test("a provider that never answers holds up neither the list nor the other models", async () => {
  await using upstream = await startOpenAiUpstream(undefined, { models: ["m"] });
  await using app = await startTestApp({
    providers: [
      { name: "dead", baseUrl: "http://127.0.0.1:9/v1", models: ["ghost"] },
      { name: "alive", baseUrl: upstream.baseUrl, models: [] },
    ],
    models: [
      {
        ...PLAIN_ROUTE,
        name: "r",
        targets: [
          { ...TARGET, model: "dead/ghost" },
          { ...TARGET, model: "alive/m" },
        ],
      },
    ],
  });
  const listed = await json<{ readonly data: readonly { readonly id: string }[] }>(app.fetch("/v1/models"));
  assert.ok(listed.data.some(({ id }) => id === "m"));
  const ask = async (): Promise<void> => {
    const reply = await json<{ readonly model: string }>(
      app.fetch("/v1/chat/completions", { model: "r", messages: [{ role: "user", content: "Hi" }] }),
    );
    assert.equal(reply.model, "m");
  };
  for (let count = 0; count < 4; count += 1) await ask();
  const { targets } = await json<{ readonly targets: readonly { readonly id: string; readonly status: string; readonly calls: number }[] }>(
    app.fetch("/v1/model-stats"),
  );
  const dead = targets.find(({ id }) => id === "dead/ghost");
  assert.deepEqual([dead?.status, dead?.calls], ["open", 3], "after three failures in a row it is left alone");
});
