import type { Json } from "../json.ts";
import { isObject } from "./shape.ts";

type Schema = { readonly [key: string]: Json };

/** What a provider understands of JSON Schema. */
interface Dialect {
  readonly keywords: ReadonlySet<string>;
  readonly formats: ReadonlySet<Json>;
  /** Values that a keyword may have, where it may not have all. */
  readonly values: ReadonlyMap<string, ReadonlySet<Json>>;
  /** Keywords that are said in other words. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Every object has to say that it has no other properties. */
  readonly isClosed: boolean;
}

const COMMON = ["$ref", "$defs", "$id", "title", "description", "type", "enum", "properties", "required", "items", "anyOf"];

/** Anthropic's grammars, by its page on structured outputs. */
const ANTHROPIC: Dialect = {
  keywords: new Set([...COMMON, "definitions", "$schema", "const", "default", "allOf", "minItems"]),
  formats: new Set(["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]),
  values: new Map([["minItems", new Set([0, 1])]]),
  renamed: new Map([["oneOf", "anyOf"]]),
  isClosed: true,
};

/** Google's `responseJsonSchema` and `parametersJsonSchema`, by the reference of its API. */
const GOOGLE: Dialect = {
  keywords: new Set([
    ...COMMON,
    "$anchor",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "additionalProperties",
    "propertyOrdering",
  ]),
  formats: new Set(["date-time", "date", "time"]),
  values: new Map(),
  renamed: new Map([
    ["oneOf", "anyOf"],
    ["definitions", "$defs"],
    ["const", "enum"],
  ]),
  isClosed: false,
};

const MAPS: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);
const LISTS: ReadonlySet<string> = new Set(["anyOf", "allOf", "oneOf", "prefixItems"]);
const ONES: ReadonlySet<string> = new Set(["items", "additionalProperties", "not", "if", "then", "else"]);
/** Deeper schemas stay as they are; no grammar could hold them. */
const DEPTH_MAX = 64;

/**
 * A schema that Anthropic can hold a model to: every object is closed, and what its grammars do not know stands in the description, where
 * the model reads it.
 */
export function closedSchema(schema: Json): Json {
  return fit(schema, ANTHROPIC, 0);
}

/** A schema that Google takes: what it does not know stands in the description. */
export function googleSchema(schema: Json): Json {
  return fit(schema, GOOGLE, 0);
}

/** Whether closing its objects changes what a schema asks for: a map or a free object could then only be empty. */
export function isOpenSchema(schema: Json): boolean {
  return isOpen(schema, 0);
}

function isOpen(schema: Json, depth: number): boolean {
  if (Array.isArray(schema)) return schema.some((item: Json) => isOpen(item, depth));
  if (!isObject(schema) || depth >= DEPTH_MAX) return false;
  const { properties, additionalProperties, patternProperties } = schema as Schema;
  if (additionalProperties === true || isObject(additionalProperties) || patternProperties !== undefined) return true;
  if (isObjectSchema(schema as Schema) && properties === undefined && additionalProperties !== false) return true;
  return Object.entries(schema as Schema).some(([key, value]) => subschemas(key, value).some((item) => isOpen(item, depth + 1)));
}

function subschemas(key: string, value: Json): readonly Json[] {
  if (MAPS.has(key)) return isObject(value) ? Object.values(value as Schema) : [];
  return LISTS.has(key) || ONES.has(key) ? [value] : [];
}

function fit(schema: Json, dialect: Dialect, depth: number): Json {
  if (!isObject(schema) || depth >= DEPTH_MAX) return schema;
  const kept: { [key: string]: Json } = {};
  const left: string[] = [];
  for (const [key, value] of Object.entries(schema as Schema)) {
    const name = dialect.renamed.get(key) ?? key;
    // Google has no "const": one value is a list of one.
    if (key === "const" && name === "enum") kept.enum = [value];
    else if (isKept(key, value, dialect)) kept[name] = fitKeyword(key, value, (item) => fit(item, dialect, depth + 1));
    else if (key !== "additionalProperties" && key !== "$schema")
      left.push(`${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  if (dialect.isClosed && isObjectSchema(kept)) kept.additionalProperties = false;
  if (left.length > 0) kept.description = [...described(kept), ...left].join("; ");
  return kept;
}

function isKept(key: string, value: Json, { keywords, formats, values, renamed }: Dialect): boolean {
  if (key === "format") return formats.has(value);
  return renamed.has(key) || (keywords.has(key) && values.get(key)?.has(value) !== false);
}

function fitKeyword(key: string, value: Json, fitOne: (schema: Json) => Json): Json {
  if (MAPS.has(key) && isObject(value))
    return Object.fromEntries(Object.entries(value as Schema).map(([name, item]) => [name, fitOne(item)]));
  if (LISTS.has(key)) return Array.isArray(value) ? value.map(fitOne) : value;
  return ONES.has(key) ? fitOne(value) : value;
}

function described({ description }: Schema): readonly string[] {
  return typeof description === "string" && description !== "" ? [description] : [];
}

function isObjectSchema({ type, properties }: Schema): boolean {
  return properties !== undefined || type === "object" || (Array.isArray(type) && type.includes("object"));
}
