import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { applyChanges, differenceOf, touchesPast } from "./amend.ts";
import { didYouMean } from "./did-you-mean.ts";
import { GRAPH_BOUNDS, type Graph, type GraphEdge, type GraphNode } from "./graph.ts";
import { ancestors, losersOf, topologicalOrder } from "./order.ts";
import { edgeAfter, readiness } from "./readiness.ts";
import { checkStructure } from "./structure.ts";

const value: GraphNode = { type: "transform", value: null };

function graph(nodes: Readonly<Record<string, GraphNode>>, edges: readonly (string | GraphEdge)[] = []): Graph {
  const read = (edge: string | GraphEdge): GraphEdge =>
    typeof edge === "string" ? { from: edge.split(">")[0] ?? "", to: edge.split(">")[1] ?? "" } : edge;
  return { name: "test", version: "1", nodes, edges: edges.map(read) };
}

const IDS = Array.from("abcdefghij");
const nodes = (ids: string, node = value): Readonly<Record<string, GraphNode>> => Object.fromEntries(ids.split("").map((id) => [id, node]));
const found = (tested: Graph): readonly string[] =>
  checkStructure(tested).map(({ code, path, message }) => `${code} ${path.join(".")}: ${message}`);

/** Nodes a to j and edges between any of them. */
const anyGraph = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { maxLength: 25 })
  .map((pairs) => graph(nodes("abcdefghij"), [...new Set(pairs.map(([from, to]) => `${"abcdefghij"[from]}>${"abcdefghij"[to]}`))]));

/** The same without a way back, so that it can run. */
const anyDag = anyGraph.map(({ edges, ...rest }) => ({ ...rest, edges: edges.filter(({ from, to }) => from < to) }));

describe("the structure of a graph", () => {
  test("is right when every edge leads from a node to a node and nothing goes round", () => {
    fc.assert(fc.property(anyDag, (dag) => assert.deepEqual(found(dag), [])));
  });

  test("has a cycle exactly when some node leads to itself, and the cycle that is told is one", () => {
    fc.assert(
      fc.property(anyGraph, (any) => {
        const cycles = checkStructure(any).filter(({ code }) => code === "cycle");
        const onCycle = Object.keys(any.nodes).filter((id) => ancestors(any, id).has(id));
        assert.equal(cycles.length > 0, onCycle.length > 0);
        for (const { message, path } of cycles) {
          const way = /circle: (.*?);/.exec(message)?.[1]?.split(" → ") ?? [];
          for (const [index, from] of way.slice(0, -1).entries())
            assert.ok(
              any.edges.some((edge) => edge.from === from && edge.to === way[index + 1]),
              message,
            );
          assert.equal(way.at(-1), way[0]);
          assert.ok(any.edges[Number(path[1])] !== undefined);
        }
      }),
    );
  });

  test("names a node that is not there and the one that was meant", () => {
    assert.deepEqual(found(graph({ fetch: value, check: value }, ["fetch>chek"])), [
      'unknown_node edges.0.to: wanted a node, got "chek", which is none; did you mean "check"?',
    ]);
  });

  test("shows the way of each cycle once, and no node behind one is told as unreachable", () => {
    assert.deepEqual(found(graph(nodes("abcdef"), ["a>b", "b>c", "c>b", "c>d", "e>f", "f>e"])), [
      "cycle edges.2: the edges go round in a circle: b → c → b; take one of them out, or use a loop node",
      "cycle edges.5: the edges go round in a circle: e → f → e; take one of them out, or use a loop node",
    ]);
  });

  test("tells nodes that nothing can lead to", () => {
    const fails: GraphNode = { type: "fail", code: "conflict", message: "no" };
    const tested = graph({ ...nodes("abcd"), f: fails }, ["a>f", "f>b", { from: "a", to: "c", when: "${ false }" }]);
    assert.deepEqual(
      found({ ...tested, start: ["a"] }).map((line) => line.split(";")[0]),
      [
        "unreachable nodes.b: b can never run: no edge to it can ever be taken",
        "unreachable nodes.c: c can never run: no edge to it can ever be taken",
        "unreachable nodes.d: d can never run: no edge leads to it and it is not among start",
      ],
    );
  });

  test("wants quorums that can be reached, losers where there are any, and cases that there are", () => {
    const asks: GraphNode = { type: "approval", question: "Well?" };
    const tested = graph({ a: asks, b: { ...value, join: { quorum: 3 } }, c: { ...value, losers: "leave" } }, [
      { from: "a", to: "b", case: "approved" },
      { from: "a", to: "c", case: "approvd" },
      { from: "b", to: "c", case: true },
      { from: "b", to: "c", codes: ["timeout"] },
    ]);
    assert.deepEqual(
      found(tested).map((line) => line.split(":")[0]),
      ["case edges.1.case", "case edges.2.case", "case edges.3.codes", "join nodes.b.join.quorum", "join nodes.c.losers"],
    );
  });

  test("wants a bound for every loop", () => {
    const inside = graph(nodes("a"));
    const loop = (more: object): Graph => graph({ l: { type: "loop", do: inside, ...more } });
    assert.match(found(loop({}))[0] ?? "", /^loop_bound nodes\.l: wanted times or while/);
    assert.match(found(loop({ while: "${ true }" }))[0] ?? "", /^loop_bound nodes\.l: wanted a bound/);
    assert.deepEqual([...found(loop({ while: "${ true }", timesMax: 3 })), ...found(loop({ times: 3 }))], []);
  });

  test("is looked at inside nodes too, and to a bounded depth and size", () => {
    let deep = graph(nodes("a"), ["a>x"]);
    for (let depth = 1; depth < 3; depth += 1) deep = graph({ g: { type: "group", do: deep } });
    assert.match(found(deep)[0] ?? "", /^unknown_node nodes\.g\.do\.nodes\.g\.do\.edges\.0\.to/);
    for (let depth = 3; depth <= GRAPH_BOUNDS.depthMax; depth += 1) deep = graph({ g: { type: "group", do: deep } });
    assert.match(found(deep).join("\n"), /too_large .*nested at most 5 deep/);
    const many = Object.fromEntries(Array.from({ length: GRAPH_BOUNDS.nodesMax + 1 }, (_, index) => [`n${index}`, value]));
    assert.match(found(graph(many)).join("\n"), /^too_large nodes: wanted at most 500 nodes, got 501/);
  });

  test("wants ids that expressions can say", () => {
    assert.deepEqual(
      found(graph({ "a-b": value, in: value, "1st": value })).map((line) => /write (.*)$/.exec(line)?.[1]),
      ['"a_b"', '"in_"', '"n1st"'],
    );
  });
});

