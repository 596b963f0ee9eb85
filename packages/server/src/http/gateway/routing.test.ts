import assert from "node:assert/strict";
import { test } from "node:test";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { startTestApp, type TestApp } from "../../testing.ts";
import { PLAIN_ROUTE, targetOf } from "../../testing/gateway-client.ts";

const targets = [targetOf("p/a"), targetOf("p/b")];

const ask = (app: TestApp, model: string): Promise<Response> =>
  app.fetch("/v1/chat/completions", { model, messages: [{ role: "user", content: "Hi" }] });

const askedModels = (calls: readonly { readonly method: string; readonly received: Buffer }[]): readonly string[] =>
  calls
    .filter(({ method }) => method === "POST")
    .map(({ received }) => (JSON.parse(received.toString()) as { readonly model: string }).model);

async function logOf(app: TestApp): Promise<string> {
  const page = await app.fetch("/v1/runs?workflow=tutti.chat-completions");
  const { runs } = (await page.json()) as { readonly runs: readonly { readonly id: string }[] };
  return (await Promise.all(runs.map(async ({ id }) => (await app.fetch(`/v1/runs/${id}/events`)).text()))).join("\n");
}

test("a target that asks to be left alone is, and the log says why the other one answered", async () => {
  await using upstream = await startOpenAiUpstream(({ model }) =>
    model === "a"
      ? { type: "error", status: 429, message: "Slow down.", headers: { "retry-after": "60" } }
      : { type: "text", pieces: ["Hello."] },
  );
  await using app = await startTestApp({
    providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["a", "b"] }],
    models: [{ ...PLAIN_ROUTE, name: "r", targets }],
  });
  for (let count = 0; count < 3; count += 1) assert.equal((await ask(app, "r")).status, 200);
  assert.deepEqual(askedModels(upstream.calls), ["a", "b", "b", "b"]);
  // Events are written behind the answers.
  let log = "";
  while (!log.includes('"leftOut"')) log = await logOf(app);
  assert.match(log, /"why":"in the configured order"/);
  assert.match(log, /"model":"p\/a","reason":"it asked to be left alone, and is for \d\d s"/);
});

test("a storm of failures is not made worse: after three in a row each target is left alone, and clients hear so at once", async () => {
  await using upstream = await startOpenAiUpstream(() => ({ type: "error", status: 500, message: "Broken." }));
  await using app = await startTestApp({
    providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["a", "b"] }],
    models: [{ ...PLAIN_ROUTE, name: "r", targets }],
  });
  for (let count = 0; count < 20; count += 1) assert.ok((await ask(app, "r")).status >= 500);
  assert.match(await (await ask(app, "r")).text(), /failed 3 times in a row and is left alone/);
  assert.equal(askedModels(upstream.calls).length, 6);
});

test("a request with tools never goes to a model that is known to have none", async () => {
  await using upstream = await startOpenAiUpstream(() => ({ type: "text", pieces: ["Hello."] }));
  await using app = await startTestApp({
    providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["a", "b"] }],
    models: [{ ...PLAIN_ROUTE, name: "r", targets: [{ ...targetOf("p/a"), abilities: ["chat"] }, targetOf("p/b")] }],
  });
  assert.equal((await ask(app, "r")).status, 200);
  const tools = [{ type: "function", function: { name: "now", parameters: { type: "object" } } }];
  const asked = { model: "r", messages: [{ role: "user", content: "Hi" }], tools };
  assert.equal((await app.fetch("/v1/chat/completions", asked)).status, 200);
  assert.deepEqual(askedModels(upstream.calls), ["a", "b"]);
});

test("a prompt for a model that wants no system turn arrives without one", async () => {
  await using upstream = await startOpenAiUpstream(() => ({ type: "text", pieces: ["Hello."] }));
  await using app = await startTestApp({
    providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["a"] }],
    models: [{ ...PLAIN_ROUTE, name: "r", targets: [{ ...targetOf("p/a"), adapt: { systemAs: "user", systemBefore: "You are small." } }] }],
  });
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi" },
  ];
  assert.equal((await app.fetch("/v1/chat/completions", { model: "r", messages })).status, 200);
  const sent = JSON.parse(upstream.calls.find(({ method }) => method === "POST")?.received.toString() ?? "") as object;
  assert.ok("messages" in sent);
  assert.deepEqual(sent.messages, [{ role: "user", content: "You are small.\n\nBe brief.\n\nHi" }]);
});
