import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { Json } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";
import { counting, isAt, result, run, signal, start, statuses, until } from "../../testing/graph-runs.ts";
import { graphWorkflow, readGraph, requireGraph } from "./index.ts";

const GUIDE = readFileSync(new URL("../../../../../docs/graphs.md", import.meta.url), "utf8");

/** What a graph gives, or how it fails. */
type Ends = { readonly output: Json; readonly input?: Json } | { readonly fails: string; readonly input?: Json };

interface Case {
  readonly text: string;
  readonly ends: Ends;
  /** What happens outside while it runs. */
  readonly meanwhile?: (app: TestApp, runId: string) => Promise<void>;
}

async function publish(app: TestApp, type: string, data: Json): Promise<void> {
  const response = await app.fetch("/v1/events", { type, data });
  assert.ok(response.ok, await response.text());
}

/** Each construct of the Serverless Workflow DSL that docs/graphs.md marks as covered, by its name there. */
const CASES: Readonly<Record<string, Case>> = {
  "`do`": {
    text: 'nodes: { a: { type: transform, value: 1 }, b: { type: transform, value: "${ nodes.a.output + 1 }" } }\nedges: [{ from: a, to: b }]',
    ends: { output: 2 },
  },
  "`call` a function": {
    text: "nodes: { a: { type: tool, tool: safe_calc, input: { expression: 6 * 7 } } }\noutput: '${ nodes.a.output.result }'",
    ends: { output: "42" },
  },
  "`run: workflow`": {
    text: "nodes: { a: { type: workflow, workflow: child, input: { id: x } } }\noutput: '${ nodes.a.output.id }'",
    ends: { output: "x" },
  },
  "`fork`": {
    text: "nodes: { a: { type: transform, value: 1 }, b: { type: transform, value: 2 }, c: { type: transform, join: all, value: '${ [nodes.a.output, nodes.b.output] }' } }\nedges: [{ from: a, to: c }, { from: b, to: c }]",
    ends: { output: [1, 2] },
  },
  "`fork.compete`": {
    text: "nodes: { a: { type: wait, ms: 1 }, b: { type: wait, signal: never }, c: { type: transform, join: any, value: '${ nodes.b.status }' } }\nedges: [{ from: a, to: c }, { from: b, to: c }]",
    ends: { output: "cancelled" },
  },
  "`for`": {
    text: "nodes: { each: { type: map, items: '${ input.list }', do: { nodes: { a: { type: transform, value: '${ string(index) + item }' } } } } }",
    ends: { input: { list: ["a", "b"] }, output: ["0a", "1b"] },
  },
  "`for.while`": {
    text: "nodes: { l: { type: loop, while: '${ iteration == 0 || last < 5 }', timesMax: 10, do: { nodes: { a: { type: transform, value: '${ iteration * 2 }' } } } } }",
    ends: { output: 6 },
  },
  "`switch`": {
    text: "nodes: { s: { type: condition, cases: [{ case: low, when: '${ input.n < 3 }' }] }, a: { type: transform, value: low }, b: { type: transform, value: other } }\nedges: [{ from: s, to: a, case: low }, { from: s, to: b, case: otherwise }]",
    ends: { input: { n: 7 }, output: { b: "other" } },
  },
  "`set`": {
    text: "nodes: { a: { type: transform, value: { x: '${ input.n }', text: 'n is ${ input.n }' } } }",
    ends: { input: { n: 1 }, output: { x: 1, text: "n is 1" } },
  },
  "`emit`": { text: "nodes: { a: { type: emit, event: com.example.made, data: { n: 1 } } }", ends: { output: { n: 1 } } },
  "`listen.to.one`": {
    text: "nodes: { a: { type: wait, event: com.example.paid, when: '${ value.data.amount > 10 }' } }\noutput: '${ nodes.a.output.data.amount }'",
    ends: { output: 11 },
    meanwhile: async (app, runId) => {
      const first = await until(app, runId, isAt("a", "waiting"));
      await publish(app, "com.example.paid", { amount: 5 });
      await until(
        app,
        runId,
        ({ nodes }) => nodes[0]?.waitingFor !== undefined && nodes[0].waitingFor.key !== first.nodes[0]?.waitingFor?.key,
      );
      await publish(app, "com.example.paid", { amount: 11 });
    },
  },
  "`listen.to.any`": {
    text: "nodes: { a: { type: wait, event: com.example.a }, b: { type: wait, event: com.example.b }, c: { type: transform, join: any, value: '${ nodes.a.status }' } }\nedges: [{ from: a, to: c }, { from: b, to: c }]",
    ends: { output: "cancelled" },
    meanwhile: async (app, runId) => {
      await until(app, runId, isAt("b", "waiting"));
      await publish(app, "com.example.b", null);
    },
  },
  "`listen.to.all`": {
    text: "nodes: { a: { type: wait, signal: a }, b: { type: wait, signal: b }, c: { type: transform, join: all, value: '${ nodes.a.output + nodes.b.output }' } }\nedges: [{ from: a, to: c }, { from: b, to: c }]",
    ends: { output: 3 },
    meanwhile: async (app, runId) => {
      await signal(app, runId, { name: "b", value: 2 });
      await signal(app, runId, { name: "a", value: 1 });
    },
  },
  "`listen.until`": {
    text: "nodes: { l: { type: loop, while: '${ iteration == 0 || last != 9 }', timesMax: 5, do: { nodes: { a: { type: wait, signal: n } } } } }",
    ends: { output: 9 },
    meanwhile: async (app, runId) => {
      for (const value of [1, 9]) await signal(app, runId, { name: "n", value });
    },
  },
  "`raise`": {
    text: "nodes: { a: { type: fail, code: denied, message: 'not for ${ input.who }' } }",
    ends: { input: { who: "Eve" }, fails: "denied" },
  },
  "`try`, `catch.errors`": {
    text: "nodes: { a: { type: fail, code: denied, message: no }, b: { type: transform, value: wrong }, c: { type: transform, value: caught } }\nedges: [{ from: a, to: b, on: error, codes: [timeout] }, { from: a, to: c, on: error, codes: [denied] }]",
    ends: { output: { c: "caught" } },
  },
  "`catch.when`": {
    text: "nodes: { a: { type: fail, code: denied, message: no }, c: { type: transform, value: caught } }\nedges: [{ from: a, to: c, on: error, when: '${ error.message == \"no\" }' }]",
    ends: { output: "caught" },
  },
  "`catch.as`": {
    text: "nodes: { a: { type: fail, code: denied, message: no }, c: { type: transform, value: '${ nodes.a.error.code }' } }\nedges: [{ from: a, to: c, on: error }]",
    ends: { output: "denied" },
  },
  "`try` over several tasks": {
    text: "nodes: { g: { type: group, do: { nodes: { a: { type: transform, value: 1 }, b: { type: fail, message: no } }, edges: [{ from: a, to: b }] } }, c: { type: transform, value: '${ nodes.g.error.message }' } }\nedges: [{ from: g, to: c, on: error }]",
    ends: { output: "no" },
  },
  "`retry`": {
    text: "nodes: { a: { type: tool, tool: count, input: { id: a, fails: 2 }, retry: { attemptsMax: 3, delayMs: 1, delayMaxMs: 2 } } }\noutput: '${ nodes.a.output.done }'",
    ends: { output: 2 },
  },
  "`wait`": {
    text: "nodes: { a: { type: wait, ms: '${ duration(\"1ms\") }' }, b: { type: transform, value: waited } }\nedges: [{ from: a, to: b }]",
    ends: { output: "waited" },
  },
  "`if`": {
    text: "nodes: { a: { type: transform, value: 1 }, b: { type: transform, value: 2 }, c: { type: transform, value: '${ nodes.b.status }' } }\nedges: [{ from: a, to: b, when: '${ output > 1 }' }, { from: a, to: c }, { from: b, to: c }]",
    ends: { output: "skipped" },
  },
  "`input.schema`": {
    text: "input: { type: object, properties: { n: { type: number } }, required: [n] }\nnodes: { a: { type: transform, value: 1 } }",
    ends: { input: { n: "x" }, fails: "invalid_input" },
  },
  "`output.as`": {
    text: "nodes: { a: { type: transform, value: { x: 1, y: 2 } } }\noutput: { only: '${ nodes.a.output.x }' }",
    ends: { output: { only: 1 } },
  },
  "`export.as`": {
    text: "nodes: { a: { type: transform, value: 1 }, b: { type: transform, value: 2 }, c: { type: transform, value: '${ nodes.a.output }' } }\nedges: [{ from: a, to: b }, { from: b, to: c }]",
    ends: { output: 1 },
  },
  "`timeout` of a task": { text: "nodes: { a: { type: wait, signal: never, timeoutMs: 3 } }", ends: { fails: "timeout" } },
  "`use` (reusable parts)": {
    text: "nodes: { a: &calc { type: tool, tool: safe_calc, input: { expression: 1 + 1 } }, b: *calc }\noutput: '${ nodes.a.output.result + nodes.b.output.result }'",
    ends: { output: "22" },
  },
};

