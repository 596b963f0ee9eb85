import { z } from "zod";
import { defineTool } from "../define-tool.ts";
import { evaluate, EXPRESSION_CHARACTERS_MAX } from "./evaluate.ts";
import { digits, format, toNumber, type Value } from "./number.ts";

/** Computes an arithmetic expression with exact fractions. It reads a grammar of its own and never runs code. */
export const safeCalc = defineTool({
  name: "safe_calc",
  description:
    "Computes arithmetic exactly: + - * / ^ % and parentheses, percentages (15% of 240), pi, e, and the functions " +
    "abs min max sum avg round floor ceil sqrt ln log10 log2 exp sin cos tan.",
  effect: "read",
  input: z.strictObject({
    expression: z.string().min(1).max(EXPRESSION_CHARACTERS_MAX).describe("What to compute, such as 12*(3+4) or 15% of 240."),
  }),
  output: z.strictObject({
    expression: z.string(),
    result: z.string().describe("A whole number, a decimal or a fraction; every digit counts where `exact` is true."),
    exact: z.boolean().describe("False for roots, logarithms, trigonometry, pi and e, which are rounded to 14 digits."),
    text: z.string().describe("The result as a sentence."),
  }),
  examples: [
    { input: { expression: "0.1 + 0.2" }, output: { expression: "0.1 + 0.2", result: "0.3", exact: true, text: "0.1 + 0.2 = 0.3" } },
    { input: { expression: "15% of 240" }, output: { expression: "15% of 240", result: "36", exact: true, text: "15% of 240 = 36" } },
  ],
  cost: { usd: 0, durationMs: 1 },
  run: ({ expression }) => {
    const value = evaluate(expression);
    const result = format(value);
    return { expression, result, exact: value.exact, text: sentence(expression.trim(), result, value) };
  },
});

/** The result as people write it: `0.1 + 0.2 = 0.3`, `20/6 = 10/3 ≈ 3.33333333333333`, `sqrt(2) ≈ 1.4142135623731`. */
function sentence(expression: string, result: string, value: Value): string {
  if (!value.exact) return `${expression} ≈ ${result}`;
  const equation = expression.replaceAll(/\s/g, "") === result ? expression : `${expression} = ${result}`;
  const near = result.includes("/") ? toNumber(value) : Number.NaN;
  return Number.isFinite(near) ? `${equation} ≈ ${digits(near)}` : equation;
}
