import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Json, Plugin, Tool } from "@tutti/core";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

const ODD = fileURLToPath(new URL("odd-server.ts", import.meta.url));
const OWNER = { id: "owner", tenant: "default", roles: ["owner"] };

async function scratch(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-mcp-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "file");
}

/** A Tutti that uses a server which is wrong in one way; its one tool is approved and allowed. */
async function using(
  kind: string,
  options: { readonly file?: string; readonly more?: Json; readonly plugins?: readonly Plugin[] } = {},
): Promise<TestApp> {
  const app = await startTestApp({ toolsAllow: ["odd_add"], inlinePlugins: options.plugins ?? [] });
  const args = [ODD, kind, ...(options.file === undefined ? [] : [options.file])];
  const setting = {
    name: "odd",
    command: process.execPath,
    args,
    isolation: "process",
    callTimeoutMs: 60_000,
    connectTimeoutMs: 120_000,
    ...(options.more as object),
  };
  assert.equal((await app.fetch("/v1/mcp/servers", setting)).status, 201);
  const approved = await app.fetch("/v1/mcp/servers/odd/approve", {});
  assert.equal(approved.status, 200, await approved.clone().text());
  return app;
}

async function add(app: TestApp): Promise<{ readonly status: number; readonly text: string }> {
  const response = await app.fetch("/v1/tools/execute", { tool: "odd_add", input: { a: 1 } });
  return { status: response.status, text: await response.text() };
}

