import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { AppError } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

let app: TestApp;
let client: Client;

before(async () => {
  app = await startTestApp({ token: "a-secret-token-nobody-sees", requestDepthMax: 64 });
  client = createClient({ baseUrl: app.url, token: app.token });
});

after(() => app[Symbol.asyncDispose]());

const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

test("views are saved, replaced, listed by name and deleted", async () => {
  await client.saveView("Größte Kosten", { sort: "cost" });
  await client.saveView("failed today", { statuses: ["failed"] });
  await client.saveView("failed today", { statuses: ["failed", "paused"] });
  assert.deepEqual(
    (await client.views()).map(({ name, value }) => [name, value]),
    [
      ["Größte Kosten", { sort: "cost" }],
      ["failed today", { statuses: ["failed", "paused"] }],
    ],
  );
  assert.deepEqual((await client.view("failed today")).value, { statuses: ["failed", "paused"] });
  await client.deleteView("failed today");
  await assert.rejects(client.view("failed today"), codeOf("not_found"));
});

test("a view that is too large, one too many and a strange name are refused", async () => {
  await assert.rejects(client.saveView("large", "x".repeat(65_536)), codeOf("too_large"));
  for (const name of ["../sessions", "%", "a\nb", "x".repeat(101)])
    await assert.rejects(client.saveView(name, 1), codeOf("invalid_input"), name);
  const { length } = await client.views();
  for (let index = length; index < 200; index += 1) await app.app.store.setSetting(`view.${index}`, { value: 1, savedAt: "" });
  await assert.rejects(client.saveView("one more", 1), codeOf("conflict"));
  await client.saveView("199", "replaced");
});

test("the configuration is told with sources and without secrets", async () => {
  const { settings } = await client.config();
  const of = (key: string) => settings.find((setting) => setting.key === key);
  assert.deepEqual([of("token")?.value, of("token")?.isSecret], ["********", true]);
  assert.equal(of("requestDepthMax")?.value, "64");
  assert.match(of("port")?.description ?? "", /port to listen on/);
  assert.ok(!JSON.stringify(settings).includes("nobody-sees"));
});