describe("the order of nodes", () => {
  test("puts every node after all that lead to it", () => {
    fc.assert(
      fc.property(anyDag, (dag) => {
        const order = topologicalOrder(dag);
        assert.equal(order.length, 10);
        for (const { from, to } of dag.edges) assert.ok(order.indexOf(from) < order.indexOf(to));
      }),
    );
  });

  test("losers of a join are unfinished, lead to it, and lead nowhere else", () => {
    fc.assert(
      fc.property(anyDag, fc.constantFrom(...IDS), fc.array(fc.constantFrom(...IDS)), (dag, join, ended) => {
        const losers = losersOf(dag, join, (id) => (ended.includes(id) ? "completed" : "running"));
        for (const id of losers) {
          assert.ok(ancestors(dag, join).has(id) && !ended.includes(id));
          for (const { to } of dag.edges.filter(({ from }) => from === id))
            assert.ok(to === join || losers.includes(to) || ended.includes(to));
        }
      }),
    );
  });
});

describe("when a node may run", () => {
  test("unless it says otherwise, it waits for every edge that can still be taken, and wants one that was", () => {
    assert.deepEqual(
      [["pending", "taken"], ["dead", "taken"], ["dead", "dead"], []].map((edges) => readiness({}, edges as never)),
      ["wait", "run", "skip", "run"],
    );
  });

  test("all wants every edge, and gives up with the first that is not taken", () => {
    assert.deepEqual(
      [
        ["taken", "taken"],
        ["taken", "pending"],
        ["dead", "pending"],
      ].map((edges) => readiness({ join: "all" }, edges as never)),
      ["run", "wait", "skip"],
    );
  });

  test("any and a quorum run as soon as enough came, and fall short when too few can", () => {
    assert.equal(readiness({ join: "any" }, ["pending", "taken"]), "run");
    assert.equal(readiness({ join: { quorum: 2 } }, ["taken", "pending", "dead"]), "wait");
    assert.equal(readiness({ join: { quorum: 2 } }, ["taken", "taken", "pending"]), "run");
    assert.equal(readiness({ join: { quorum: 2 } }, ["taken", "dead", "dead"]), "short");
    assert.equal(readiness({ join: { quorum: 2 } }, ["dead", "dead", "dead"]), "skip");
  });

  test("an edge is taken when its source ended as the edge says", () => {
    const edge = { from: "a", to: "b" };
    assert.equal(edgeAfter(edge, { status: "completed" }), "taken");
    assert.equal(edgeAfter(edge, { status: "failed", code: "timeout" }), "dead");
    assert.equal(edgeAfter({ ...edge, on: "error", codes: ["timeout"] }, { status: "failed", code: "timeout" }), "taken");
    assert.equal(edgeAfter({ ...edge, on: "error", codes: ["denied"] }, { status: "failed", code: "timeout" }), "dead");
    assert.equal(edgeAfter({ ...edge, case: true }, { status: "completed", case: false }), "dead");
    assert.equal(edgeAfter({ ...edge, when: "${ x }" }, { status: "completed" }), "ask");
    assert.equal(edgeAfter(edge, { status: "skipped" }), "dead");
  });
});

