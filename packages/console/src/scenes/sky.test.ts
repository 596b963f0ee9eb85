import assert from "node:assert/strict";
import { test } from "node:test";
import { orbit, skyOf } from "./sky.ts";

const PARTS = {
  agents: [{ name: "holly", uses: ["llama3.2", "echo", "no such tool"] }],
  models: ["llama3.2"],
  tools: ["echo", "safe_calc"],
  workflows: ["triage"],
  runs: [
    { id: "a", workflow: "triage", status: "running" },
    { id: "b", workflow: "unknown", status: "running" },
  ],
};

test("an agent is tied to the model and the tools that are there", () => {
  assert.deepEqual(skyOf(PARTS).ties, [
    ["agent holly", "model llama3.2"],
    ["agent holly", "tool echo"],
  ]);
});

test("a run stands beside its workflow, and one of which nothing is known is left out", () => {
  assert.deepEqual(skyOf(PARTS).sparks, [{ id: "a", status: "running", bodyId: "workflow triage" }]);
});

test("a conversation stands beside its agent", () => {
  const runs = [{ id: "c", workflow: "holly", status: "running" }];
  assert.deepEqual(skyOf({ ...PARTS, runs }).sparks, [{ id: "c", status: "running", bodyId: "agent holly" }]);
});

test("the same parts give the same sky, and a thousand tools no more than can be told apart", () => {
  const tools = Array.from({ length: 1000 }, (_, index) => `tool-${index}`);
  assert.deepEqual(skyOf({ ...PARTS, tools }), skyOf({ ...PARTS, tools }));
  assert.equal(skyOf({ ...PARTS, tools }).bodies.filter(({ kind }) => kind === "tool").length, 40);
});

test("runs around one body stand apart from each other", () => {
  const places = Array.from({ length: 50 }, (_, index) => orbit([0, 0, 0], index, 50).join(","));
  assert.equal(new Set(places).size, 50);
});
