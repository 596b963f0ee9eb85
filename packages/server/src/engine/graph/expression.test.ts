import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Json } from "@tutti/core";
import fc from "fast-check";
import { checkExpression, evaluateExpression } from "./expression.ts";
import { fill } from "./template.ts";

const variables = { input: { n: 3, s: "aab", list: [1, 2, 3], object: { x: 1 } } };

describe("an expression", () => {
  const values: readonly (readonly [source: string, value: Json])[] = [
    ["input.n + 1", 4],
    ["input.n / 2", 1.5],
    ["5 / 2", 2],
    ["input.n == 3 && 3 == input.n && input.n != 4", true],
    ["input.list.map(x, x * 2).filter(x, x > 2)", [4, 6]],
    ["has(input.missing) ? 1 : 2", 2],
    ["input.?missing.orValue('none')", "none"],
    ["{'a': input.n, 'b': [1, 'x', null]}", { a: 3, b: [1, "x", null] }],
    ["duration('1h')", 3_600_000],
    ["timestamp('2026-01-02T03:04:05Z') + duration('1s')", "2026-01-02T03:04:06.000Z"],
    ["input.s.matches('^a+b$') && !input.s.matches('c')", true],
  ];
  for (const [source, value] of values)
    test(`${source} has its value`, () => assert.deepEqual(evaluateExpression(source, variables), value));

  test("says what is wrong with it, and at which character", () => {
    assert.deepEqual(checkExpression("1 +", {}), { ok: false, fault: { message: "wanted more, got its end", offset: 3 }, nodes: [] });
    const check = checkExpression("nodes.a.output + nodes['b'].output + x", {
      nodes: { a: { output: "string" }, b: { output: "string" } },
    });
    assert.deepEqual(check, {
      ok: false,
      fault: { message: "there is no variable called x here", offset: 37 },
      nodes: [
        { id: "a", offset: 6 },
        { id: "b", offset: 23 },
      ],
    });
  });

  test("without a value says why", () => {
    assert.throws(() => evaluateExpression("input.missing", variables), {
      code: "invalid_input",
      message: "the expression ${ input.missing } has no value: there is no missing in it",
    });
    assert.throws(() => evaluateExpression("1.0 / 0.0", variables), {
      code: "invalid_input",
      message: /number that JSON can hold, got Infinity/,
    });
    assert.throws(() => evaluateExpression("9007199254740993", variables), { code: "invalid_input" });
  });

  test("ends, however many rounds it would take", () => {
    const list = Array.from({ length: 1000 }, (_, index) => index);
    assert.throws(() => evaluateExpression("input.map(x, input.map(y, input.map(z, x + y + z)))", { input: list }), { code: "too_large" });
    assert.throws(
      () =>
        evaluateExpression(`cel.bind(x, input, ${"cel.bind(x, x + x, ".repeat(30)}x${")".repeat(31)}`, {
          input: "x".repeat(1000),
        }),
      { code: /too_large|invalid_input/ },
    );
    assert.equal(evaluateExpression("input.matches('^(a+)+$')", { input: `${"a".repeat(50_000)}b` }), false);
  });

  test("is the same every time and touches nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const input = JSON.parse(JSON.stringify(value)) as Json;
        const copy = structuredClone(input);
        assert.deepEqual(evaluateExpression("[input, input]", { input }), [copy, copy]);
        assert.deepEqual(input, copy);
      }),
    );
  });

  test("that is nonsense never hangs or crashes the checker", () => {
    const tokens = fc.constantFrom(
      "input",
      "nodes",
      ".",
      "a",
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      "+",
      "==",
      "?",
      ":",
      "1",
      "2.5",
      '"x"',
      "map",
      "matches",
      ",",
      "x",
      "&&",
      "!",
      "in",
      "cel.bind",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(tokens, { maxLength: 15 }).map((list) => list.join(" ")),
        ),
        (source) => void checkExpression(source, { input: "dyn", nodes: {} }),
      ),
    );
  });
});

describe("a text with expressions", () => {
  test("that is one expression is its value; others become texts", () => {
    assert.deepEqual(
      fill(
        { whole: "${ input.list }", part: "n=${ input.n }, ${ input.object }!", plain: "$${ not } $", nested: ["${ '}' + input.s }"] },
        variables,
      ),
      {
        whole: [1, 2, 3],
        part: 'n=3, {"x":1}!',
        plain: "${ not } $",
        nested: ["}aab"],
      },
    );
  });

  test("without any is what it was", () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => !JSON.stringify(value).includes("${")),
        (value) => assert.deepEqual(fill(value as Json, {}), value),
      ),
    );
  });
});