describe("an amendment", () => {
  const running = graph(nodes("abc"), ["a>b", "b>c"]);
  const hasBegun = (id: string): boolean => id === "a" || id === "b";
  const refused = (after: Graph): readonly string[] =>
    touchesPast(running, after, hasBegun).map(({ path, message }) => `${path.join(".")}: ${message}`);

  test("may add, remove, replace and rewire what has not begun", () => {
    const after = graph({ ...nodes("abd"), e: value }, ["a>b", "b>d", "a>e", "e>d"]);
    assert.deepEqual(refused(after), []);
    assert.deepEqual(differenceOf(running, after), {
      added: ["d", "e"],
      removed: ["c"],
      replaced: [],
      connected: ["b → d", "a → e", "e → d"],
      disconnected: ["b → c"],
      fields: [],
    });
    assert.deepEqual(differenceOf(running, { ...running, output: 1, description: "more" }).fields, ["output", "description"]);
  });

  test("is refused where it would touch the past, with the reason", () => {
    const changed: GraphNode = { type: "transform", value: 2 };
    assert.match(
      refused(graph(nodes("bc"), ["b>c"])).join("\n"),
      /^nodes: a has begun and cannot be taken out any more; put it back\nedges: b has begun/,
    );
    assert.match(refused(graph({ ...nodes("ac"), b: changed }, ["a>b", "b>c"])).join("\n"), /^nodes\.b: b has begun and cannot change/);
    assert.match(refused(graph({ ...nodes("abc"), d: value }, ["a>b", "b>c", "d>b"])).join("\n"), /^edges\.2: b has begun, so no new edge/);
    assert.match(refused({ ...running, name: "other" }).join("\n"), /^name: name cannot change/);
    assert.deepEqual(refused(graph({ ...nodes("ab"), c: changed }, ["a>b", "b>c"])), []);
  });

  test("as changes gives the graph that the changes describe, or says which of them does not fit", () => {
    const { graph: after, problems } = applyChanges(running, [
      { do: "add", id: "d", node: value },
      { do: "connect", edge: { from: "b", to: "d" } },
      { do: "remove", id: "c" },
      { do: "output", output: "${ nodes.d.output }" },
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(after, { ...graph(nodes("abd"), ["a>b", "b>d"]), output: "${ nodes.d.output }" });
    const wrong = applyChanges(running, [
      { do: "add", id: "a", node: value },
      { do: "remove", id: "x" },
      { do: "replace", id: "y", node: value },
      { do: "disconnect", from: "a", to: "c" },
    ]);
    assert.deepEqual(
      wrong.problems.map(({ path }) => path),
      [
        [0, "id"],
        [1, "id"],
        [2, "id"],
        [3, "from"],
      ],
    );
  });

  test("that changes nothing is never refused", () => {
    fc.assert(
      fc.property(anyDag, (dag) =>
        assert.deepEqual(
          touchesPast(dag, structuredClone(dag), () => true),
          [],
        ),
      ),
    );
  });
});

test("the name that was meant is the nearest, if any is near", () => {
  assert.equal(didYouMean("safe_cal", ["echo", "safe_calc"]), "safe_calc");
  assert.equal(didYouMean("SafeCalc", ["echo", "safe-calc"]), "safe-calc");
  assert.equal(didYouMean("banana", ["echo", "safe_calc"]), undefined);
});
