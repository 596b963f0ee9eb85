import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AgentSpec, Model, ModelRequest, Plugin } from "@tutti/core";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

const EVERYTHING = fileURLToPath(new URL("../../node_modules/@modelcontextprotocol/server-everything/dist/index.js", import.meta.url));
const STATIC = "demo://resource/static/document";

/** An agent that reads these before it answers, and what its model was asked. */
function reader(resources: AgentSpec["resources"]): Plugin & { readonly asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "script",
    async *generate(request) {
      const isAfterTool = request.messages.at(-1)?.role === "tool";
      asked.push(structuredClone(request));
      if (asked.length === 1 || isAfterTool) yield { type: "text", text: "read" };
      else yield { type: "call", call: { id: "c1", name: "note_down", input: {} } };
      const usage = { inputTokens: 1, outputTokens: 1 };
      yield { type: "finish", reason: asked.length === 1 || isAfterTool ? "stop" : "tool_calls", usage };
    },
  };
  const spec: AgentSpec = {
    name: "reader",
    version: "1",
    description: "Reads.",
    instructions: "You read.",
    model: "script",
    tools: ["note_down"],
    ...(resources !== undefined && { resources }),
    routes: [],
    limits: { stepsMax: 4, historyMessagesMax: 10 },
  };
  const tool = {
    name: "note_down",
    description: "Writes something down.",
    effect: "write",
    parameters: { type: "object" },
    run: () => Promise.resolve("done"),
  } as const;
  return { name: "reading", version: "1", agents: [spec], models: [model], tools: [tool], asked } as Plugin & { asked: ModelRequest[] };
}

async function open(plugin: Plugin, toolsAllow: readonly string[]): Promise<TestApp> {
  const app = await startTestApp({ inlinePlugins: [plugin], toolsAllow, taintPolicy: "deny" });
  const setting = { name: "all", command: process.execPath, args: [EVERYTHING, "stdio"], isolation: "process", connectTimeoutMs: 120_000 };
  assert.equal((await app.fetch("/v1/mcp/servers", setting)).status, 201);
  return app;
}

async function ask(app: TestApp): Promise<{ readonly status: string; readonly types: readonly string[]; readonly text: string }> {
  const principal = { id: "tester", tenant: "default", roles: ["owner"] };
  const started = await app.app.engine.start("reader", { message: "hello" }, { principal });
  await app.app.engine.result(started.runId, AbortSignal.timeout(120_000)).catch(() => undefined);
  const events = await app.app.store.read(started.runId, { afterSeq: 0, limit: 200 });
  const types = events.map(({ type }) => type);
  return { status: types.at(-1) ?? "", types, text: JSON.stringify(events) };
}

const contents = (request: ModelRequest | undefined): readonly string[] => (request?.messages ?? []).map(({ content }) => content);

test("an agent is given resources of a server to read, cut to their size and marked as data, and they are in the run's log", async () => {
  const plugin = reader([
    { server: "all", uri: `${STATIC}/architecture.md`, charactersMax: 300 },
    { server: "all", uri: `${STATIC}/{name}.md`, charactersMax: 200 },
  ]);
  await using app = await open(plugin, ["mcp_read_resource", "mcp_list_resources", "note_down"]);
  const { status, text } = await ask(app);
  assert.equal(status, "run.completed", text.slice(-2_000));
  const [system = "", first = "", ...others] = contents(plugin.asked[0]);
  assert.match(system, /data/);
  assert.match(first, /The resource demo:\/\/resource\/static\/document\/architecture\.md of all/);
  assert.match(first, /cut, \d{3,} characters/);
  assert.ok(first.length < 1_000, String(first.length));
  assert.ok(others.length > 3, "a template stands for all that fit");
  assert.equal(others.at(-1), "hello");
  assert.match(text, /"mcp_read_resource"/);
  assert.match(text, /tool\.call/);
});

test("what an agent was given to read taints its run", async () => {
  const plugin = reader([{ server: "all", uri: `${STATIC}/architecture.md` }]);
  await using app = await open(plugin, ["mcp_read_resource", "note_down"]);
  await ask(app);
  plugin.asked.length = 1;
  await ask(app);
  assert.match(contents(plugin.asked.at(-1)).at(-1) ?? "", /has read untrusted content from .*mcp_read_resource/);
});

test("what cannot be read is told to the model in its place, and a server that is not there ends the run with what to do", async () => {
  const plugin = reader([
    { server: "all", uri: "demo://nothing/here" },
    { server: "all", uri: `${STATIC}/architecture.md` },
  ]);
  await using app = await open(plugin, []);
  assert.equal((await ask(app)).status, "run.completed");
  assert.match(contents(plugin.asked[0])[1] ?? "", /demo:\/\/nothing\/here.*could not be read/s);
  const lost = reader([{ server: "nowhere", uri: "demo://a" }]);
  await using other = await open(lost, []);
  const { status, text } = await ask(other);
  assert.equal(status, "run.failed");
  assert.match(text, /MCP server nowhere, which is not there; add it with `tutti mcp add`/);
  assert.equal(lost.asked.length, 0);
});
