import { AppError, type Json, type Schema } from "@tutti/core";
import { z } from "zod";
import { jsonSchema } from "../../schemas/index.ts";

/** What holds values against a graph's JSON Schema, at once. What it passes on has the schema's defaults filled in. */
export interface ValueSchema extends Schema<Json> {
  /** What does not fit, in words; `undefined` when all does. */
  misfitOf(value: Json): string | undefined;
}

type JsonObject = { readonly [key: string]: Json };

interface Issue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/**
 * A JSON Schema as what checks values. Its patterns never reach the language's own regular expressions, which some texts make endless: they
 * run on RE2. Throws `invalid_input` for what is no schema, `unsupported` for what cannot be checked safely.
 */
export function schemaFor(schema: Json): ValueSchema {
  const hasOwn = hasPatterns(schema);
  const type = typeOf(hasOwn ? withoutPatterns(schema) : schema);
  const patterned = hasOwn ? jsonSchema(schema) : undefined;
  const check = (value: unknown): { readonly value: Json } | { readonly issues: readonly Issue[] } => {
    const { success, data, error } = type.safeParse(value);
    if (!success) return { issues: error.issues };
    const problems = patterned?.problemsOf(data) ?? [];
    return problems.length > 0 ? { issues: problems } : { value: data };
  };
  return {
    "~standard": { validate: check },
    misfitOf(value) {
      const result = check(value);
      return "issues" in result ? result.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") : undefined;
    },
  };
}

function typeOf(schema: Json): z.ZodType<Json> {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]) as z.ZodType<Json>;
  } catch (thrown) {
    throw new AppError(
      "invalid_input",
      `wanted a JSON Schema, got one that cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown },
    );
  }
}

/** Whether a key of a pattern stands anywhere, be it a keyword or a name that looks like one. */
function hasPatterns(schema: Json): boolean {
  if (Array.isArray(schema)) return (schema as readonly Json[]).some(hasPatterns);
  if (!isObject(schema)) return false;
  return Object.entries(schema).some(([key, value]) => key === "pattern" || key === "patternProperties" || hasPatterns(value));
}

/** Keywords that could refuse a value once patterns are gone from what they hold, and patterns. What refuses by them is checked beside this. */
const LEFT_OUT = new Set(["pattern", "patternProperties", "contains", "minContains", "maxContains"]);
/** Keywords that hold schemas by name. */
const BY_NAME = new Set(["properties", "$defs", "definitions"]);
/** Data, and what cannot be read anyway unless it is empty. */
const KEPT = new Set(["const", "enum", "default", "examples", "not"]);

/** A schema that refuses nothing which the given one lets pass, without patterns: it is there for the defaults. */
function withoutPatterns(schema: Json): Json {
  if (Array.isArray(schema)) return (schema as readonly Json[]).map(withoutPatterns);
  if (!isObject(schema)) return schema;
  const isOpen = schema["patternProperties"] !== undefined;
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]): readonly [string, Json][] => {
      if (LEFT_OUT.has(key) || (isOpen && key === "additionalProperties")) return [];
      if (KEPT.has(key)) return [[key, value]];
      // Without their patterns two of them may fit.
      if (key === "oneOf") return schema["anyOf"] === undefined ? [["anyOf", withoutPatterns(value)]] : [];
      if (!BY_NAME.has(key) || !isObject(value)) return [[key, withoutPatterns(value)]];
      return [[key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutPatterns(inner)]))]];
    }),
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
