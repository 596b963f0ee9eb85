import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Json, Plugin } from "@tutti/core";
import type { GraphReading } from "@tutti/core/graph";
import fc from "fast-check";
import { startTestApp, type TestApp } from "../../testing.ts";
import { counting, isAt, OWNER, result, signal, start, until } from "../../testing/graph-runs.ts";
import { graphWorkflow, requireGraph } from "./index.ts";

describe("a running graph", () => {
  const text = `
nodes: { first: { type: transform, value: 1 }, gate: { type: wait, signal: go }, old: { type: transform, value: old } }
edges: [ { from: first, to: gate }, { from: gate, to: old } ]
`;
  const amend = async (
    app: TestApp,
    runId: string,
    { id, changes }: { readonly id: string; readonly changes: Json },
  ): Promise<GraphReading> => {
    await signal(app, runId, { name: "tutti.graph.amend", value: { id, changes } });
    return until(app, runId, ({ amendments }) => amendments.some((amendment) => amendment.id === id));
  };

  test("takes nodes that are added, removed and rewired, and goes the new way", async () => {
    await using app = await startTestApp();
    const runId = await start(app, text);
    await until(app, runId, isAt("gate", "waiting"));
    const { graph } = await amend(app, runId, {
      id: "1",
      changes: [
        { do: "remove", id: "old" },
        { do: "add", id: "left", node: { type: "transform", value: "left of ${ nodes.first.output }" } },
        { do: "add", id: "right", node: { type: "tool", tool: "safe_calc", input: { expression: "1 + 1" } } },
        { do: "add", id: "now", node: { type: "transform", value: "at once" } },
        { do: "connect", edge: { from: "gate", to: "left" } },
        { do: "connect", edge: { from: "gate", to: "right" } },
        { do: "connect", edge: { from: "first", to: "now" } },
      ],
    });
    assert.deepEqual(Object.keys(graph.nodes).toSorted(), ["first", "gate", "left", "now", "right"]);
    await until(app, runId, isAt("now", "completed"));
    await amend(app, runId, {
      id: "2",
      changes: [
        { do: "add", id: "end", node: { type: "transform", value: "${ nodes.left.output }, ${ nodes.right.output.result }" } },
        { do: "connect", edge: { from: "left", to: "end" } },
        { do: "connect", edge: { from: "right", to: "end" } },
        { do: "output", output: "${ nodes.end.output }; ${ nodes.now.output }" },
      ],
    });
    await signal(app, runId, { name: "go" });
    assert.equal(await result(app, runId), "left of 1, 2; at once");
    assert.deepEqual(await app.app.engine.replay(runId).then(({ matches }) => matches), true);
  });

  test("refuses what would touch the past or make no sense, says why, and goes on unchanged", async () => {
    await using app = await startTestApp();
    const runId = await start(app, text);
    await until(app, runId, isAt("gate", "waiting"));
    const { amendments } = await amend(app, runId, { id: "1", changes: [{ do: "remove", id: "first" }] });
    assert.match(JSON.stringify(amendments[0]?.data), /first has begun and cannot be taken out any more/);
    await amend(app, runId, { id: "2", changes: [{ do: "connect", edge: { from: "old", to: "old" } }] });
    const after = await amend(app, runId, { id: "3", changes: [{ do: "ad" }] });
    assert.deepEqual(
      after.amendments.map(({ isAccepted }) => isAccepted),
      [false, false, false],
    );
    await signal(app, runId, { name: "go" });
    assert.equal(await result(app, runId), "old");
    assert.deepEqual(await app.app.engine.replay(runId).then(({ matches }) => matches), true);
  });

  test("keeps its amendments when Tutti stops and starts again", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-graph-"));
    let runId = "";
    {
      await using app = await startTestApp({ dataDir: folder.path });
      runId = await start(app, text);
      await until(app, runId, isAt("gate", "waiting"));
      await amend(app, runId, {
        id: "1",
        changes: [
          { do: "add", id: "new", node: { type: "transform", value: "new" } },
          { do: "connect", edge: { from: "gate", to: "new" } },
        ],
      });
    }
    await using app = await startTestApp({ dataDir: folder.path });
    await amend(app, runId, { id: "2", changes: [{ do: "remove", id: "old" }] });
    await signal(app, runId, { name: "go" });
    assert.equal(await result(app, runId), "new");
    assert.deepEqual(await app.app.engine.replay(runId).then(({ matches }) => matches), true);
  });

  test("that is installed under a name keeps to the graph it began with", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-graph-"));
    const plugin = (value: string): Plugin => ({
      name: "mine",
      workflows: [
        graphWorkflow(
          requireGraph(
            `name: mine\nnodes: { wait: { type: wait, signal: go }, end: { type: transform, value: ${value} } }\nedges: [ { from: wait, to: end } ]`,
            "mine.yaml",
          ),
          { findModel: () => undefined },
        ),
      ],
    });
    let runId = "";
    {
      await using app = await startTestApp({ dataDir: folder.path, inlinePlugins: [plugin("before")] });
      ({ runId } = await app.app.engine.start("mine", {}, { principal: OWNER }));
      await until(app, runId, isAt("wait", "waiting"));
    }
    await using app = await startTestApp({ dataDir: folder.path, inlinePlugins: [plugin("after")] });
    await signal(app, runId, { name: "go" });
    assert.equal(await result(app, runId), "before");
  });
});

test("any changes at any moment are taken or refused, the run ends, no node runs twice, and a replay does the same", async () => {
  const calls: string[] = [];
  await using app = await startTestApp({ inlinePlugins: [counting(calls)] });
  const ids = Array.from("abcdef");
  const id = fc.constantFrom(...ids);
  const count = (name: string): Json => ({ type: "tool", tool: "count", input: { id: name } });
  const change = fc.oneof(
    id.map((name): Json => ({ do: "add", id: name, node: count(name) })),
    id.map((name): Json => ({ do: "remove", id: name })),
    id.map((name): Json => ({ do: "replace", id: name, node: { ...(count(name) as object), title: "again" } })),
    fc.tuple(id, id).map(([from, to]): Json => ({ do: "connect", edge: { from, to } })),
    fc.tuple(fc.constantFrom("gate", ...ids), id).map(([from, to]): Json => ({ do: "disconnect", from, to })),
  );
  const amendments = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(amendments, fc.nat(4), async (all, opensAfter) => {
      calls.length = 0;
      const runId = await start(
        app,
        `nodes: { gate: { type: wait, signal: go }, a: ${JSON.stringify(count("a"))}, b: ${JSON.stringify(count("b"))}, c: ${JSON.stringify(count("c"))}, keep: { type: wait, signal: end } }
edges: [{ from: gate, to: a }, { from: a, to: b }, { from: gate, to: c }]`,
      );
      for (const [index, changes] of all.entries()) {
        if (index === opensAfter) await signal(app, runId, { name: "go" });
        await signal(app, runId, { name: "tutti.graph.amend", value: { id: String(index), changes } });
        await until(app, runId, ({ amendments: told }) => told.some((amendment) => amendment.id === String(index)));
      }
      for (const name of ["go", "end"]) await signal(app, runId, { name });
      await result(app, runId);
      assert.equal(new Set(calls).size, calls.length, calls.join());
      assert.deepEqual(await app.app.engine.replay(runId).then(({ matches }) => matches), true);
      const { nodes } = await until(app, runId, () => true);
      assert.deepEqual(
        nodes
          .filter(({ path, status }) => status === "completed" && ids.includes(path))
          .map(({ path }) => path)
          .toSorted(),
        calls.toSorted(),
      );
    }),
    { numRuns: 30 },
  );
});
