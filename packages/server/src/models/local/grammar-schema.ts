import type { GbnfJsonBasicSchema } from "node-llama-cpp";

/** A schema that a grammar can be made of, with all its definitions at its root. It is more than basic; the library's own union of all is too deep for the compiler. */
export type GrammarSchema = GbnfJsonBasicSchema;

/** The part of JSON Schema that grammars know. */
interface Part {
  readonly [keyword: string]: unknown;
}

/** A JSON schema of which nothing is known. */
type JsonObject = Part;

/** One of the things that an answer may be; `inside` puts what fits the schema into something larger. */
export interface GrammarOption {
  readonly schema: unknown;
  readonly inside?: (part: Part) => Part;
}

type Definitions = Record<string, Part>;

/** Schemas that are nested deeper are cut off: whatever is JSON fits there. */
const DEPTH_MAX = 64;
/** llama.cpp repeats nothing more often; longer bounds are left to the model. */
const REPETITIONS_MAX = 1_000;
const ANY = "any JSON";
const SIMPLE_TYPES = new Set(["string", "number", "integer", "boolean", "null"]);
const ALL_TYPES = ["object", "array", "string", "number", "boolean", "null"];
const FORMATS = new Set(["date-time", "time", "date"]);

/**
 * JSON schemas of which an answer has to fit one, as a grammar can hold them. Every property is written, also those that need not be; ranges of
 * numbers, patterns, `not` and conditions cannot be held: what fits the grammar may still break those.
 */
export function grammarSchemaOf(options: readonly GrammarOption[]): GrammarSchema {
  const definitions: Definitions = {};
  const parts = options.map(({ schema, inside = (part) => part }, index) =>
    inside(new Conversion(schema, `${index}:`, definitions).part()),
  );
  const root = parts.length === 1 ? (parts[0] ?? {}) : { oneOf: parts };
  // Built of the few keywords below, so it is what the library's type says; the compiler cannot see that.
  return { ...root, $defs: definitions } as unknown as GrammarSchema;
}

/** One schema on its way; its definitions get a prefix, so that two schemas may have the same names. */
class Conversion {
  readonly #schema: unknown;
  readonly #prefix: string;
  readonly #definitions: Definitions;

  constructor(schema: unknown, prefix: string, definitions: Definitions) {
    this.#schema = schema;
    this.#prefix = prefix;
    this.#definitions = definitions;
  }

  part(): Part {
    return this.#convert(this.#schema, 0);
  }

  #convert(schema: unknown, depth: number): Part {
    if (!isObject(schema) || depth > DEPTH_MAX) return this.#any();
    if (typeof schema.$ref === "string") return this.#reference(schema.$ref, depth);
    if (schema.const !== undefined) return isLiteral(schema.const) ? { const: schema.const } : this.#any();
    if (Array.isArray(schema.enum) && schema.enum.some(isLiteral)) return { enum: schema.enum.filter(isLiteral) };
    const choices = schema.anyOf ?? schema.oneOf;
    if (Array.isArray(choices) && choices.length > 0) return { oneOf: choices.map((choice) => this.#convert(choice, depth + 1)) };
    if (Array.isArray(schema.allOf)) return this.#convert(merged(schema, schema.allOf), depth + 1);
    return this.#typed(schema, depth);
  }

  #typed(schema: JsonObject, depth: number): Part {
    const types = (Array.isArray(schema.type) ? schema.type : [schema.type ?? impliedType(schema)]).filter(
      (type) => typeof type === "string",
    );
    if (types.length === 0) return this.#any();
    const parts = types.map((type) => this.#ofType(type, schema, depth));
    return parts.length === 1 ? (parts[0] ?? this.#any()) : { oneOf: parts };
  }

  #ofType(type: string, schema: JsonObject, depth: number): Part {
    if (type === "object") return this.#object(schema, depth);
    if (type === "array") return this.#array(schema, depth);
    if (type !== "string") return SIMPLE_TYPES.has(type) ? { type } : this.#any();
    if (typeof schema.format === "string" && FORMATS.has(schema.format)) return { type, format: schema.format };
    return { type, ...bounds(schema, "minLength", "maxLength") };
  }

  #object(schema: JsonObject, depth: number): Part {
    const properties = Object.entries(isObject(schema.properties) ? schema.properties : {});
    const { additionalProperties } = schema;
    const isOpen = properties.length === 0 && additionalProperties !== false;
    return {
      type: "object",
      properties: Object.fromEntries(properties.map(([name, property]) => [name, this.#convert(property, depth + 1)])),
      ...(isOpen && {
        additionalProperties: this.#convert(additionalProperties, depth + 1),
        ...bounds(schema, "minProperties", "maxProperties"),
      }),
    };
  }

  #array(schema: JsonObject, depth: number): Part {
    const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
    return {
      type: "array",
      ...(prefix.length > 0 && { prefixItems: prefix.map((item) => this.#convert(item, depth + 1)) }),
      ...(schema.items !== false && { items: this.#convert(schema.items, depth + 1) }),
      ...(schema.items === false && { maxItems: prefix.length }),
      ...bounds(schema, "minItems", "maxItems"),
    };
  }

  /** References lead to definitions, or to the root; what they lead to is converted once, so schemas may contain themselves. */
  #reference(reference: string, depth: number): Part {
    const [, where, key = ""] = /^#(?:\/(\$defs|definitions)\/([^/]+))?$/.exec(reference) ?? [];
    const isRoot = reference === "#";
    const found = isRoot ? this.#schema : this.#definition(where, key);
    if (found === undefined) return this.#any();
    const name = this.#prefix + (isRoot ? "" : key);
    if (this.#definitions[name] === undefined) {
      // Kept before it is converted: on the way to itself it must be found.
      this.#definitions[name] = {};
      this.#definitions[name] = this.#convert(found, depth + 1);
    }
    return { $ref: `#/$defs/${name}` };
  }

  #definition(where: string | undefined, key: string): unknown {
    const all = where !== undefined && isObject(this.#schema) ? this.#schema[where] : undefined;
    return isObject(all) ? all[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }

  #any(): Part {
    const any = { $ref: `#/$defs/${ANY}` };
    this.#definitions[ANY] ??= {
      oneOf: ALL_TYPES.map((type) => {
        if (type === "object") return { type, additionalProperties: any };
        return type === "array" ? { type, items: any } : { type };
      }),
    };
    return any;
  }
}

function isLiteral(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function impliedType(schema: JsonObject): string | undefined {
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) return "object";
  return schema.items !== undefined || schema.prefixItems !== undefined ? "array" : undefined;
}

/** Lower and upper bounds of lengths, as far as a grammar can count. */
function bounds(schema: JsonObject, lower: string, upper: string): Part {
  const min = schema[lower];
  const max = schema[upper];
  return {
    ...(Number.isSafeInteger(min) && { [lower]: Math.min(Number(min), REPETITIONS_MAX) }),
    ...(Number.isSafeInteger(max) && Number(max) <= REPETITIONS_MAX && { [upper]: max }),
  };
}

/** What fits all of them has the properties of all of them; other keywords are the last one's. */
function merged(schema: JsonObject, all: readonly unknown[]): JsonObject {
  const { allOf: _, ...own } = schema;
  const objects = [own, ...all.filter(isObject)];
  const properties = Object.assign({}, ...objects.map((item) => item.properties ?? {})) as JsonObject;
  const whole = Object.assign({}, ...objects) as JsonObject;
  return Object.keys(properties).length === 0 ? whole : { ...whole, properties };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
