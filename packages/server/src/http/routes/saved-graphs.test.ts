import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { AppError } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

const graph = (value: string, more = ""): string => `
name: greet
version: "1"
input:
  type: object
  required: [who]
  properties: { who: { type: string } }
nodes:
  hello: { type: transform, value: "${value} \${ input.who }" }
${more}`;

const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

async function open(
  options: { readonly dataDir?: string } = {},
): Promise<{ readonly app: TestApp; readonly client: Client } & AsyncDisposable> {
  const app = await startTestApp(options);
  const client = createClient({ baseUrl: app.url, token: app.token });
  return { app, client, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

async function outputOf(client: Client, runId: string): Promise<unknown> {
  for await (const _ of client.watchRun({ runId, afterSeq: 0 })) continue;
  return (await client.run(runId)).output;
}

describe("saved graphs", () => {
  test("each save is a version that never changes, and says who, when and why", async () => {
    await using world = await open();
    const { client } = world;
    assert.deepEqual(await client.savedGraphs(), []);
    const first = await client.saveGraph("greet", { text: graph("Hello"), message: "a beginning" });
    assert.ok(first.ok && first.isNew);
    const same = await client.saveGraph("greet", { text: graph("Hello") });
    assert.ok(same.ok && !same.isNew && same.saved.version === 1);
    const second = await client.saveGraph("greet", { text: graph("Hi"), message: "shorter", ifVersion: 1 });
    assert.ok(second.ok);
    const versions = await client.graphVersions("greet");
    assert.deepEqual(
      versions.map(({ version, message, by }) => [version, message, by]),
      [
        [2, "shorter", "owner"],
        [1, "a beginning", "owner"],
      ],
    );
    assert.match(versions[0]?.hash ?? "", /^[0-9a-f]{64}$/);
    assert.equal((await client.savedGraph("greet", 1)).text, graph("Hello"));
    assert.deepEqual(
      (await client.savedGraphs()).map(({ name, version }) => [name, version]),
      [["greet", 2]],
    );
    await assert.rejects(client.saveGraph("greet", { text: graph("Late"), ifVersion: 1 }), codeOf("conflict"));
    await assert.rejects(client.savedGraph("greet", 9), codeOf("not_found"));
  });

  test("of two who save at once on the same version, one is told", async () => {
    await using world = await open();
    const { client } = world;
    await client.saveGraph("greet", { text: graph("Hello") });
    const saves = await Promise.allSettled(["A", "B", "C"].map((text) => client.saveGraph("greet", { text: graph(text), ifVersion: 1 })));
    assert.equal(saves.filter(({ status }) => status === "fulfilled").length, 1);
    for (const save of saves) if (save.status === "rejected") assert.ok(codeOf("conflict")(save.reason));
    assert.equal((await client.graphVersions("greet")).length, 2);
  });

  test("a graph that is not right is not saved, and every problem has its place", async () => {
    await using world = await open();
    const { client } = world;
    const wrong = await client.saveGraph("greet", { text: graph("Hello", "edges:\n  - { from: hello, to: nowhere }\n") });
    assert.ok(!wrong.ok);
    assert.match(wrong.problems[0]?.message ?? "", /nowhere/);
    assert.ok((wrong.problems[0]?.line ?? 0) > 1);
    const drawn = await client.saveGraph("greet", { graph: { name: "greet", version: "1", nodes: {}, edges: [] } });
    assert.ok(!drawn.ok && Array.isArray(drawn.problems[0]?.path));
    assert.deepEqual(await client.savedGraphs(), []);
    await assert.rejects(client.saveGraph("other", { text: graph("Hello") }), codeOf("invalid_input"));
    for (const name of ["schema", "tutti.x", "a/b", ".."])
      await assert.rejects(client.saveGraph(name, { text: graph("x") }), AppError, name);
    await assert.rejects(client.saveGraph("holly", { text: graph("x").replace("greet", "holly") }), codeOf("conflict"));
  });

  test("two versions are told apart by nodes, edges and fields", async () => {
    await using world = await open();
    const { client } = world;
    await client.saveGraph("greet", { text: graph("Hello") });
    const more = `  bye: { type: transform, value: "Bye" }\nedges:\n  - { from: hello, to: bye }\ndescription: polite\n`;
    await client.saveGraph("greet", { text: graph("Hi", more) });
    const { added, removed, replaced, connected, fields, nodes } = await client.graphDifference("greet", { from: 1, to: 2 });
    assert.deepEqual([added, removed, replaced, connected.length, fields], [["bye"], [], ["hello"], 1, ["description"]]);
    assert.deepEqual(nodes["bye"], { before: null, after: { type: "transform", value: "Bye" } });
  });

  test("a saved graph is a workflow that is started by name, newest or older, also after a restart", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-saved-"));
    {
      await using world = await open({ dataDir });
      const { client } = world;
      await client.saveGraph("greet", { text: graph("Hello") });
      await client.saveGraph("greet", { text: graph("Hi") });
      const { run } = await client.startSavedGraph("greet", { input: { who: "Ada" } });
      assert.deepEqual([run.workflow, await outputOf(client, run.id)], ["greet", "Hi Ada"]);
      assert.equal((await client.graphOf(run.id)).graph.name, "greet");
    }
    {
      await using world = await open({ dataDir });
      const { client } = world;
      const greet = (await client.workflows()).find(({ name }) => name === "greet");
      assert.deepEqual([greet?.kind, greet?.source, greet?.version], ["graph", "graph", "1+2"]);
      assert.deepEqual(greet?.inputSchema, { type: "object", required: ["who"], properties: { who: { type: "string" } } });
      const { run: old } = await client.startSavedGraph("greet", { input: { who: "Ada" }, version: 1 });
      assert.equal(await outputOf(client, old.id), "Hello Ada");
      const { run: newest } = await client.startRun({ workflow: "greet", input: { who: "Bob" } });
      assert.equal(await outputOf(client, newest.id), "Hi Bob");
      assert.equal((await client.replayRun(old.id)).matches, true);
      await assert.rejects(client.startSavedGraph("greet", { input: {} }), codeOf("invalid_input"));
    }
    await rm(dataDir, { recursive: true });
  });

  test("a name that was given up starts nothing, is free, and its versions count on", async () => {
    await using world = await open();
    const { client } = world;
    await client.saveGraph("greet", { text: graph("Hello") });
    await assert.rejects(client.deleteGraph("greet", { ifVersion: 7 }), codeOf("conflict"));
    await client.deleteGraph("greet", { ifVersion: 1 });
    assert.deepEqual(await client.savedGraphs(), []);
    await assert.rejects(client.savedGraph("greet"), codeOf("not_found"));
    await assert.rejects(client.startRun({ workflow: "greet", input: { who: "x" } }), codeOf("not_found"));
    const again = await client.saveGraph("greet", { text: graph("Back"), ifVersion: 0 });
    assert.ok(again.ok && again.saved.version === 3);
    const prune = await client.prune({ days: 0, dry: false });
    assert.ok(prune.runs >= 0);
    assert.equal((await client.graphVersions("greet")).length, 2);
  });
});
