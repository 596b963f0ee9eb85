import assert from "node:assert/strict";
import { test } from "node:test";
import { nodesChosen, toggled } from "./several.ts";

const at = (node: string, scope: readonly string[] = []) => ({ scope, selected: { node } });

test("a node is selected besides another, and no more when it is clicked again", () => {
  const both = toggled({ place: at("a"), also: [] }, at("b"));
  assert.deepEqual(both, { place: at("a"), also: ["b"] });
  assert.deepEqual(toggled(both, at("b")), { place: at("a"), also: [] });
  assert.deepEqual(toggled(both, at("a")), { place: at("b"), also: [] });
});

test("nodes of two bodies are never selected together, nor a node and an edge", () => {
  assert.deepEqual(toggled({ place: at("a"), also: ["b"] }, at("c", ["each"])), { place: at("c", ["each"]), also: [] });
  assert.deepEqual(toggled({ place: { scope: [], selected: { edge: 0 } }, also: [] }, at("c")), { place: at("c"), also: [] });
});

test("what is not there any more is selected no more", () => {
  const body = { nodes: [{ id: "a", type: "", title: "", fields: {} }], edges: [] };
  assert.deepEqual(nodesChosen(body, at("a"), ["gone"]), ["a"]);
});
