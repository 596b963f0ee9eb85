import { AppError, type Json } from "@tutti/core";
import { jsonrepair } from "jsonrepair";
import { RE2JS } from "re2js";
import { z } from "zod";

/** What came of a text that should be JSON of a schema. */
export type SchemaVerdict =
  | { readonly type: "fits"; readonly text: string; readonly isRepaired: boolean }
  | { readonly type: "misfit"; readonly problem: string };

/** Answers to be checked; `undefined` where a schema uses what we cannot check. */
export type SchemaCheck = (text: string) => SchemaVerdict;

const PROBLEMS_MAX = 5;
const DEPTH_MAX = 64;
/** Mending takes time in the square of a hostile text's length: a quarter of a second for so many characters. Longer texts are not mended. */
const REPAIRED_CHARACTERS_MAX = 32_000;

type JsonObject = { readonly [key: string]: Json };

/** A check for a schema, or for any JSON where there is none. Throws what zod says of a schema that it cannot use. */
export function schemaCheck(schema: Json | undefined): SchemaCheck {
  const patterns: Pattern[] = [];
  const type = schema === undefined ? undefined : z.fromJSONSchema(withoutPatterns(schema, [], patterns) as never);
  const problemOf = (value: Json): string | undefined => {
    const result = type?.safeParse(value);
    if (result?.success === false)
      return result.error.issues
        .slice(0, PROBLEMS_MAX)
        .map(({ path, message }) => `${["$", ...path].join(".")}: ${message}`)
        .join("; ");
    return patterns.map((pattern) => patternProblem(value, pattern, 0)).find((problem) => problem !== undefined);
  };
  return (text) => verdictOf(text, problemOf);
}

function verdictOf(text: string, problemOf: (value: Json) => string | undefined): SchemaVerdict {
  const direct = read(text);
  const problem = direct === undefined ? "it is not JSON" : problemOf(direct.value);
  if (problem === undefined) return { type: "fits", text, isRepaired: false };
  const mended = mend(text);
  const value = mended === undefined ? undefined : read(mended);
  if (mended === undefined || value === undefined) return { type: "misfit", problem };
  // Mending makes a string of any text, which is JSON, but not what anybody asked for.
  const isSameKind = direct !== undefined || (typeof value.value === "object" && value.value !== null);
  const left = isSameKind ? problemOf(value.value) : problem;
  return left === undefined ? { type: "fits", text: mended, isRepaired: true } : { type: "misfit", problem: left };
}

function read(text: string): { readonly value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}

/** Broken JSON made whole: fences, missing quotes and brackets, trailing commas, comments; prose around one object or array goes. */
function mend(text: string): string | undefined {
  if (text.length > REPAIRED_CHARACTERS_MAX) return undefined;
  for (const candidate of [text, withoutProse(text)]) {
    try {
      const mended = jsonrepair(candidate);
      const value = read(mended)?.value;
      // Prose around an object is taken for a list of several texts.
      if (candidate !== text || (typeof value === "object" && value !== null && !isProse(text))) return mended;
    } catch {
      // Not to be mended as it stands.
    }
  }
  return undefined;
}

function isProse(text: string): boolean {
  return !/^\s*(?:```|[[{])/.test(text);
}

function withoutProse(text: string): string {
  const start = text.search(/[[{]/);
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  return start < 0 ? text : text.slice(start, end < start ? undefined : end + 1);
}

/** A `pattern` of a schema, and the way to the strings that it is for: properties by name, "*" for the items of a list. */
interface Pattern {
  readonly path: readonly string[];
  readonly pattern: RE2JS;
}

/** Keywords that hold a schema, a list of schemas, or schemas by name. */
const INNER = new Set(["additionalProperties", "anyOf", "allOf", "oneOf", "prefixItems", "contains", "propertyNames", "not"]);
const INNER_BY_NAME = new Set(["$defs", "definitions"]);

/**
 * The schema without its patterns, which would be run by an engine that some texts make endless; RE2 checks them instead, where a path of
 * properties and items leads there. `path` undefined: several ways lead there, and the patterns are left out.
 */
function withoutPatterns(schema: Json, path: readonly string[] | undefined, patterns: Pattern[]): Json {
  if (Array.isArray(schema)) return (schema as readonly Json[]).map((inner) => withoutPatterns(inner, undefined, patterns));
  if (!isObject(schema)) return schema;
  if (schema["patternProperties"] !== undefined)
    throw new AppError("unsupported", "wanted a schema that can be checked, got one with patternProperties");
  const below = (step: string): readonly string[] | undefined =>
    path === undefined || path.length >= DEPTH_MAX ? undefined : [...path, step];
  const byName = (value: JsonObject, isProperties: boolean): Json =>
    Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, withoutPatterns(inner, isProperties ? below(name) : undefined, patterns)]),
    );
  const kept: [string, Json][] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (key === "pattern" && typeof value === "string") {
      if (path !== undefined) patterns.push({ path, pattern: RE2JS.compile(value) });
    } else if (key === "items") kept.push([key, withoutPatterns(value, below("*"), patterns)]);
    else if (isObject(value) && (key === "properties" || INNER_BY_NAME.has(key))) kept.push([key, byName(value, key === "properties")]);
    else kept.push([key, INNER.has(key) ? withoutPatterns(value, undefined, patterns) : value]);
  }
  return Object.fromEntries(kept);
}

function patternProblem(value: Json | undefined, { path, pattern }: Pattern, depth: number): string | undefined {
  const step = path[depth];
  if (step === undefined) {
    const isMisfit = typeof value === "string" && !pattern.matcher(value).find();
    return isMisfit ? `$.${path.join(".")}: it must match ${pattern.pattern()}` : undefined;
  }
  if (step === "*" && Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      const problem = patternProblem(item, { path, pattern }, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  return isObject(value) && Object.hasOwn(value, step) ? patternProblem(value[step], { path, pattern }, depth + 1) : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
