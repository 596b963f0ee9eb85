import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Json } from "@tutti/core";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

const bin = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/${name}/dist/index.js`, import.meta.url));
const FILESYSTEM = bin("server-filesystem");
const MEMORY = bin("server-memory");
const EVERYTHING = bin("server-everything");

async function folder(context: TestContext): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "tutti-mcp-")));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function json(response: Response): Promise<Readonly<Record<string, Json>>> {
  return (await response.json()) as Readonly<Record<string, Json>>;
}

async function add(app: TestApp, setting: Json): Promise<void> {
  const response = await app.fetch("/v1/mcp/servers", setting);
  assert.equal(response.status, 201, await response.clone().text());
}

async function call(
  app: TestApp,
  tool: string,
  input: Json,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, Json>> }> {
  const response = await app.fetch("/v1/tools/execute", { tool, input });
  return { status: response.status, body: await json(response) };
}

test("a filesystem server's tools are used once they are approved and policy lets them, and each call has a receipt", async (context) => {
  const notes = await folder(context);
  await writeFile(join(notes, "shopping.txt"), "milk and bread");
  await using app = await startTestApp({ toolsAllow: ["files_read_text_file"] });
  await add(app, { name: "files", command: process.execPath, args: [FILESYSTEM, notes], isolation: "process", connectTimeoutMs: 120_000 });
  const before = await call(app, "files_read_text_file", { path: join(notes, "shopping.txt") });
  assert.equal(before.status, 404, "nothing can be called before a person has looked at it");
  const approved = await json(await app.fetch("/v1/mcp/servers/files/approve", {}));
  assert.match(JSON.stringify(approved), /"name":"read_text_file".*"state":"approved"|"state":"approved","name":"read_text_file"/);
  const { status, body } = await call(app, "files_read_text_file", { path: join(notes, "shopping.txt") });
  assert.equal(status, 200, JSON.stringify(body));
  assert.match(JSON.stringify(body["output"]), /milk and bread/);
  const receipt = await json(await app.fetch(`/v1/runs/${body["runId"] as string}/receipt`));
  assert.match(JSON.stringify(receipt), /"source":"mcp:files"/);
  assert.match(JSON.stringify(receipt["verdict"]), /"valid":true/);
  const refused = await call(app, "files_write_file", { path: join(notes, "new.txt"), content: "x" });
  assert.equal(refused.status, 403, "approved is not allowed: policy has not named it");
  await assert.rejects(readFile(join(notes, "new.txt")));
});

test("what was approved is offered again after a restart, without asking the server first", async (context) => {
  const dataDir = await folder(context);
  const notes = await folder(context);
  const options = { dataDir, toolsAllow: ["files_list_directory"] };
  {
    await using app = await startTestApp(options);
    await add(app, {
      name: "files",
      command: process.execPath,
      args: [FILESYSTEM, notes],
      isolation: "process",
      connectTimeoutMs: 120_000,
    });
    await app.fetch("/v1/mcp/servers/files/approve", {});
  }
  await using app = await startTestApp(options);
  const { servers } = await json(await app.fetch("/v1/mcp/servers"));
  assert.match(JSON.stringify(servers), /"state":"idle"/);
  const { status, body } = await call(app, "files_list_directory", { path: notes });
  assert.equal(status, 200, JSON.stringify(body));
});

test("a memory server keeps what it is told, through Tutti", async (context) => {
  const kept = join(await folder(context), "memory.jsonl");
  await using app = await startTestApp({
    toolsAllow: ["memory_create_entities", "memory_search_nodes"],
    mcpServers: [setting({ name: "memory", command: process.execPath, args: [MEMORY], env: { MEMORY_FILE_PATH: kept } })],
  });
  await app.fetch("/v1/mcp/servers/memory/approve", {});
  const made = await call(app, "memory_create_entities", {
    entities: [{ name: "Ada", entityType: "person", observations: ["likes engines"] }],
  });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  assert.match(JSON.stringify((await call(app, "memory_search_nodes", { query: "engines" })).body), /Ada/);
});

test("a server's progress is in the run's log, and its resources can be read", async () => {
  await using app = await startTestApp({
    toolsAllow: ["all_trigger-long-running-operation", "mcp_list_resources", "mcp_read_resource"],
    mcpServers: [setting({ name: "all", command: process.execPath, args: [EVERYTHING, "stdio"] })],
  });
  await app.fetch("/v1/mcp/servers/all/approve", {});
  const long = await call(app, "all_trigger-long-running-operation", { duration: 2, steps: 4 });
  assert.equal(long.status, 200, JSON.stringify(long.body));
  const events = await app.app.store.read(long.body["runId"] as string, { afterSeq: 0, limit: 100 });
  assert.ok(
    events.some(({ type }) => type === "step.progressed"),
    JSON.stringify(events.map(({ type }) => type)),
  );
  const listed = await call(app, "mcp_list_resources", { server: "all" });
  const uri = /"uri":"([^"]+)"/.exec(JSON.stringify(listed.body))?.[1] ?? "";
  const read = await call(app, "mcp_read_resource", { server: "all", uri });
  assert.match(JSON.stringify(read.body), /contents/);
});

test("a program needs a sandbox with jails unless it is let out by name, and the refusal says so", async () => {
  await using app = await startTestApp();
  await add(app, { name: "caged", command: "/nonexistent", args: [] });
  const refused = await json(await app.fetch("/v1/mcp/servers/caged/test", {}));
  assert.match(JSON.stringify(refused), /isolation: process|sandbox/);
});

test("a Tutti uses another over HTTP, with a token that only a variable holds", async () => {
  await using other = await startTestApp();
  process.env["MCP_SERVERS_TEST_TOKEN"] = other.token;
  await using app = await startTestApp({ toolsAllow: ["other_safe_calc"] });
  await add(app, { name: "other", url: `${other.url}/mcp`, auth: { type: "bearer", tokenEnv: "MCP_SERVERS_TEST_TOKEN" } });
  const approved = await app.fetch("/v1/mcp/servers/other/approve", { tools: ["safe_calc"] });
  assert.match(await approved.text(), /"revision":"2026-07-28"/);
  const { status, body } = await call(app, "other_safe_calc", { expression: "6 * 7" });
  assert.equal(status, 200, JSON.stringify(body));
  assert.match(JSON.stringify(body["output"]), /42/);
  assert.equal((await other.app.store.runs({ workflow: "tutti.tool-call", limit: 10 })).length, 1, "there it is a run too");
  assert.doesNotMatch(await (await app.fetch("/v1/mcp/servers")).text(), new RegExp(other.token));
});

/** A server as the configuration holds it once it is read. */
function setting(given: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}) {
  return {
    env: {},
    ...given,
    envFrom: {},
    isolation: "process" as const,
    mounts: [],
    effects: {},
    isTrusted: false,
    roots: [],
    callTimeoutMs: 60_000,
    connectTimeoutMs: 120_000,
    idleTimeoutMs: 60_000,
    requestsPerSecond: 20,
    startsPerHourMax: 60,
    parallelMax: 4,
  };
}
