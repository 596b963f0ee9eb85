import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Json } from "@tutti/core";
import fc from "fast-check";
import { startTestApp } from "../../testing.ts";
import { counting, isAt, OWNER, result, run, signal, start, statuses, until } from "../../testing/graph-runs.ts";

describe("a graph", () => {
  test("does every kind of node, and what comes out is what its last nodes gave", async () => {
    await using app = await startTestApp({ inlinePlugins: [counting([])] });
    const output = await run(
      app,
      `
input: { type: object, properties: { price: { type: number }, tags: { type: array } }, required: [price, tags] }
nodes:
  add: { type: tool, tool: safe_calc, input: { expression: "\${ string(input.price) } * 2" } }
  ask: { type: agent, agent: holly, input: { message: "what is \${ nodes.add.output.result } + 1?" } }
  child: { type: workflow, workflow: child, input: { id: child } }
  size: { type: condition, cases: [ { case: small, when: "\${ input.price < 10 }" }, { case: large, when: "\${ input.price >= 10 }" } ] }
  each: { type: map, items: "\${ input.tags }", concurrency: 2, do: { nodes: { up: { type: transform, value: "\${ item }-\${ index }" } } } }
  count: { type: loop, while: "\${ iteration < 3 }", timesMax: 9, do: { nodes: { n: { type: transform, value: "\${ iteration * 10 }" } } } }
  both: { type: group, do: { nodes: { x: { type: transform, value: 1 }, y: { type: transform, value: "\${ nodes.x.output + 1 }" } }, edges: [ { from: x, to: y } ] } }
  pause: { type: wait, ms: 1 }
  tell: { type: emit, event: test.done, data: { price: "\${ input.price }" } }
  made: { type: transform, join: all, value: { result: "\${ nodes.add.output.result }", said: "\${ nodes.ask.output.reply.content }", size: "\${ nodes.size.output }", each: "\${ nodes.each.output }", last: "\${ nodes.count.output }", both: "\${ nodes.both.output }", child: "\${ nodes.child.output.id }" } }
edges:
  - { from: add, to: ask }
  - { from: ask, to: made }
  - { from: child, to: made }
  - { from: size, to: each, case: large }
  - { from: each, to: made }
  - { from: count, to: made }
  - { from: both, to: made }
  - { from: pause, to: tell }
  - { from: tell, to: made }
`,
      { price: 21, tags: ["a", "b"] },
    );
    assert.deepEqual(output, { result: "42", said: "42 + 1 = 43", size: "large", each: ["a-0", "b-1"], last: 20, both: 2, child: "child" });
  });

  test("begins a node as soon as what it needs is there, while others still wait", async () => {
    await using app = await startTestApp();
    const runId = await start(
      app,
      `
nodes: { slow: { type: wait, signal: go }, quick: { type: transform, value: 1 }, after: { type: transform, value: 2 }, last: { type: transform, value: "\${ nodes.slow.output }" } }
edges: [ { from: quick, to: after }, { from: slow, to: last }, { from: after, to: last } ]
`,
    );
    await until(app, runId, isAt("after", "completed"));
    assert.deepEqual(await statuses(app, runId), { slow: "waiting", quick: "completed", after: "completed", last: "pending" });
    const { nodes } = (await app.app.engine.query(runId, "graph")) as { readonly nodes: Json };
    assert.deepEqual(nodes, { slow: "running", quick: "completed", after: "completed", last: "pending" });
    await signal(app, runId, { name: "go", value: "gone" });
    assert.equal(await result(app, runId), "gone");
  });

  test("goes another way when a node fails, by the code of its error", async () => {
    await using app = await startTestApp({ inlinePlugins: [counting([])] });
    const runId = await start(
      app,
      `
nodes:
  work: { type: tool, tool: count, input: { id: w, fails: 9, code: denied } }
  never: { type: transform, value: 0 }
  late: { type: transform, value: late }
  refused: { type: transform, value: "\${ nodes.work.error.code }: \${ nodes.work.error.message }" }
edges: [ { from: work, to: never }, { from: work, to: late, on: error, codes: [timeout] }, { from: work, to: refused, on: error, codes: [denied] } ]
output: "\${ nodes.refused.output }"
`,
    );
    assert.equal(await result(app, runId), "denied: w failed");
    assert.deepEqual(await statuses(app, runId), { late: "skipped", never: "skipped", refused: "completed", work: "failed" });
  });

  test("fails with a node's error when no edge takes it, and gives up what is under way", async () => {
    await using app = await startTestApp();
    const runId = await start(
      app,
      `nodes: { stop: { type: fail, code: not_found, message: "nothing \${ 1 + 1 }" }, wait: { type: wait, signal: never } }`,
    );
    await assert.rejects(result(app, runId), { code: "not_found", message: "nothing 2" });
    assert.deepEqual(await statuses(app, runId), { stop: "failed", wait: "cancelled" });
  });

  test("skips what no taken edge leads to, and joins what is left", async () => {
    await using app = await startTestApp();
    const text = `
nodes: { big: { type: condition, if: "\${ input.n > 5 }" }, yes: { type: transform, value: big }, no: { type: transform, value: small }, end: { type: transform, value: "\${ nodes.yes.status }/\${ nodes.no.status }" } }
edges: [ { from: big, to: yes, case: true }, { from: big, to: no, case: false }, { from: yes, to: end }, { from: no, to: end } ]
`;
    assert.equal(await run(app, text, { n: 6 }), "completed/skipped");
    assert.equal(await run(app, text, { n: 5 }), "skipped/completed");
  });

  test("tries a tool and a child run again, as often as it says", async () => {
    const calls: string[] = [];
    await using app = await startTestApp({ inlinePlugins: [counting(calls)] });
    const output = await run(
      app,
      `
nodes:
  t: { type: tool, tool: count, input: { id: t, fails: 2 }, retry: { attemptsMax: 3, delayMs: 1, delayMaxMs: 2 } }
  w: { type: workflow, workflow: child, input: { id: w, fails: 2 }, retry: { attemptsMax: 3, delayMs: 1 } }
`,
    );
    assert.deepEqual(output, { t: { id: "t", done: 2 }, w: { id: "w", done: 2 } });
    assert.deepEqual(calls.toSorted(), ["t", "t", "t", "w", "w", "w"]);
  });

  test("gives up a node that takes too long", async () => {
    await using app = await startTestApp();
    const runId = await start(
      app,
      `
nodes: { wait: { type: wait, signal: never, timeoutMs: 5 }, late: { type: transform, value: "\${ nodes.wait.error.code }" } }
edges: [ { from: wait, to: late, on: error } ]
`,
    );
    assert.equal(await result(app, runId), "timeout");
    assert.deepEqual(await statuses(app, runId), { wait: "failed", late: "completed" });
  });

  test("does a cached node once for all runs with the same key", async () => {
    const calls: string[] = [];
    await using app = await startTestApp({ inlinePlugins: [counting(calls)] });
    const text = `nodes: { c: { type: tool, tool: count, input: { id: "\${ input.id }" }, cache: { key: "\${ input.key }", ttlMs: 60000 } } }`;
    assert.deepEqual(await run(app, text, { id: "a", key: 1 }), { id: "a", done: 0 });
    assert.deepEqual(await run(app, text, { id: "b", key: 1 }), { id: "a", done: 0 });
    assert.deepEqual(await run(app, text, { id: "b", key: 2 }), { id: "b", done: 0 });
    assert.deepEqual(calls, ["a", "b"]);
  });

  test("asks people, and goes the way of their answer", async () => {
    await using app = await startTestApp();
    const runId = await start(
      app,
      `
nodes: { ask: { type: approval, question: "Pay \${ input.amount }?" }, pay: { type: transform, value: paid }, stop: { type: transform, value: "\${ nodes.ask.output.reason }" } }
edges: [ { from: ask, to: pay, case: approved }, { from: ask, to: stop, case: refused } ]
`,
      { amount: 5 },
    );
    const { nodes } = await until(app, runId, isAt("ask", "waiting"));
    const waiting = nodes.find(({ path }) => path === "ask")?.waitingFor;
    assert.equal(waiting?.name, "Pay 5?");
    await app.app.engine.answer(runId, { key: waiting.key, approved: false, reason: "too much" }, OWNER);
    assert.deepEqual(await result(app, runId), { stop: "too much" });
  });

  test("waits past values that do not fit, and says so", async () => {
    await using app = await startTestApp();
    const runId = await start(
      app,
      `nodes: { w: { type: wait, signal: paid, schema: { type: object, properties: { amount: { type: number } }, required: [amount] }, when: "\${ value.amount > 10 }" } }`,
    );
    await until(app, runId, isAt("w", "waiting"));
    for (const value of ["nonsense", { amount: 5 }, { amount: 11 }]) await signal(app, runId, { name: "paid", value: value });
    assert.deepEqual(await result(app, runId), { amount: 11 });
    const events = await app.app.store.read(runId, { afterSeq: 0, limit: 100 });
    assert.equal(events.filter((event) => event.type === "step.completed" && event.name === "tutti.graph.value-refused").length, 1);
  });

  test("stops a loop at its bound, whatever its while says", async () => {
    await using app = await startTestApp();
    await assert.rejects(
      run(app, `nodes: { l: { type: loop, while: "\${ true }", timesMax: 3, do: { nodes: { x: { type: transform, value: 1 } } } } }`),
      {
        code: "conflict",
        message: /went round 3 times/,
      },
    );
  });

  test("refuses an input that does not fit, and leaves no run", async () => {
    await using app = await startTestApp();
    await assert.rejects(
      start(
        app,
        `input: { type: object, properties: { n: { type: number } }, required: [n] }\nnodes: { a: { type: transform, value: 1 } }`,
        { n: "x" },
      ),
      { code: "invalid_input", message: /n: / },
    );
    assert.deepEqual(await app.app.store.runs({ limit: 10 }), []);
  });
});

