import type { Json } from "../json.ts";
import { isObject } from "./shape.ts";

type Schema = { readonly [key: string]: Json };

/** What Anthropic's grammars know of JSON Schema, by its page on structured outputs. */
const KEPT: ReadonlySet<string> = new Set([
  "$ref",
  "$defs",
  "definitions",
  "$schema",
  "$id",
  "title",
  "description",
  "type",
  "enum",
  "const",
  "default",
  "properties",
  "required",
  "items",
  "anyOf",
  "allOf",
]);
const FORMATS: ReadonlySet<Json> = new Set(["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]);
const MAPS: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);
const LISTS: ReadonlySet<string> = new Set(["anyOf", "allOf", "oneOf", "prefixItems"]);
/** Deeper schemas stay as they are; no grammar could hold them. */
const DEPTH_MAX = 64;

/**
 * A schema that Anthropic can hold a model to: every object is closed, and what its grammars do not know stands in the description, where
 * the model reads it.
 */
export function closedSchema(schema: Json): Json {
  return close(schema, 0);
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
  return key === "items" || LISTS.has(key) ? [value] : [];
}

function close(schema: Json, depth: number): Json {
  if (!isObject(schema) || depth >= DEPTH_MAX) return schema;
  const kept: { [key: string]: Json } = {};
  const left: string[] = [];
  for (const [key, value] of Object.entries(schema as Schema)) {
    // Its grammars try one alternative after another, so "one of" is "any of" to them.
    if (key === "oneOf") kept.anyOf = closeKeyword(key, value, depth);
    else if (isKept(key, value)) kept[key] = closeKeyword(key, value, depth);
    else if (key !== "additionalProperties") left.push(`${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  if (isObjectSchema(kept)) kept.additionalProperties = false;
  if (left.length > 0) kept.description = [...described(kept), ...left].join("; ");
  return kept;
}

function isKept(key: string, value: Json): boolean {
  if (key === "format") return FORMATS.has(value);
  return KEPT.has(key) || (key === "minItems" && (value === 0 || value === 1));
}

function closeKeyword(key: string, value: Json, depth: number): Json {
  if (MAPS.has(key) && isObject(value))
    return Object.fromEntries(Object.entries(value as Schema).map(([name, item]) => [name, close(item, depth + 1)]));
  if (LISTS.has(key)) return Array.isArray(value) ? value.map((item: Json) => close(item, depth + 1)) : value;
  return key === "items" ? close(value, depth + 1) : value;
}

function described({ description }: Schema): readonly string[] {
  return typeof description === "string" && description !== "" ? [description] : [];
}

function isObjectSchema({ type, properties }: Schema): boolean {
  return properties !== undefined || type === "object" || (Array.isArray(type) && type.includes("object"));
}
