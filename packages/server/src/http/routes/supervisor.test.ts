import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json, type Plugin } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

type Fields = Record<string, Json>;

/** A plugin with a workflow that fails until it is mended. */
function brokenPlugin(): { readonly plugin: Plugin; mend: () => void } {
  let isMended = false;
  const plugin: Plugin = {
    name: "test",
    workflows: [
      {
        name: "import",
        version: "1",
        input: { "~standard": { validate: (value: unknown) => ({ value }) } },
        run: (ctx, input) =>
          ctx.step(
            "fetch",
            (): Json => {
              if (!isMended) throw new AppError("upstream", "the shop does not answer");
              return input;
            },
            { attemptsMax: 1 },
          ),
      },
    ],
  };
  return { plugin, mend: () => (isMended = true) };
}

async function call(app: TestApp, path: string, body?: Json): Promise<{ readonly status: number; readonly body: Fields }> {
  const response = await app.fetch(path, body);
  return { status: response.status, body: (await response.json()) as Fields };
}

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const component = async (app: TestApp, name: string): Promise<Fields | undefined> =>
  ((await call(app, "/v1/health/components")).body["components"] as readonly Fields[]).find((part) => part["name"] === name);

test("supervised work that crashes again and again is shown, told of by health, and resumed", async () => {
  const { plugin, mend } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const policy = { backoff: { delayMs: 1, delayMaxMs: 1 }, crashLoop: { failuresMax: 3 } };
  const started = await call(app, "/v1/supervisor", { name: "importer", workflow: "import", input: 7, policy });
  assert.equal(started.status, 201);
  const loop = await until(async () => {
    const supervised = (await call(app, "/v1/supervisor/importer")).body["supervised"] as Fields;
    return supervised["status"] === "crash loop" && supervised;
  });
  assert.deepEqual([loop["restarts"], loop["failures"]], [2, 3]);
  const health = await call(app, "/v1/health/components");
  assert.equal(health.body["status"], "down");
  const part = await component(app, "supervised importer");
  assert.equal(part?.["status"], "down");
  assert.match(String(part?.["reason"]), /crashed too often; the last failure was upstream: the shop does not answer/);
  assert.match(String(part?.["todo"]), /tutti supervisor resume importer/);
  mend();
  assert.equal((await call(app, "/v1/supervisor/importer/resume", {})).status, 202);
  await until(async () => ((await call(app, "/v1/supervisor")).body["supervised"] as readonly Json[]).length === 0);
  assert.equal(await component(app, "supervised importer"), undefined);
});

test("supervised work is stopped", async () => {
  const { plugin } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await call(app, "/v1/supervisor", {
    name: "importer",
    workflow: "import",
    policy: { backoff: { delayMs: 3_600_000, delayMaxMs: 3_600_000 } },
  });
  assert.equal((await call(app, "/v1/supervisor/importer/stop", { reason: "enough" })).status, 202);
  await until(async () => ((await call(app, "/v1/supervisor")).body["supervised"] as readonly Json[]).length === 0);
  assert.equal((await call(app, "/v1/supervisor/importer")).status, 404);
});

test("a dead letter is listed, shown, retried and dismissed", async () => {
  const { plugin, mend } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  for (const name of ["one", "two"])
    await call(app, "/v1/supervisor", { name, workflow: "import", input: name, policy: { restart: "never" } });
  const letters = await until(async () => {
    const found = (await call(app, "/v1/dead-letters")).body["deadLetters"] as readonly Fields[];
    return found.length === 2 && found;
  });
  const idOf = (source: string): string => String(letters.find((letter) => letter["source"] === source)?.["id"]);
  assert.equal((await component(app, "dead letters"))?.["status"], "degraded");
  const shown = (await call(app, `/v1/dead-letters/${idOf("supervisor/one")}`)).body["deadLetter"] as Fields;
  assert.deepEqual([shown["workflow"], shown["input"], (shown["error"] as Fields)["code"]], ["import", "one", "upstream"]);
  mend();
  assert.equal((await call(app, `/v1/dead-letters/${idOf("supervisor/one")}/retry`, {})).status, 202);
  assert.equal((await call(app, `/v1/dead-letters/${idOf("supervisor/two")}/dismiss`, { reason: "withdrawn" })).status, 202);
  const ended = await until(async () => {
    const found = (await call(app, "/v1/dead-letters?ended=true")).body["deadLetters"] as readonly Fields[];
    return found.length === 2 && found;
  });
  assert.deepEqual(ended.map((letter) => letter["status"]).toSorted(), ["dismissed", "retried"]);
  assert.equal((await call(app, "/v1/dead-letters/nobody")).status, 404);
});

test("health names every part, since when it is so, and what is off", async () => {
  const { plugin } = brokenPlugin();
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await call(app, "/v1/schedules", { name: "nightly", workflow: "import", when: { cron: "0 0 1 1 *" } });
  const { body } = await call(app, "/v1/health/components");
  const parts = body["components"] as readonly Fields[];
  const names = parts.map((part) => part["name"]);
  for (const name of ["store", "engine", "models", "plugin test", "schedule nightly", "dead letters", "disk"])
    assert.ok(names.includes(name), name);
  assert.deepEqual(
    parts.filter((part) => part["name"] === "models").map((part) => part["status"]),
    ["off"],
  );
  for (const part of parts) assert.ok(!Number.isNaN(Date.parse(String(part["since"]))) && part["reason"] !== "");
  const again = await component(app, "store");
  assert.equal(again?.["since"], parts.find((part) => part["name"] === "store")?.["since"]);
});