describe("a join", () => {
  const text = (options: string): string => `
nodes:
  a: { type: wait, signal: a }
  b: { type: wait, signal: b }
  c: { type: wait, signal: c }
  end: { type: transform, ${options}, value: "\${ nodes.a.status } \${ nodes.b.status } \${ nodes.c.status }" }
edges: [ { from: a, to: end }, { from: b, to: end }, { from: c, to: end } ]
`;

  test("of any runs with the first and cancels the others", async () => {
    await using app = await startTestApp();
    const runId = await start(app, text("join: any"));
    await signal(app, runId, { name: "b" });
    assert.equal(await result(app, runId), "cancelled completed cancelled");
    assert.deepEqual(await statuses(app, runId), { a: "cancelled", b: "completed", c: "cancelled", end: "completed" });
  });

  test("of a quorum runs with enough; losers are left alone when it says so", async () => {
    await using app = await startTestApp();
    const runId = await start(app, text("join: { quorum: 2 }, losers: leave"));
    await signal(app, runId, { name: "c" });
    await signal(app, runId, { name: "a" });
    await until(app, runId, isAt("end", "completed"));
    assert.equal((await statuses(app, runId))["b"], "waiting");
    await signal(app, runId, { name: "b" });
    assert.match(JSON.stringify(await result(app, runId)), /^"completed (waiting|running|pending) completed"$/);
  });

  test("whose quorum cannot be reached any more fails, and an error edge takes it", async () => {
    await using app = await startTestApp();
    const output = await run(
      app,
      `
nodes:
  a: { type: transform, value: 1 }
  b: { type: condition, if: "\${ false }" }
  vote: { type: transform, join: { quorum: 2 }, value: 1 }
  short: { type: transform, value: "\${ nodes.vote.error.code }" }
edges: [ { from: a, to: vote }, { from: b, to: vote, case: true }, { from: vote, to: short, on: error } ]
`,
    );
    assert.equal(output, "conflict");
  });
});

test("every node of any graph without a cycle runs once, after all that lead to it, and a replay does the same", async () => {
  const calls: string[] = [];
  await using app = await startTestApp({ inlinePlugins: [counting(calls)] });
  const ids = Array.from("abcdefgh");
  const dag = fc
    .array(fc.tuple(fc.constantFrom(...ids), fc.constantFrom(...ids)), { maxLength: 14 })
    .map((pairs) => new Map(pairs.filter(([from, to]) => from < to).map(([from, to]) => [`${from}${to}`, { from, to }])));
  await fc.assert(
    fc.asyncProperty(dag, async (edges) => {
      calls.length = 0;
      const nodes = ids.map((id) => `  ${id}: { type: tool, tool: count, input: { id: ${id} } }`).join("\n");
      await run(app, `nodes:\n${nodes}\nedges: ${JSON.stringify([...edges.values()])}\n`);
      assert.deepEqual(calls.toSorted(), ids);
      for (const { from, to } of edges.values()) assert.ok(calls.indexOf(from) < calls.indexOf(to), `${from} before ${to}`);
    }),
    { numRuns: 25 },
  );
});
