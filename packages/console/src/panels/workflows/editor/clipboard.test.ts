import assert from "node:assert/strict";
import { test } from "node:test";
import { partOf, readPart, textOfPart, withFreeIds } from "./clipboard.ts";
import { bodyAt, readText } from "./graph-text.ts";

const reading = readText(
  "nodes: { a: { type: fail }, b: { type: fail }, c: { type: fail } }\nedges: [{ from: a, to: b }, { from: b, to: c }]\n",
);
assert.ok(reading.ok);
const body = bodyAt(reading.root, []);

test("a part of a graph goes over the clipboard and comes back under free ids, with the edges among its nodes", () => {
  const part = readPart(textOfPart(partOf(body, ["a", "b"])));
  assert.ok(part !== undefined);
  const pasted = withFreeIds(part, ["a", "b", "c"]);
  assert.deepEqual(Object.keys(pasted.nodes), ["a2", "b2"]);
  assert.deepEqual(pasted.edges, [{ from: "a2", to: "b2" }]);
});

test("whatever else is on the clipboard is no part of a graph", () => {
  for (const text of ["", "{", '"text"', '{"nodes":{}}', '{"kind":"tutti-graph-part","nodes":[]}']) assert.equal(readPart(text), undefined);
});
