import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutOf } from "../../../parts/graph-view/layout.ts";
import { nodeThatWay, type Arrow } from "./arrows.ts";
import { drawText } from "./draw-text.ts";
import { readText } from "./graph-text.ts";

const TEXT = `
nodes:
  a: { type: condition, if: "\${ true }" }
  b: { type: map, items: [], do: { nodes: { inner: { type: transform, value: 1 } } } }
  c: { type: transform, value: 1 }
  d: { type: odd }
edges: [{ from: a, to: b }, { from: a, to: c }, { from: b, to: d }, { from: c, to: d }]
`;

test("arrow keys lead to the nearest node that way, and nowhere at the end", () => {
  const reading = readText(TEXT);
  assert.ok(reading.ok);
  const { drawing } = drawText(reading.root, new Map());
  const picture = { drawing, places: layoutOf(drawing) };
  const walk = (from: string, ...arrows: readonly Arrow[]): string | undefined =>
    arrows.reduce<string | undefined>((at, arrow) => (at === undefined ? undefined : nodeThatWay(picture, at, arrow)), from);
  assert.ok(["b", "c"].includes(walk("a", "ArrowRight") ?? ""));
  assert.equal(walk("d", "ArrowRight"), undefined);
  assert.equal(walk("a", "ArrowLeft"), undefined);
  const besideC = (["ArrowUp", "ArrowDown"] as const).map((arrow) => walk("c", arrow));
  assert.ok(besideC.some((id) => id === "b" || id === "b.inner"));
  assert.equal(walk("gone", "ArrowUp"), "a");
});
