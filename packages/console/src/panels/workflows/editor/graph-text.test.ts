import assert from "node:assert/strict";
import { test } from "node:test";
import { editText } from "./edit-text.ts";
import { bodyAt, existingScope, offsetOf, placeAt, readText, type DrawnBody } from "./graph-text.ts";

const TEXT = `# What happens to an order.
name: order
nodes:
  total: { type: tool, tool: safe_calc, input: { expression: "\${ input.price } * 2" } } # twice
  each:
    type: map
    items: "\${ [1, 2] }"
    do:
      nodes:
        look: { type: transform, value: "\${ item }" }
  pay: { type: workflow, workflow: payment, input: { total: "\${ nodes.total.output.result }" } }
edges:
  - { from: total, to: each }
  - { from: each, to: pay, on: success }
`;

function read(text: string, scope: readonly string[] = []): DrawnBody {
  const reading = readText(text);
  assert.ok(reading.ok);
  return bodyAt(reading.root, scope);
}

test("a text's nodes and edges are read, also those inside a node", () => {
  assert.deepEqual(
    read(TEXT).nodes.map(({ id, type }) => [id, type]),
    [
      ["total", "tool"],
      ["each", "map"],
      ["pay", "workflow"],
    ],
  );
  assert.deepEqual(
    read(TEXT).edges.map(({ from, to }) => [from, to]),
    [
      ["total", "each"],
      ["each", "pay"],
    ],
  );
  assert.deepEqual(
    read(TEXT, ["each"]).nodes.map(({ id }) => id),
    ["look"],
  );
});

test("what is too wrong to be drawn is left out, and nothing throws", () => {
  const odd = "nodes: { a: 3, b: [] }\nedges: [1, { from: a, to: nowhere }, { from: a, to: b }]\n";
  assert.deepEqual(
    read(odd).edges.map(({ index }) => index),
    [2],
  );
  const broken = readText("nodes: { a: {\nb: ]");
  assert.ok(!broken.ok && broken.line >= 1);
  assert.deepEqual(read("nodes: text").nodes, []);
  assert.deepEqual(read("").nodes, []);
});

test("an edit changes what it is about and leaves comments and writing as they were", () => {
  const added = editText(TEXT, [], {
    do: "add",
    nodes: { ask: { type: "approval", question: "Pay?" } },
    edges: [{ from: "each", to: "ask" }],
  });
  assert.match(added, /^# What happens to an order\./);
  assert.match(added, /# twice/);
  assert.match(added, /ask: \{ type: approval, question: Pay\? \}/);
  assert.match(added, / {2}- \{ from: each, to: ask \}/);
});

test("a node that is taken out takes its edges with it", () => {
  const left = read(editText(TEXT, [], { do: "remove", nodes: ["each"], edges: [] }));
  assert.deepEqual(left.edges, []);
  assert.deepEqual(
    left.nodes.map(({ id }) => id),
    ["total", "pay"],
  );
});

test("a node that gets another id keeps its edges, and expressions follow", () => {
  const renamed = editText(TEXT, [], { do: "rename", id: "total", to: "sum" });
  assert.deepEqual(read(renamed).edges[0]?.from, "sum");
  assert.match(renamed, /nodes\.sum\.output\.result/);
  assert.doesNotMatch(renamed, /\btotal:(?! ")/);
});

test("fields are set and taken out, also inside a node", () => {
  const set = editText(TEXT, ["each"], { do: "set-node", id: "look", path: ["value"], value: { is: "${ item * 2 }" } });
  assert.deepEqual(read(set, ["each"]).nodes[0]?.fields["value"], { is: "${ item * 2 }" });
  const without = editText(set, [], { do: "set-edge", index: 1, key: "on", value: undefined });
  assert.deepEqual(read(without).edges[1]?.fields, { from: "each", to: "pay" });
  const named = editText(without, [], { do: "set-graph", path: ["limits", "timeMs"], value: 1000 });
  assert.match(named, /limits:\n {2}timeMs: 1000/);
});

test("an empty graph can be filled", () => {
  const first = editText("", [], { do: "add", nodes: { a: { type: "transform", value: 1 } }, edges: [] });
  const second = editText(first, [], { do: "add", nodes: { b: { type: "fail", message: "no" } }, edges: [{ from: "a", to: "b" }] });
  assert.equal(read(second).edges.length, 1);
});

test("a text that cannot be read is not edited", () => {
  assert.throws(() => editText("a: [", [], { do: "set-graph", path: ["name"], value: "x" }), { code: "conflict" });
});

test("the place of a node in the text is known both ways", () => {
  const reading = readText(TEXT);
  assert.ok(reading.ok);
  for (const place of [
    { scope: [], selected: { node: "pay" } },
    { scope: ["each"], selected: { node: "look" } },
    { scope: [], selected: { edge: 1 } },
  ])
    assert.deepEqual(placeAt(reading.document, offsetOf(reading.document, place) ?? -1), place);
  assert.deepEqual(placeAt(reading.document, 0), { scope: [], selected: undefined });
});

test("a scope ends where its nodes end", () => {
  const reading = readText(TEXT);
  assert.ok(reading.ok);
  assert.deepEqual(existingScope(reading.root, ["each"]), ["each"]);
  assert.deepEqual(existingScope(reading.root, ["each", "look"]), ["each"]);
  assert.deepEqual(existingScope(reading.root, ["gone"]), []);
});
