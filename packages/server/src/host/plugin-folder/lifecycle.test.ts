import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { entry, manifest, openDesk, saying, type Desk } from "../../testing/plugin-desk.ts";

test("a run keeps the graph of the version it began with, also when Tutti starts again in between", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-data-"));
  const graph = (word: string): string =>
    JSON.stringify({
      name: "demo-graph",
      nodes: { wait: { type: "wait", signal: "go" }, said: { type: "transform", value: word } },
      edges: [{ from: "wait", to: "said" }],
      output: "${ nodes.said.output }",
    });
  const files = (word: string): Readonly<Record<string, string>> => ({
    "tutti.plugin.json": manifest({ entry: undefined, permissions: {}, graphs: ["graph.json"] }),
    "graph.json": graph(word),
  });
  let runId = "";
  {
    await using desk = await openDesk({ dataDir });
    await desk.write("demo", files("old"));
    assert.equal((await desk.enable("demo")).status, 200);
    const { run } = (await (await desk.app.fetch("/v1/runs", { workflow: "demo-graph", input: null })).json()) as {
      readonly run: { readonly id: string };
    };
    runId = run.id;
    await desk.write("demo", files("new"));
    assert.equal((await desk.show("demo")).status, "loaded");
    await rename(join(desk.dir, "demo"), join(dataDir, "demo"));
  }
  await using again = await openDesk({ dataDir });
  await cp(join(dataDir, "demo"), join(again.dir, "demo"), { recursive: true });
  assert.equal((await again.show("demo")).status, "loaded");
  const { engine } = again.app.app;
  await again.app.fetch(`/v1/runs/${runId}/signals/go`, { value: null });
  assert.equal(await engine.result(runId, new AbortController().signal), "old");
  await again[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

test("a file outside of what was granted is refused to a plugin's process", async () => {
  await using desk = await openDesk();
  const granted = await mkdtemp(join(tmpdir(), "tutti-granted-"));
  const reading = `async ({ path }) => (await import("node:fs")).readFileSync(path, "utf8").length > 0`;
  await desk.write("demo", {
    "tutti.plugin.json": manifest({ permissions: { offers: ["say"], memoryMb: 160, paths: [granted] } }),
    "index.ts": entry(reading),
  });
  await cp(new URL(import.meta.url), join(granted, "read.txt"));
  assert.match(await (await desk.enable("demo")).text(), new RegExp(`use the path ${granted}`));
  assert.equal((await desk.call("say", { path: join(granted, "read.txt") })).output, true);
  const refused = await desk.call("say", { path: join(desk.app.dataDir, "tutti.db") });
  assert.match(String(refused.error?.message), /ENOENT|EACCES|ERR_ACCESS_DENIED|restricted/);
  await rm(granted, { recursive: true });
});

test("a skill's folder is loaded again when it changes, and says where its head is wrong", async () => {
  await using desk = await openDesk();
  const skill = (description: string): string => `---\nname: careful\ndescription: ${description}\n---\nBe careful.\n`;
  await desk.write("careful", { "SKILL.md": skill("First.") });
  assert.equal((await desk.enable("careful")).status, 200);
  const read = async (): Promise<string> => String(desk.app.app.registry.skill("careful")?.description);
  assert.equal(await read(), "First.");
  await desk.write("careful", { "SKILL.md": skill("Second.") });
  assert.equal((await desk.show("careful")).status, "loaded");
  assert.equal(await read(), "Second.");
  await desk.write("careful", { "SKILL.md": "---\nname: Careful Writing\n---\n" });
  const broken = await desk.show("careful");
  assert.equal(broken.status, "failed");
  assert.match(String(broken.problem), /SKILL\.md:\d+:\d+/);
  assert.equal(await read(), "Second.");
});

test("what a plugin's call is refused of names the permission that is missing", async () => {
  await using desk = await openDesk();
  const ask = `({ what }) => ({ fetch: () => host.fetch("http://example.com/"), secret: () => host.secret("API_KEY"), tool: () => host.call("echo", {}) })[what]()`;
  await desk.write("demo", { ...saying("one"), "index.ts": entry(`async (input) => (${ask})(input)`) });
  await desk.enable("demo");
  const cases: readonly (readonly [what: string, named: RegExp])[] = [
    ["fetch", /may not reach example\.com.*permissions\.network/],
    ["secret", /may not use API_KEY.*permissions\.secrets/],
    ["tool", /may not use echo.*permissions\.tools/],
  ];
  for (const [what, named] of cases) {
    const { error } = await desk.call("say", { what });
    assert.equal(error?.code, "denied", what);
    assert.match(error.message, named);
  }
});

/** A plugin whose tool waits for an answer from outside: a call of it that has arrived there, and what was asked. */
async function callUnderWay(desk: Desk, ended: string): Promise<{ readonly call: ReturnType<Desk["call"]>; readonly answer: () => void }> {
  const gate = createServer().listen(0, "127.0.0.1");
  await once(gate, "listening");
  const host = `127.0.0.1:${(gate.address() as AddressInfo).port}`;
  await desk.write("demo", {
    "tutti.plugin.json": manifest({ permissions: { offers: ["say"], memoryMb: 160, network: [host] } }),
    "index.ts": entry(`async () => { await host.fetch("http://${host}/"); return "${ended}"; }`),
  });
  assert.equal((await desk.enable("demo")).status, 200);
  const arrived = once(gate, "request");
  const call = desk.call("say");
  const [, response] = (await arrived) as [unknown, ServerResponse];
  gate.close();
  return { call, answer: () => void response.end("go") };
}

/** Resolves when an event of plugins has been published. */
function happened({ app }: Desk, type: string): Promise<void> {
  return new Promise((resolve) => {
    const listening = app.app.engine.subscribe((event) => {
      if (!JSON.stringify(event).includes(`"${type}"`)) return;
      listening[Symbol.dispose]();
      resolve();
    });
  });
}

for (const [how, method, path] of [
  ["disabled", "POST", "/v1/plugins/demo/disable"],
  ["removed", "DELETE", "/v1/plugins/demo"],
] as const)
  test(`a plugin that is ${how} while a call runs: the call may finish, and the next one finds nothing`, async () => {
    await using desk = await openDesk();
    const { call, answer } = await callUnderWay(desk, "ended");
    const unloaded = happened(desk, "plugin.unloaded");
    const { url, token } = desk.app;
    const gone = fetch(new URL(path, url), { method, headers: { authorization: `Bearer ${token}` } });
    await unloaded;
    assert.equal((await desk.call("say")).error?.code, "not_found");
    answer();
    assert.equal((await call).output, "ended");
    assert.equal((await gone).status, 200);
  });

test("a plugin that is loaded again while a call runs: the call ends in the version it began with", async () => {
  await using desk = await openDesk();
  const { call, answer } = await callUnderWay(desk, "old");
  await desk.write("demo", saying("new"));
  assert.equal((await desk.show("demo")).status, "loaded");
  assert.equal((await desk.call("say")).output, "new");
  answer();
  assert.equal((await call).output, "old");
});

test("a call that does not end is given up a few seconds after its plugin was disabled, and says that the tool is gone", async () => {
  await using desk = await openDesk();
  const { call } = await callUnderWay(desk, "never");
  assert.equal((await desk.app.fetch("/v1/plugins/demo/disable", {})).status, 200);
  assert.equal((await call).error?.code, "not_found");
});
