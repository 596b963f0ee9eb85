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
    ["('a' + 'b').matches('^ab$')", true],
    ["((input.s) + 'c').matches(('b' + 'c'))", true],
    ["input.s // .matches(\n . matches ( ( ('a') ) ) ? (1 + 2) * 3 : 0", 9],
    ["input.list.map(x, (x + 1) * (x + 1))", [4, 9, 16]],
    ["input.list.filter(x, x in [1, 3]).map(x, string(x)).join('-')", "1-3"],
    ["input.list.all(x, input.missing == x || x < 4)", true],
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
        evaluateExpression(`cel.bind(x, input, ${"cel.bind(x, x + x, ".repeat(15)}x${")".repeat(16)}`, {
          input: "x".repeat(1000),
        }),
      { code: "too_large" },
    );
    assert.equal(evaluateExpression("input.matches('^(a+)+$')", { input: `${"a".repeat(50_000)}b` }), false);
  });

  const zeros = Array.from({ length: 100_000 }, () => 0);
  const properties = Object.fromEntries(zeros.map((_, index) => [`k${index}`, index]));
  const text = "a".repeat(100_000);
  const costly: readonly (readonly [source: string, input: Json])[] = [
    ["input.all(x, !(1.0 in input))", zeros],
    ["input.all(x, input.all(y, input.all(z, x + y + z < 1.0) || true) || true) || true", zeros],
    ["input.map(x, input == input.map(y, y))", zeros],
    ["input.l.map(x, input.l != input.m)", { l: zeros, m: [...zeros] }],
    ["input.l.filter(x, x == input.l[0])", { l: zeros.map(() => properties) }],
    ["input.map(x, input + input)", zeros],
    ["input.exists(x, x.missing)", zeros],
    ["input.map(x, x.missing || true)", zeros],
    ["input.s.contains(input.p)", { s: text.repeat(10), p: `${text}b${text}` }],
    ["input.s.lastIndexOf(input.p)", { s: text, p: `${text.slice(0, 50_000)}b` }],
    ["input.s.split(input.p)", { s: text.repeat(10), p: `${text}b${text}` }],
    ["input.l.exists(x, input.s.startsWith(input.s + 'b'))", { l: zeros, s: text }],
    ["input.l.exists(x, input.s.endsWith('b' + input.s))", { l: zeros, s: text }],
    ["input.l.exists(x, input.s < input.s)", { l: zeros, s: text }],
    ["input.l.exists(x, size(input.s) == 0)", { l: zeros, s: text }],
    ["input.l.exists(x, input.s.matches('(a|b)*c$|d'))", { l: zeros, s: text }],
    ["input.matches('(a|b)*a(a|b){300}[cd]$|x')", text],
    ["input.l.all(x, input.o.exists(k, true))", { l: zeros, o: properties }],
    ["input.l.exists(x, size(input.o) == 0)", { l: zeros, o: properties }],
    ["input.map(x, timestamp('2026-01-02T03:04:05Z').getHours('Europe/Berlin'))", zeros],
    ["duration(input)", "1".repeat(10_000)],
    [`cel.bind(a, [${"input,".repeat(499)}], cel.bind(b, [${"a,".repeat(400)}], b))`, zeros.slice(0, 100)],
    [`cel.bind(a, [${"input,".repeat(400)}], cel.bind(b, [${"a,".repeat(400)}], b))`, text],
  ];
  for (const [source, input] of costly)
    test(`${source.slice(0, 90)} ends over large values`, () =>
      assert.throws(() => evaluateExpression(source, { input }), { code: "too_large", message: /more than 1500000 steps/ }));

  test("over values of a usual size does not come near the bound", () => {
    const items = Array.from({ length: 10_000 }, (_, index) => ({ id: index, name: `n${index}`, tags: ["a", "b"] }));
    assert.deepEqual(
      evaluateExpression("input.filter(x, x.id < 2.0 && 'a' in x.tags && x.name.matches('^n[0-9]$')).map(x, x.name)", { input: items }),
      ["n0", "n1"],
    );
    const ids = items.slice(0, 1_000).map(({ id }) => id);
    assert.equal(evaluateExpression("size(input.filter(x, x in input))", { input: ids }), 1_000);
    assert.deepEqual(evaluateExpression("input", { input: items }), items);
  });

  test("with a pattern that is none is refused when it is checked", () => {
    assert.equal(checkExpression("input.matches('(')", { input: "string" }).ok, false);
    assert.equal(checkExpression("input.matches('(a{100}){100}')", { input: "string" }).ok, false);
  });

  test("that is none says so when it is evaluated", () => {
    assert.throws(() => evaluateExpression("1 +", {}), {
      code: "invalid_config",
      message: /is no expression: wanted more, got its end, at character 4/,
    });
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