describe("a construct of the Serverless Workflow DSL", () => {
  for (const [construct, { text, ends, meanwhile }] of Object.entries(CASES))
    test(`${construct} is there in graphs`, async () => {
      await using app = await startTestApp({ inlinePlugins: [counting([])] });
      const { input = {} } = ends;
      if ("fails" in ends) {
        await assert.rejects(run(app, text, input), { code: ends.fails });
        return;
      }
      const runId = await start(app, text, input);
      await meanwhile?.(app, runId);
      assert.deepEqual(await result(app, runId), ends.output);
      assert.equal((await app.app.engine.replay(runId)).matches, true);
    });

  test("`timeout` of a workflow is there in graphs", async () => {
    const graph = requireGraph("name: slow\nlimits: { timeMs: 20 }\nnodes: { a: { type: wait, signal: never } }", "slow.yaml");
    await using app = await startTestApp({
      inlinePlugins: [{ name: "slow", workflows: [graphWorkflow(graph, { findModel: () => undefined })] }],
    });
    const { run: started } = (await (await app.fetch("/v1/runs", { workflow: "slow", input: {} })).json()) as {
      readonly run: { readonly id: string };
    };
    await assert.rejects(result(app, started.id), { code: "deadline_exceeded" });
    assert.deepEqual(await statuses(app, started.id), { a: "cancelled" });
  });

  test("and every graph in the guide can run", () => {
    const graphs = [...GUIDE.matchAll(/^```yaml\n(name: [^]*?)^```/gm)].map(([, text]) => text ?? "");
    assert.equal(graphs.length, 1);
    for (const text of graphs) assert.deepEqual(readGraph(text), { ok: true, graph: requireGraph(text, "guide") });
  });

  test("that the guide marks as covered is tested here, and none other", () => {
    const covered = [...GUIDE.matchAll(/^\| (`.*?) \| ✓ \|/gm)].map(([, name]) => name ?? "");
    assert.deepEqual(covered.toSorted(), [...Object.keys(CASES), "`timeout` of a workflow"].toSorted());
  });
});
