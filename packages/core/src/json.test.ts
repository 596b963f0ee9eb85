import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "./json.ts";

test("the example of RFC 8785 §3.2.2 comes out as the RFC prints it", () => {
  const value = {
    numbers: JSON.parse("[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]") as unknown,
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  assert.equal(
    canonicalJson(value),
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test("keys are sorted by UTF-16 code units, as RFC 8785 §3.2.3 shows", () => {
  const value = {
    "\u20ac": "Euro",
    "\r": "Return",
    "\ufb33": "Dalet",
    "1": "One",
    "\ud83d\ude00": "Smiley",
    "\u0080": "Control",
    "\u00f6": "o",
  };
  assert.deepEqual(Object.values(JSON.parse(canonicalJson(value)) as object), ["One", "Return", "Control", "o", "Euro", "Smiley", "Dalet"]);
});

test("any JSON value survives, and the order of its keys does not matter", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(JSON.parse(canonicalJson(reversed(value)))));
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(JSON.parse(text)), text);
    }),
  );
});

test("any text is written as JSON.stringify writes it", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(canonicalJson(text), JSON.stringify(text))));
});

test("what JSON cannot hold is refused, what JSON leaves out is left out", () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  for (const value of [Number.NaN, Infinity, 1n, () => 1, Symbol("s"), loop, { deep: [Number.NaN] }])
    assert.throws(() => canonicalJson(value), { code: "invalid_input" });
  assert.equal(canonicalJson({ a: undefined, b: new Date(0), c: [undefined], d: -0 }), '{"b":"1970-01-01T00:00:00.000Z","c":[null],"d":0}');
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
