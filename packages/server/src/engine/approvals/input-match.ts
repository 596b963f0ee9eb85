import { AppError, canonicalJson, type Json } from "@tutti/core";
import { RE2JS } from "re2js";
import { z } from "zod";

/** Texts longer than this match no pattern. RE2 takes linear time, but this runs on the event loop. */
const MATCHED_CHARACTERS_MAX = 64_000;
/** RE2 counts the instructions a pattern compiles to. */
const PATTERN_SIZE_MAX = 2_000;

/** What an input may hold at one place. */
const conditionSchema = z.union([
  z.strictObject({ equals: z.json() }),
  z.strictObject({ oneOf: z.array(z.json()).min(1).max(1000) }),
  z
    .strictObject({ pattern: z.string().min(1).max(2000) })
    .refine(({ pattern }) => isPattern(pattern), "wanted a regular expression in RE2 syntax"),
  z.strictObject({ min: z.number().optional(), max: z.number() }),
]);

/** Conditions by place in the input: "to", "order.amount". All of them have to hold; a place that is not there fits none. */
export const inputMatchSchema = z
  .record(z.string().min(1).max(200), conditionSchema)
  .refine((where) => Object.keys(where).length <= 50, "wanted at most 50 places");

export type InputMatch = z.output<typeof inputMatchSchema>;

/** Whether an input is as wanted at every place. */
export function matchesInput(where: InputMatch, input: Json): boolean {
  return Object.entries(where).every(([path, condition]) => {
    const value = valueAt(input, path);
    return value !== undefined && holds(condition, value);
  });
}

/** The number at a place of an input; `undefined` when there is none. */
export function amountAt(input: Json, path: string): number | undefined {
  const value = valueAt(input, path);
  return typeof value === "number" ? value : undefined;
}

function holds(condition: InputMatch[string], value: Json): boolean {
  if ("equals" in condition) return canonicalJson(condition.equals) === canonicalJson(value);
  if ("oneOf" in condition) return condition.oneOf.some((one) => canonicalJson(one) === canonicalJson(value));
  if ("pattern" in condition)
    return typeof value === "string" && value.length <= MATCHED_CHARACTERS_MAX && RE2JS.compile(condition.pattern).matches(value);
  return typeof value === "number" && value >= (condition.min ?? -Infinity) && value <= condition.max;
}

function valueAt(input: Json, path: string): Json | undefined {
  let value: unknown = input;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value as Json;
}

function isPattern(source: string): boolean {
  try {
    return RE2JS.compile(source).programSize() <= PATTERN_SIZE_MAX;
  } catch (error) {
    // What else goes wrong is no fault of the pattern.
    if (AppError.from(error).code !== "internal") throw error;
    return false;
  }
}
