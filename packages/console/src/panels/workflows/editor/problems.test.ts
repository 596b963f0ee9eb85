import assert from "node:assert/strict";
import { test } from "node:test";
import { problemAt, problemsById } from "./problems.ts";

const problem = (...path: readonly (string | number)[]) => ({ code: "shape", path, message: path.join("/") }) as const;

test("what is wrong stands at the innermost node or edge that it is about", () => {
  const byId = problemsById([
    problem("nodes", "a"),
    problem("nodes", "a", "input", "expression"),
    problem("nodes", "each", "do", "nodes", "look", "tool"),
    problem("nodes", "each", "do", "edges", 2, "to"),
    problem("nodes", "each", "do", "nodes"),
    problem("edges", 0, "case"),
    problem("input"),
  ]);
  assert.deepEqual(
    [...byId].map(([id, all]) => [id, all.length]),
    [
      ["a", 2],
      ["each.look", 1],
      ["each#2", 1],
      ["each", 1],
      ["#0", 1],
      ["", 1],
    ],
  );
});

test("what is wrong with a field is told at the field", () => {
  const problems = [problem("nodes", "a", "retry", "attemptsMax"), problem("nodes", "a", "tool")];
  assert.equal(problemAt(problems, "tool"), "nodes/a/tool");
  assert.equal(problemAt(problems, "attemptsMax"), "nodes/a/retry/attemptsMax");
  assert.equal(problemAt(problems, "input"), undefined);
});
