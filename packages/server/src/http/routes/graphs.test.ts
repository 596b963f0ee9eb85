import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Json, RunRecord } from "@tutti/core";
import type { GraphReading } from "@tutti/core/graph";
import { startTestApp, type TestApp } from "../../testing.ts";
import { isAt, signal, until } from "../../testing/graph-runs.ts";

const GATED = `name: gated
nodes:
  first: { type: transform, value: 1 }
  gate: { type: wait, signal: go }
  old: { type: transform, value: old }
edges:
  - { from: first, to: gate }
  - { from: gate, to: old }
`;

interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
  readonly problems: readonly { readonly line: number; readonly column: number; readonly message: string }[];
}

async function sent<T>(app: TestApp, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }> {
  const response = await app.fetch(path, body);
  return { status: response.status, body: (await response.json()) as T };
}

async function started(app: TestApp): Promise<string> {
  const { status, body } = await sent<{ readonly run: RunRecord; readonly url: string }>(app, "/v1/graphs/runs", { text: GATED });
  assert.equal(status, 201);
  assert.equal(body.url, `${app.url}/v1/runs/${body.run.id}`);
  await until(app, body.run.id, isAt("gate", "waiting"));
  return body.run.id;
}

describe("graphs over HTTP", () => {
  test("are checked against what is installed, with every problem at its place", async () => {
    await using app = await startTestApp();
    const { body } = await sent<{ readonly ok: boolean; readonly problems: Refusal["problems"] }>(app, "/v1/graphs/check", {
      text: "name: g\nnodes:\n  a: { type: tool, tool: safe_cal, input: {} }\n  b: { type: agent, agent: holi, input: {} }\n",
    });
    assert.deepEqual(
      [body.ok, ...body.problems.map(({ line, column, message }) => [line, column, message.split("; ")[1]])],
      [false, [3, 26, 'did you mean "safe_calc"?'], [4, 28, 'did you mean "holly"?']],
    );
    assert.equal((await sent<{ readonly ok: boolean }>(app, "/v1/graphs/check", { text: GATED })).body.ok, true);
  });

  test("are refused with their problems instead of run", async () => {
    await using app = await startTestApp();
    const { status, body } = await sent<Refusal>(app, "/v1/graphs/runs", { text: GATED.replace("to: old", "to: odl"), name: "gated.yaml" });
    assert.equal(status, 400);
    assert.equal(body.error.message, 'gated.yaml:8:23: wanted a node, got "odl", which is none; did you mean "old"?');
    assert.equal((await sent<Refusal>(app, "/v1/graphs/runs", { text: "name: [" })).status, 400);
    assert.equal((await sent<Refusal>(app, "/v1/graphs/runs", {})).status, 400);
    assert.deepEqual(await app.app.store.runs({ limit: 10 }), []);
  });

  test("whose patterns make other engines endless are answered at once, for their input and for what they wait for", async () => {
    await using app = await startTestApp();
    const pattern = "^(a+)+$";
    const graph = {
      name: "endless",
      input: { type: "object", properties: { code: { type: "string", pattern }, size: { type: "integer", default: 3 } } },
      nodes: { gate: { type: "wait", signal: "go", schema: { type: "string", pattern } } },
    };
    const bad = `${"a".repeat(45)}!`;
    const refused = await sent<Refusal>(app, "/v1/graphs/runs", { text: JSON.stringify(graph), input: { code: bad } });
    assert.equal(refused.status, 400);
    assert.match(refused.body.error.message, /code: /);
    const run = await sent<{ readonly run: RunRecord }>(app, "/v1/graphs/runs", { text: JSON.stringify(graph), input: { code: "aaa" } });
    assert.equal(run.status, 201);
    const { id } = run.body.run;
    await until(app, id, isAt("gate", "waiting"));
    await signal(app, id, { name: "go", value: bad });
    await signal(app, id, { name: "go", value: "aa" });
    await app.app.engine.result(id, AbortSignal.timeout(120_000));
    const log = JSON.stringify(await app.app.store.read(id, { afterSeq: 0, limit: 100 }));
    assert.ok(log.includes("tutti.graph.value-refused"));
    assert.equal((await sent<Json>(app, `/v1/runs/${id}/replay`, {})).status, 200);
  });

  test("run, and show where each node stands", async () => {
    await using app = await startTestApp();
    const id = await started(app);
    const { body } = await sent<GraphReading & { readonly run: RunRecord }>(app, `/v1/runs/${id}/graph`);
    assert.equal(body.graph.name, "gated");
    assert.deepEqual(body.nodes.map(({ path, status }) => `${path} ${status}`).toSorted(), [
      "first completed",
      "gate waiting",
      "old pending",
    ]);
    // Listening for amendments is no waiting: the run waits for its gate only.
    const { waitingFor } = (await sent<{ readonly waitingFor: readonly { readonly name: string }[] }>(app, `/v1/runs/${id}`)).body;
    assert.deepEqual(
      waitingFor.map(({ name }) => name),
      ["go"],
    );
  });

  test("are amended while they run, by a whole graph or by changes", async () => {
    await using app = await startTestApp();
    const id = await started(app);
    const whole = GATED.replace("  old: {", "  new: { type: transform, value: new }\n  old: {").replace(
      "to: gate }",
      "to: gate }\n  - { from: gate, to: new }",
    );
    const first = await sent<Json>(app, `/v1/runs/${id}/graph`, { text: whole });
    assert.deepEqual(
      [first.status, first.body],
      [
        200,
        { ...(first.body as object), added: ["new"], removed: [], replaced: [], connected: ["gate → new"], disconnected: [], fields: [] },
      ],
    );
    const second = await sent<Json>(app, `/v1/runs/${id}/graph`, {
      text: "changes:\n  - { do: remove, id: old }\n  - { do: output, output: '${ nodes.new.output }' }\n",
    });
    assert.equal(second.status, 200);
    assert.partialDeepStrictEqual(second.body, { removed: ["old"], fields: ["output"] });
    await signal(app, id, { name: "go" });
    assert.equal(await app.app.engine.result(id, AbortSignal.timeout(120_000)), "new");
  });

  test("refuse an amendment that would touch the past, with the reason at its place, and go on", async () => {
    await using app = await startTestApp();
    const id = await started(app);
    const past = await sent<Refusal>(app, `/v1/runs/${id}/graph`, { text: GATED.replace("value: 1", "value: 2"), name: "gated.yaml" });
    assert.equal(past.status, 409);
    assert.equal(
      past.body.error.message,
      "gated.yaml:3:10: first has begun and cannot change any more; put it back, and add a node after it",
    );
    const changes = await sent<Refusal>(app, `/v1/runs/${id}/graph`, {
      text: "changes:\n  - { do: add, id: x, node: { type: transform, value: 1 } }\n  - { do: remove, id: odl }\n",
      name: "c",
    });
    assert.deepEqual(
      [changes.status, changes.body.error.message],
      [409, 'c:3:23: wanted a node of the run, got "odl", which is none; did you mean "old"?'],
    );
    const unknown = await sent<Refusal>(app, `/v1/runs/${id}/graph`, {
      changes: [{ do: "add", id: "x", node: { type: "tool", tool: "safe_cal" } }],
    });
    assert.deepEqual(
      [unknown.status, unknown.body.error.message],
      [400, '0.node.tool: wanted a tool that is installed, got "safe_cal", which is none; did you mean "safe_calc"?'],
    );
    await signal(app, id, { name: "go" });
    assert.equal(await app.app.engine.result(id, AbortSignal.timeout(120_000)), "old");
    assert.equal((await sent<Refusal>(app, `/v1/runs/${id}/graph`, { text: GATED })).status, 409);
  });

  test("a run that is no graph's says so", async () => {
    await using app = await startTestApp();
    const { runId } = (await sent<{ readonly runId: string }>(app, "/v1/tools/execute", { tool: "echo", input: { text: "hi" } })).body;
    assert.equal((await sent<Refusal>(app, `/v1/runs/${runId}/graph`)).body.error.code, "conflict");
  });

  test("the format is there as JSON Schema", async () => {
    await using app = await startTestApp();
    assert.equal((await sent<{ readonly title: string }>(app, "/v1/graphs/schema")).body.title, "Tutti graph");
  });
});
