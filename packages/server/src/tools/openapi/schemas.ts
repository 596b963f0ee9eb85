import { AppError, type Json } from "@tutti/core";
import { atPointer, isObject, listIn, type ApiDocument, type JsonObject } from "./document.ts";

const DEPTH_MAX = 64;
const COMPONENTS = "#/components/schemas/";
/** What describes a schema for people and generators, or means nothing outside OpenAPI. */
const LEFT_OUT = new Set([
  "example",
  "examples",
  "discriminator",
  "xml",
  "externalDocs",
  "nullable",
  "deprecated",
  "readOnly",
  "writeOnly",
]);
const DATA = new Set(["enum", "const", "default"]);
const BY_NAME = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);

/**
 * Schemas of a description as JSON Schema. Named ones are referred to and not written out, because they may refer to themselves; `definitions`
 * holds those that were met. What a request may not carry (`readOnly`) is not required in it, and the other way round.
 */
export class SchemaWriter {
  readonly #document: ApiDocument;
  readonly #omitted: "readOnly" | "writeOnly";
  readonly #definitions = new Map<string, Json>();

  constructor(document: ApiDocument, direction: "request" | "response") {
    this.#document = document;
    this.#omitted = direction === "request" ? "readOnly" : "writeOnly";
  }

  /** The definitions that the schemas written so far refer to; as a part of the schema that holds them. */
  get definitions(): { readonly $defs?: Json } {
    return this.#definitions.size === 0 ? {} : { $defs: Object.fromEntries(this.#definitions) };
  }

  write(schema: Json | undefined, depth = 0): Json {
    if (depth > DEPTH_MAX) throw new AppError("too_large", `wanted a schema of at most ${DEPTH_MAX} levels, got a deeper one`);
    if (Array.isArray(schema)) return (schema as readonly Json[]).map((item) => this.write(item, depth + 1));
    if (!isObject(schema)) return schema ?? {};
    if (typeof schema["$ref"] === "string") return this.#refer(schema["$ref"], depth);
    return this.#nullable(schema, this.#keywords(schema, depth));
  }

  #keywords(schema: JsonObject, depth: number): JsonObject {
    const entries = Object.entries(schema).flatMap(([key, value]): readonly [string, Json][] => {
      if (LEFT_OUT.has(key) || key.startsWith("x-")) return [];
      if (key === "required") return [[key, this.#required(schema)]];
      // In 3.0 these are true or false, beside the bound that they sharpen.
      if (key === "exclusiveMinimum" || key === "exclusiveMaximum") return exclusive(schema, key);
      if (DATA.has(key)) return [[key, value]];
      if (BY_NAME.has(key) && isObject(value))
        return [[key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.write(inner, depth + 1)]))]];
      return [[key, this.write(value, depth + 1)]];
    });
    return Object.fromEntries(entries);
  }

  #refer(reference: string, depth: number): Json {
    const target = atPointer(this.#document.root, reference);
    if (target === undefined) throw new AppError("invalid_input", `wanted references to what is there, got ${reference}`);
    if (!reference.startsWith(COMPONENTS)) return this.write(target, depth + 1);
    const name = reference.slice(COMPONENTS.length).replaceAll(/[^\w.-]/g, "_");
    if (!this.#definitions.has(name)) {
      // Before it is written: it may refer to itself.
      this.#definitions.set(name, {});
      this.#definitions.set(name, this.write(target, 0));
    }
    return { $ref: `#/$defs/${name}` };
  }

  #required(schema: JsonObject): Json {
    const properties = isObject(schema["properties"]) ? schema["properties"] : {};
    return listIn(schema, "required").filter((name) => {
      const property = typeof name === "string" && Object.hasOwn(properties, name) ? properties[name] : undefined;
      return !(isObject(property) && property[this.#omitted] === true);
    });
  }

  #nullable(schema: JsonObject, written: JsonObject): Json {
    if (schema["nullable"] !== true) return written;
    const { type, enum: values } = written;
    if (typeof type !== "string") return { anyOf: [written, { type: "null" }] };
    return { ...written, type: [type, "null"], ...(Array.isArray(values) && { enum: [...(values as readonly Json[]), null] }) };
  }
}

function exclusive(schema: JsonObject, key: "exclusiveMinimum" | "exclusiveMaximum"): readonly [string, Json][] {
  const value = schema[key];
  if (typeof value === "number") return [[key, value]];
  const bound = schema[key === "exclusiveMinimum" ? "minimum" : "maximum"];
  return value === true && typeof bound === "number" ? [[key, bound]] : [];
}
