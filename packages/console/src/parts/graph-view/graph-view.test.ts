import assert from "node:assert/strict";
import { test } from "node:test";
import type { Graph, NodeReading } from "@tutti/core/graph";
import { drawGraph, type Drawing } from "./drawing.ts";
import { directionIn, firstView } from "./first-view.ts";
import { layoutOf } from "./layout.ts";

const graph: Graph = {
  name: "order",
  version: "1",
  nodes: {
    check: { type: "condition", if: "${ input.total > 100 }" },
    lines: {
      type: "map",
      items: [1, 2, 3],
      concurrency: 2,
      do: {
        nodes: { price: { type: "tool", tool: "price", input: {} }, round: { type: "transform", value: 1 } },
        edges: [{ from: "price", to: "round" }],
      },
    },
    refuse: { type: "fail", code: "invalid_input", message: "no" },
  },
  edges: [
    { from: "check", to: "lines", case: true },
    { from: "check", to: "refuse", on: "error", codes: ["timeout"] },
  ],
};

test("a graph is drawn with what is inside its nodes, what they call, and what its edges ask", () => {
  const { nodes, edges } = drawGraph(graph);
  assert.deepEqual(
    nodes.map(({ id, parentId, detail }) => [id, parentId, detail]),
    [
      ["check", undefined, "${ input.total > 100 }"],
      ["lines", undefined, "2 at once"],
      ["lines.price", "lines", "price"],
      ["lines.round", "lines", undefined],
      ["refuse", undefined, "invalid_input"],
    ],
  );
  assert.deepEqual(
    edges.map(({ from, to, label, look }) => [from, to, label, look]),
    [
      ["lines.price", "lines.round", undefined, "plain"],
      ["check", "lines", "true", "plain"],
      ["check", "refuse", "on timeout", "error"],
    ],
  );
});

test("the turns of a node that runs many times are told together, the worst first", () => {
  const turn = (index: number, status: NodeReading["status"]): NodeReading => ({ path: `lines[${index}].price`, type: "tool", status });
  const readings: readonly NodeReading[] = [
    turn(0, "completed"),
    turn(1, "running"),
    { ...turn(2, "failed"), error: { code: "upstream", message: "busy" } },
  ];
  const price = drawGraph(graph, readings).nodes.find(({ id }) => id === "lines.price");
  assert.deepEqual([price?.state, price?.progress, price?.problem], ["failed", "1 of 3 done", "upstream: busy"]);
});

test("nodes stand apart, within their frame, and after those that lead to them", () => {
  const drawing = drawGraph(graph);
  const places = layoutOf(drawing);
  const at = (id: string) => places.get(id) ?? assert.fail(`wanted a place for ${id}`);
  assert.ok(at("check").x + at("check").width < at("lines").x);
  assert.ok(at("lines.price").x + at("lines.price").width < at("lines.round").x);
  assert.ok(
    at("lines.round").x + at("lines.round").width <= at("lines").width &&
      at("lines.round").y + at("lines.round").height <= at("lines").height,
  );
  assert.ok(at("refuse").y >= at("lines").y + at("lines").height || at("refuse").y + at("refuse").height <= at("lines").y);
  const down = layoutOf(drawing, "down");
  assert.ok((down.get("check")?.y ?? 0) < (down.get("lines")?.y ?? 0));
});

test("an edge to a node that is not there, or in another frame, does not stop the drawing", () => {
  const places = layoutOf({
    nodes: [{ id: "a", title: "a", kind: "step" }],
    edges: [{ id: "1", from: "a", to: "gone", look: "plain" }],
  });
  assert.equal(places.size, 1);
});

function chain(length: number): Drawing {
  const nodes = Array.from({ length }, (_, index) => ({ id: `n${index}`, title: `n${index}`, kind: "tool" as const }));
  const edges = nodes.slice(1).map(({ id }, index) => ({ id, from: `n${index}`, to: id, look: "plain" as const }));
  return { nodes, edges };
}

test("a picture leads the way its frame is longer, and is shown whole as long as it can be read", () => {
  assert.deepEqual([directionIn({ width: 1200, height: 600 }), directionIn({ width: 390, height: 500 })], ["across", "down"]);
  const drawing = chain(5);
  const frame = { width: 1200, height: 600 };
  const { x, y, zoom, isWhole } = firstView({ drawing, places: layoutOf(drawing, "across"), direction: "across", frame });
  assert.ok(isWhole && zoom >= 0.6 && x >= 0 && y > 200);
});

test("of a picture that is too large to be read whole its first node is in sight at first, large enough", () => {
  for (const direction of ["across", "down"] as const) {
    const drawing = chain(25);
    const places = layoutOf(drawing, direction);
    const frame = { width: 500, height: 400 };
    const { x, y, zoom, isWhole } = firstView({ drawing, places, direction, frame });
    const first = places.get("n0");
    assert.ok(!isWhole && zoom >= 0.6 && first !== undefined);
    const [left, top] = [x + first.x * zoom, y + first.y * zoom];
    assert.ok(left >= 0 && left + first.width * zoom <= frame.width && top >= 0 && top + first.height * zoom <= frame.height, direction);
  }
});
