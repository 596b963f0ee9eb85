import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, parse, type Json } from "@tutti/core";
import fc from "fast-check";
import Fraction from "fraction.js";
import { safeCalc } from "./safe-calc.ts";

const call = { idempotencyKey: "test", principal: { id: "tester", tenant: "test", roles: [] }, signal: new AbortController().signal };

async function calculate(expression: string): Promise<{ readonly result: string; readonly exact: boolean; readonly text: string }> {
  return safeCalc.run(await parse(safeCalc.input, { expression }, "input"), call);
}

async function results(expressions: readonly string[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(expressions.map(async (expression) => [expression, (await calculate(expression)).result])));
}

async function complaint(expression: string): Promise<string> {
  const error = await calculate(expression).then(
    ({ result }) => assert.fail(`"${expression}" gave ${result}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, `"${expression}" threw ${String(error)}`);
  assert.equal(error.code, "invalid_input");
  return error.message;
}

/** Expressions with the value they must have, or `undefined` where they divide by zero. */
const { expression: expressions } = fc.letrec<{ expression: readonly [text: string, value: Fraction | undefined] }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(fc.nat(9_999), fc.nat(99)).map(([whole, decimals]) => [`${whole}.${decimals}`, new Fraction(`${whole}.${decimals}`)] as const),
    fc
      .tuple(tie("expression"), fc.constantFrom("+", "-", "*", "/"), tie("expression"))
      .map(([[left, a], sign, [right, b]]) => [`(${left}) ${sign} (${right})`, operate(sign, a, b)] as const),
    tie("expression").map(([text, value]) => [`-(${text})`, value?.neg()] as const),
    tie("expression").map(([text, value]) => [`(${text})%`, value?.div(100)] as const),
    fc.tuple(tie("expression"), fc.nat(4)).map(([[text, value], exponent]) => [`(${text})^${exponent}`, value?.pow(exponent)] as const),
  ),
}));

function operate(sign: string, a: Fraction | undefined, b: Fraction | undefined): Fraction | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (sign === "/") return b.n === 0n ? undefined : a.div(b);
  if (sign === "+") return a.add(b);
  return sign === "-" ? a.sub(b) : a.mul(b);
}

test("decimals and fractions are exact", async () => {
  assert.deepEqual(await calculate("0.1 + 0.2"), { expression: "0.1 + 0.2", result: "0.3", exact: true, text: "0.1 + 0.2 = 0.3" });
  assert.deepEqual(await calculate("20/6"), { expression: "20/6", result: "10/3", exact: true, text: "20/6 = 10/3 ≈ 3.33333333333333" });
  assert.equal((await calculate("10/3")).text, "10/3 ≈ 3.33333333333333");
  assert.equal((await calculate("2^200")).result, (2n ** 200n).toString());
});

test("operators bind as on paper", async () => {
  assert.deepEqual(
    await results([
      "1+2*3",
      "(1+2)*3",
      "10-2-3",
      "2^3^2",
      "-2^2",
      "2^-1",
      "8/4/2",
      "7 % 3",
      "7 mod 3",
      "-7 % 3",
      "2 × 3 ÷ 4 − 1",
      "2**3",
      "+5",
      "--5",
    ]),
    {
      "1+2*3": "7",
      "(1+2)*3": "9",
      "10-2-3": "5",
      "2^3^2": "512",
      "-2^2": "-4",
      "2^-1": "0.5",
      "8/4/2": "1",
      "7 % 3": "1",
      "7 mod 3": "1",
      "-7 % 3": "-1",
      "2 × 3 ÷ 4 − 1": "0.5",
      "2**3": "8",
      "+5": "5",
      "--5": "5",
    },
  );
});

test("a percent sign with nothing to divide by is a hundredth", async () => {
  assert.deepEqual(await results(["15% of 240", "50%", "200 * 5%", "10% + 5", "50%%", "1/2 of 10"]), {
    "15% of 240": "36",
    "50%": "0.5",
    "200 * 5%": "10",
    "10% + 5": "5.1",
    "50%%": "0.005",
    "1/2 of 10": "5",
  });
});

test("operators may be words", async () => {
  assert.deepEqual(await results(["6 times 7", "7 minus 2 plus 1", "1 divided  by 4", "15 percent of 240"]), {
    "6 times 7": "42",
    "7 minus 2 plus 1": "6",
    "1 divided  by 4": "0.25",
    "15 percent of 240": "36",
  });
  assert.match(await complaint("1 divided 4"), /at position 3, got "divided"/);
});

test("functions stay exact where they can", async () => {
  assert.deepEqual(
    await results([
      "abs(-2)",
      "min(3, 1/3, 2)",
      "max(1, 2.5)",
      "sum(1,2,3)",
      "avg(1,2,3,4)",
      "floor(-2.5)",
      "ceil(2.1)",
      "round(2.675, 2)",
      "round(-0.5)",
      "round(1234, -2)",
      "sqrt(4/9)",
      "4^1.5",
      "Sqrt(16)",
    ]),
    {
      "abs(-2)": "2",
      "min(3, 1/3, 2)": "1/3",
      "max(1, 2.5)": "2.5",
      "sum(1,2,3)": "6",
      "avg(1,2,3,4)": "2.5",
      "floor(-2.5)": "-3",
      "ceil(2.1)": "3",
      "round(2.675, 2)": "2.68",
      "round(-0.5)": "-1",
      "round(1234, -2)": "1200",
      "sqrt(4/9)": "2/3",
      "4^1.5": "8",
      "Sqrt(16)": "4",
    },
  );
});

test("what is irrational says that it is approximate", async () => {
  assert.deepEqual(await calculate("sqrt(2)"), {
    expression: "sqrt(2)",
    result: "1.4142135623731",
    exact: false,
    text: "sqrt(2) ≈ 1.4142135623731",
  });
  assert.deepEqual(await results(["sqrt(2)^2", "ln(e)", "log10(1000)", "log2(8)", "cos(0)", "exp(0)", "pi", "8^(1/3)", "round(pi, 2)"]), {
    "sqrt(2)^2": "2",
    "ln(e)": "1",
    "log10(1000)": "3",
    "log2(8)": "3",
    "cos(0)": "1",
    "exp(0)": "1",
    pi: "3.14159265358979",
    "8^(1/3)": "2",
    "round(pi, 2)": "3.14",
  });
});

test("an error names its place", async () => {
  assert.equal(await complaint("2 +"), 'wanted a number, a name or "(" at position 4, got the end');
  assert.equal(await complaint("(2"), 'wanted an operator or ")" at position 3, got the end');
  assert.equal(await complaint("2 3"), 'wanted an operator or the end at position 3, got "3"');
  assert.equal(await complaint("1 + 😀"), 'wanted a number, a name or an operator at position 5, got "😀"');
  assert.equal(await complaint("1,000 + 1"), 'wanted an operator at position 2, got ","; write 1000, not 1,000');
  assert.equal(await complaint("max(1,000, 2)"), "the number at position 7 begins with 0; write 1000, not 1,000");
  assert.equal(await complaint("5 - 1/0"), "division by zero, at position 6");
  assert.equal(await complaint("0^-1"), "division by zero, at position 2");
  assert.equal(await complaint("sqrt(-1)"), "the square root of a negative number is not a real number, at position 1");
  assert.equal(await complaint("round(1, 2, 3)"), "round at position 1 takes 1 to 2 arguments, got 3");
  assert.match(await complaint("constructor"), /^wanted one of pi, e, abs, .* at position 1, got "constructor"$/);
});

test("nothing holds the process up: long numbers, huge powers and deep nesting are refused", async () => {
  for (const expression of [
    "2^99999999999",
    "2^3400",
    "(1/2)^3400",
    "9".repeat(1_500),
    "1e99999999999",
    "7^1180/3^2090*7^1180",
    "exp(1e300)",
    "2^2^2^2^2^2",
  ]) {
    assert.match(await complaint(expression), /digits|too large/);
  }
  assert.match(await complaint("(".repeat(1_500)), /more than 100 levels of nesting at position 101/);
  assert.match(await complaint(`${"-".repeat(1_500)}1`), /more than 100 levels/);
  assert.match(await complaint(`${"2^".repeat(900)}1`), /more than 100 levels/);
  assert.match(await complaint("1".repeat(10_000)), /expression: Too big: expected string to have <=2000 characters/);
  assert.deepEqual(await results(["1^99999999999999999999", "(-1)^99999999999999999999", "0^99999999999999999999"]), {
    "1^99999999999999999999": "1",
    "(-1)^99999999999999999999": "-1",
    "0^99999999999999999999": "0",
  });
});

test("every expression of rational numbers has its exact value", async () => {
  await fc.assert(
    fc.asyncProperty(expressions, async ([text, value]) => {
      fc.pre(text.length <= 2_000 && (value === undefined || (value.n < 10n ** 300n && value.d < 10n ** 300n)));
      const outcome = await calculate(text).catch((error: unknown) => error);
      if (value === undefined) assert.ok(outcome instanceof AppError);
      else if (outcome instanceof AppError) assert.match(outcome.message, /more than 1000 digits|levels of nesting/);
      else
        assert.ok(
          new Fraction((outcome as { result: string }).result).equals(value),
          `${text} gave ${JSON.stringify(outcome)}, wanted ${value.toFraction()}`,
        );
    }),
  );
});

test("any text gives a result or invalid_input, never anything else", async () => {
  const alphabet = fc.constantFrom(
    ..."0123456789.eE+-*/%^(),×÷−! ".split(""),
    "sqrt",
    "round(",
    "pi",
    "of",
    "mod",
    "__proto__",
    "é",
    "😀",
    "\ud800",
    "\u0000",
  );
  const input: fc.Arbitrary<Json> = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join("")),
    fc.jsonValue() as fc.Arbitrary<Json>,
  );
  await fc.assert(
    fc.asyncProperty(input, async (expression) => {
      const outcome: unknown = await calculate(expression as string).catch((error: unknown) => error);
      if (outcome instanceof Error) assert.equal((outcome as AppError).code, "invalid_input");
    }),
    { numRuns: 2_000 },
  );
});
