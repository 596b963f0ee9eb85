import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";

/** How often a test looks into the ledger before it gives up. */
const LOOKS_MAX = 10_000;

let upstream: OpenAiUpstream;
let app: TestApp;

before(async () => {
  upstream = await startOpenAiUpstream(undefined, { apiKey: "sk-upstream", models: ["gpt-small", "gpt-large", "other"] });
  const providers = [{ name: "hosted", baseUrl: upstream.baseUrl, apiKey: "sk-upstream", models: ["gpt-small", "gpt-large", "other"] }];
  app = await startTestApp({ providers, budgets: { users: {}, teams: { small: { budgets: [{ tokens: 5, per: "total" }] } } } });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe("keys", () => {
  test("a key's secret is told once, and neither the store, the log nor a list has it", async () => {
    const { key, secret } = await create({ name: "once" });
    assert.match(secret, /^tk_[0-9a-z]{12}_[\w-]{43}$/);
    assert.equal(secret.slice(3, 15), key.id);
    const random = secret.slice(16);
    const places = ["/v1/keys", `/v1/keys/${key.id}`, "/v1/runs?limit=50", "/v1/trust/events?limit=500"];
    for (const place of places) assert.ok(!(await (await app.fetch(place)).text()).includes(random), place);
    assert.ok(!JSON.stringify(await app.app.store.getSetting(`key.${key.id}`)).includes(random));
  });

  test("a key is taken from the headers that OpenAI's, Anthropic's, Azure's and Google's clients send", async () => {
    const { secret } = await create({ name: "headers" });
    for (const headers of [
      { authorization: `Bearer ${secret}` },
      { "x-api-key": secret },
      { "api-key": secret },
      { "x-goog-api-key": secret },
    ]) {
      const response = await chat(headers, "gpt-small");
      assert.equal(response.status, 200, JSON.stringify(Object.keys(headers)));
      await response.text();
    }
    const sent = upstream.calls.at(-1)?.headers ?? {};
    assert.ok(!JSON.stringify(sent).includes(secret), "the provider is not told the key");
  });

  test("a key uses the models it names, sees no others, and the refusal names both", async () => {
    const { key, secret } = await create({ name: "picky", models: ["gpt-*"] });
    const headers = { authorization: `Bearer ${secret}` };
    assert.equal((await chat(headers, "gpt-large")).status, 200);
    const refused = await chat(headers, "other");
    assert.equal(refused.status, 403);
    const { error } = (await refused.json()) as { readonly error: { readonly message: string; readonly code: string } };
    assert.equal(error.code, "denied");
    assert.match(error.message, new RegExp(`the key "picky" \\(${key.id}\\) may not use the model "other", only gpt-\\*`));
    const { data } = (await (await as(secret, "/v1/models")).json()) as { readonly data: readonly { readonly id: string }[] };
    assert.deepEqual(
      data.map(({ id }) => id).filter((id) => !id.startsWith("gpt-")),
      [],
    );
    assert.ok(data.length >= 2);
    assert.equal((await as(secret, "/v1/models/other")).status, 404);
  });

  test("a key uses models and does nothing else", async () => {
    const { secret } = await create({ name: "only models" });
    for (const path of ["/v1/keys", "/v1/spend", "/v1/runs", "/v1/trust/events", "/v1/plugins", "/metrics", "/openapi.json"])
      assert.equal((await as(secret, path)).status, 403, path);
    for (const path of ["/v1/keys", "/v1/runs", "/v1/prune", "/v1/tools/echo"]) {
      const response = await as(secret, path, {});
      assert.equal(response.status, 403, path);
    }
    const current = (await (await as(secret, "/v1/keys/current")).json()) as { readonly key: { readonly name: string } };
    assert.equal(current.key.name, "only models");
  });

  test("a key is told what its budgets have left", async () => {
    const limits = { budgets: [{ tokens: 10_000, amountUsd: 5, per: "month" }] };
    const { secret, key } = await create({ name: "thrifty", limits });
    assert.equal(
      (await as(secret, "/v1/chat/completions", { model: "gpt-small", messages: [{ role: "user", content: "Hi" }] })).status,
      200,
    );
    // A call is journaled a moment after its answer.
    while (!(await (await app.fetch("/v1/spend?by=key")).text()).includes(key.id)) continue;
    const current = (await (await as(secret, "/v1/keys/current")).json()) as {
      readonly key: {
        readonly budgets: readonly { readonly of: string; readonly tokens: { readonly limit: number; readonly spent: number } }[];
      };
    };
    const [budget] = current.key.budgets;
    assert.equal(budget?.of, `key:${key.id}`);
    assert.equal(budget?.tokens.limit, 10_000);
    assert.ok((budget?.tokens.spent ?? 0) > 0);
  });

  test("a path that only a parser resolves leads a key nowhere", async () => {
    const { secret } = await create({ name: "climber" });
    for (const path of ["/v1/models/../keys", "/v1/models/%2e%2e/keys", "/v1/models/..\\..\\v1/keys", "/v1/models/x/../../spend"])
      assert.ok([400, 403].includes(await rawStatus(path, secret)), path);
  });

  test("a rotated key has two good secrets for the time of grace, and one after it", async () => {
    const { key, secret } = await create({ name: "turning" });
    const graceful = (await (await app.fetch(`/v1/keys/${key.id}/rotate`, { graceMs: 60_000 })).json()) as Created;
    assert.notEqual(graceful.secret, secret);
    for (const one of [secret, graceful.secret]) assert.equal((await as(one, "/v1/models")).status, 200);
    const strict = (await (await app.fetch(`/v1/keys/${key.id}/rotate`, { graceMs: 0 })).json()) as Created;
    for (const one of [secret, graceful.secret]) assert.equal((await as(one, "/v1/models")).status, 401);
    assert.equal((await as(strict.secret, "/v1/models")).status, 200);
  });

  test("a revoked key is refused at once, and can neither be rotated nor come back", async () => {
    const { key, secret } = await create({ name: "done" });
    const revoked = await app.fetch(`/v1/keys/${key.id}/revoke`, {});
    assert.equal(((await revoked.json()) as Created).key.status, "revoked");
    const refused = await as(secret, "/v1/models");
    assert.equal(refused.status, 401);
    assert.equal((await app.fetch(`/v1/keys/${key.id}/rotate`, {})).status, 409);
    await app.fetch(`/v1/keys/${key.id}`, { name: "again" });
    assert.equal((await as(secret, "/v1/models")).status, 401);
  });

  test("an expired key is refused and says so", async () => {
    const { key, secret } = await create({ name: "old", expiresAt: "2100-01-01T00:00:00Z" });
    assert.equal((await as(secret, "/v1/models")).status, 200);
    await app.fetch(`/v1/keys/${key.id}`, { expiresAt: "2020-01-01T00:00:00Z" });
    const refused = await as(secret, "/v1/models");
    assert.equal(refused.status, 401);
    assert.match(await refused.text(), /got \\"old\\", which expired at 2020-01-01/);
  });

  test("a secret that is nearly right is not right", async () => {
    const { secret } = await create({ name: "near" });
    const last = secret.endsWith("A") ? "B" : "A";
    for (const wrong of [`${secret.slice(0, -1)}${last}`, secret.slice(0, -1), `${secret}x`, secret.replace("tk_", "sk_")])
      assert.equal((await as(wrong, "/v1/models")).status, 401, wrong.length.toString());
  });

  test("what is changed of a key holds for the next request, and null takes a setting away", async () => {
    const { key, secret } = await create({ name: "changing", models: ["gpt-small"], limits: { parallel: 4 } });
    assert.equal((await as(secret, "/v1/models/gpt-large")).status, 404);
    const changed = (await (await app.fetch(`/v1/keys/${key.id}`, { models: null, team: "web" })).json()) as Created;
    assert.deepEqual([changed.key.models, changed.key.team, changed.key.limits], [undefined, "web", { parallel: 4 }]);
    assert.equal((await as(secret, "/v1/models/gpt-large")).status, 200);
  });

  test("acts on keys are in the log with who did what, and wrong settings are refused", async () => {
    const { key } = await create({ name: "logged" });
    const runs = (await (await app.fetch("/v1/runs?limit=5")).json()) as {
      readonly runs: readonly { readonly id: string; readonly workflow: string }[];
    };
    const run = runs.runs.find(({ workflow }) => workflow === "tutti.admin");
    const { events } = (await (await app.fetch(`/v1/runs/${run?.id}/events`)).json()) as { readonly events: readonly unknown[] };
    assert.match(JSON.stringify(events), new RegExp(`key.create.*${key.id}`));
    for (const body of [
      {},
      { name: "x", limits: { requestsPerMinute: 0 } },
      { name: "x", limits: { budgets: [{ per: "day" }] } },
      { name: "x", colour: 1 },
      { name: "x", expiresAt: "2020-01-01T00:00:00Z" },
    ])
      assert.equal((await app.fetch("/v1/keys", body)).status, 400, JSON.stringify(body));
  });

  test("limits are refused with their status and headers, and a team's budget binds all its keys", async () => {
    const { secret } = await create({ name: "rated", limits: { requestsPerMinute: 2 } });
    const headers = { authorization: `Bearer ${secret}` };
    const first = await chat(headers, "gpt-small");
    assert.equal(first.headers.get("x-ratelimit-limit-requests"), "2");
    assert.equal(first.headers.get("x-ratelimit-remaining-requests"), "1");
    await first.text();
    await (await chat(headers, "gpt-small")).text();
    const third = await chat(headers, "gpt-small");
    assert.equal(third.status, 429);
    assert.ok(Number(third.headers.get("retry-after")) >= 1);
    const team = await Promise.all([create({ name: "one", team: "small" }), create({ name: "two", team: "small" })]);
    assert.equal((await chat({ authorization: `Bearer ${team[0].secret}` }, "gpt-small")).status, 200);
    await settled("small");
    const spent = await chat({ authorization: `Bearer ${team[1].secret}` }, "gpt-small");
    assert.equal(spent.status, 402);
    assert.match(await spent.text(), /budget of 5 tokens in total of the team \\"small\\"/);
  });
});

interface Created {
  readonly key: {
    readonly id: string;
    readonly status: string;
    readonly models?: readonly string[];
    readonly team?: string;
    readonly limits?: object;
  };
  readonly secret: string;
}

async function create(settings: object): Promise<Created> {
  const response = await app.fetch("/v1/keys", settings);
  assert.equal(response.status, 201, await response.clone().text());
  return (await response.json()) as Created;
}

function as(secret: string, path: string, body?: object): Promise<Response> {
  return fetch(new URL(path, app.url), {
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
}

function chat(headers: Readonly<Record<string, string>>, model: string): Promise<Response> {
  return fetch(new URL("/v1/chat/completions", app.url), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "one two three four five" }] }),
  });
}

/** `fetch` would resolve the path itself. */
function rawStatus(path: string, secret: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    const asking = request({ hostname, port, path, headers: { authorization: `Bearer ${secret}` } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asking.on("error", reject);
    asking.end();
  });
}

/** Resolves when the ledger has what a team was answered: then it is settled too. */
async function settled(team: string): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const rows = await app.app.budgets.spent({ by: ["team"] });
    if (rows.some((row) => row.team === team)) return;
    await nextTurn();
  }
  assert.fail(`nothing of ${team} came into the ledger`);
}
