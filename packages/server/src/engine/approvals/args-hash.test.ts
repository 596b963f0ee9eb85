import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { canonicalJson, type Json } from "@tutti/core";
import fc from "fast-check";
import { argsHash } from "./args-hash.ts";

test("the example of RFC 8785 §3.2.2 is written as §3.2.3 has it", () => {
  const value: unknown = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  const wanted = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
  assert.equal(canonicalJson(value), wanted);
});

test("keys are sorted by UTF-16 code units, as in RFC 8785 §3.2.3", () => {
  const value: unknown = JSON.parse(String.raw`{
    "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
  }`);
  const values = [...canonicalJson(value).matchAll(/:"([^"]+)"/g)].map(([, text]) => text);
  assert.deepEqual(values, [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
  assert.equal(canonicalJson({ 10: 1, 9: 2, a: 3 }), '{"10":1,"9":2,"a":3}');
});

test("numbers are written as in RFC 8785, appendix B", () => {
  for (const [bits, text] of [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ] as const)
    assert.equal(canonicalJson(Buffer.from(bits, "hex").readDoubleBE()), text);
  for (const bits of ["7fffffffffffffff", "7ff0000000000000"])
    assert.throws(() => canonicalJson(Buffer.from(bits, "hex").readDoubleBE()), { code: "invalid_input" });
});

test("what is no Unicode is not approved, whatever stands around it", () => {
  for (const text of ["\ud800", "a\udfffb", "\\\ud800", '"\udc00"'])
    for (const input of [text, { [text]: 1 }, [{ deep: text }]])
      assert.throws(() => argsHash(input), { code: "invalid_input", message: /lone surrogate/ });
  for (const text of ["\u{1f600}", "\\ud800", "\\\\ud800"]) assert.match(argsHash({ text }), /^[0-9a-f]{64}$/);
});

test("the hash is of what an input says, not of how it is written", () => {
  const input = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }).filter((value) => JSON.stringify(value).isWellFormed());
  fc.assert(
    fc.property(input, (value) => {
      const copy = JSON.parse(JSON.stringify(value, undefined, 2)) as Json;
      const text = canonicalJson(value);
      if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) return;
      assert.equal(argsHash(copy), argsHash(reversed(copy)));
      assert.equal(argsHash(copy), createHash("sha256").update(text).digest("hex"));
    }),
  );
});

/** The same value with the keys of its objects in the opposite order. */
function reversed(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