test("a tool whose description changed since it was approved cannot be called until somebody looks at the difference", async (context) => {
  const file = await scratch(context);
  await using app = await using("poisoned", { file });
  assert.equal((await add(app)).status, 200);
  await writeFile(file, "now");
  const { server } = (await (await app.fetch("/v1/mcp/servers/odd/test", {})).json()) as {
    readonly server: { readonly pinned: readonly Json[] };
  };
  assert.match(JSON.stringify(server.pinned), /"state":"changed".*IMPORTANT.*"was":\{.*"description":"Adds\."/);
  assert.equal((await add(app)).status, 404, "it is no tool any more");
  const described = app.app.registry.tools.map(({ description }) => description).join();
  assert.doesNotMatch(described, /id_rsa/, "no model is told the new description");
  await app.fetch("/v1/mcp/servers/odd/approve", {});
  assert.equal((await add(app)).status, 200);
});

test("an approval of something else than what was shown is refused", async (context) => {
  const file = await scratch(context);
  await using app = await using("poisoned", { file });
  await writeFile(file, "now");
  await app.fetch("/v1/mcp/servers/odd/test", {});
  const response = await app.fetch("/v1/mcp/servers/odd/approve", { hashes: { add: "0".repeat(64) } });
  assert.equal(response.status, 409);
  assert.equal((await add(app)).status, 404);
});

test("of two tools with one name the first counts", async () => {
  await using app = await using("twins");
  assert.equal(app.app.registry.tool("odd_add")?.description, "Adds.");
});

test("a tool of a server cannot take the name of another's", async () => {
  const mine: Tool = {
    name: "odd_add",
    description: "Mine.",
    effect: "read",
    parameters: { type: "object" },
    run: () => Promise.resolve({ mine: true }),
  };
  await using app = await startTestApp({ toolsAllow: ["odd_add"], inlinePlugins: [{ name: "mine", tools: [mine] }] });
  await app.fetch("/v1/mcp/servers", { name: "odd", command: process.execPath, args: [ODD], isolation: "process" });
  assert.equal((await app.fetch("/v1/mcp/servers/odd/approve", {})).status, 409);
  assert.match((await add(app)).text, /"mine":true/);
});

test("a server that never answers costs its time limit, and is called once only", async (context) => {
  const file = await scratch(context);
  await using app = await using("silent", { file, more: { callTimeoutMs: 300 } });
  const { status, text } = await add(app);
  assert.equal(status, 504, text);
  assert.match(text, /within 300 ms/);
  // A busy machine may let it see the call only after that.
  while (!existsSync(file)) await delay(20);
  assert.equal(await readFile(file, "utf8"), "called\n", "what may have been done is not done again");
});

test("a server that hangs for good is ended, and started anew for a later call", async (context) => {
  const file = await scratch(context);
  await using app = await using("spins", { file, more: { callTimeoutMs: 300, connectTimeoutMs: 20_000 } });
  assert.equal((await add(app)).status, 504);
  for (;;) {
    const { status, text } = await add(app);
    if (status === 200) return assert.match(text, /well again/);
    assert.ok(status === 504 || status === 503 || status === 502, text);
    await delay(200);
  }
});

test("a server that dies in a call fails that call, and is started again for the next", async (context) => {
  const file = await scratch(context);
  await using app = await using("dies", { file });
  assert.equal((await add(app)).status, 502);
  assert.equal((await add(app)).status, 502);
  assert.equal(await readFile(file, "utf8"), "called\ncalled\n");
});

test("a server that fails again and again is left alone, and its tools say so at once", async (context) => {
  const file = await scratch(context);
  await using app = await using("dies", { file });
  for (let calls = 0; calls < 3; calls += 1) await add(app);
  const { status, text } = await add(app);
  assert.equal(status, 503, text);
  assert.match(text, /left alone/);
  assert.equal((await readFile(file, "utf8")).split("\n").length - 1, 3);
  const other = await app.fetch("/v1/tools/execute", { tool: "echo", input: { text: "well" } });
  assert.equal(other.status, 200, "others go on");
  assert.match(await (await app.fetch("/v1/mcp/servers")).text(), /"state":"down"/);
});

for (const kind of ["flood", "giant"])
  test(`a server that ${kind === "flood" ? "floods" : "sends a message larger than it may be"} does not take Tutti with it`, async () => {
    await using app = await using(kind, { more: { callTimeoutMs: 1_000 } });
    const before = process.memoryUsage().heapUsed;
    assert.ok((await add(app)).status >= 500);
    assert.equal((await app.fetch("/health")).status, 200);
    assert.ok(process.memoryUsage().heapUsed - before < 256 * 1_048_576);
  });

for (const kind of ["garbage", "stranger"])
  test(`lines that are ${kind === "garbage" ? "no messages" : "answers to nobody"} are passed over`, async () => {
    await using app = await using(kind);
    assert.match((await add(app)).text, kind === "garbage" ? /after the garbage/ : /the right one/);
  });

test("a question of a server waits for a person, and what they fill in reaches it", async () => {
  await using app = await using("asks");
  const asked = Promise.withResolvers<string>();
  using _ = app.app.engine.subscribe((event) => {
    if (event.type === "step.waiting" && event.kind === "approval") asked.resolve(event.runId);
  });
  const call = add(app);
  const runId = await asked.promise;
  const [wait] = await app.app.store.waits({ runId, kind: "approval", limit: 1 });
  assert.match(JSON.stringify(wait), /The MCP server odd asks: Which colour\?/);
  await app.app.engine.signal(runId, { name: "content", value: { colour: "blue" } }, OWNER);
  assert.match((await call).text, /blue/);
});

test("a person who refuses a question declines it, and one who approves an empty form cannot answer it", async () => {
  for (const approved of [false, true]) {
    await using app = await using("asks");
    const asked = Promise.withResolvers<{ readonly runId: string; readonly key: string }>();
    using _ = app.app.engine.subscribe((event) => {
      if (event.type === "step.waiting" && event.kind === "approval") asked.resolve(event);
    });
    const call = add(app);
    const { runId, key } = await asked.promise;
    await app.app.engine.answer(runId, { key, approved, reason: "" }, OWNER);
    assert.match((await call).text, /decline/);
  }
});

test("a server that asks a model is refused unless it was given one", async () => {
  await using app = await using("samples");
  assert.match((await add(app)).text, /-32601|not found/i);
});
