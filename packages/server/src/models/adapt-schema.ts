import { AppError, type Json } from "@tutti/core";

/** Which JSON Schema a provider understands; what is left out, it understands whole. */
export interface SchemaDialect {
  /** The keywords it knows; all others are dropped. Left out: it knows all but those of `without`. */
  readonly keywords?: ReadonlySet<string>;
  readonly without?: ReadonlySet<string>;
  /** It does not follow `$ref`: what is referred to takes its place. A schema that holds itself stays open there. */
  readonly inlinesRefs?: true;
  /** "null" is no type for it but `nullable` (OpenAPI 3.0), and a schema has one type. */
  readonly hasNullable?: true;
  /** What it lists in `enum` can only be text; other lists are dropped. */
  readonly hasTextEnums?: true;
}

/** The most schemas within one, once references are followed: a small schema can refer to itself very often. */
const SCHEMAS_MAX = 20_000;

type Fields = { readonly [keyword: string]: Json };

/** A schema in a provider's dialect: the same meaning as far as it goes, and wider where a keyword had to be dropped. */
export function adaptSchema(schema: Json, dialect: SchemaDialect): Json {
  return new Adaptation(schema, dialect).adapt(schema);
}

/** One schema on its way into a dialect. */
class Adaptation {
  readonly #root: Json;
  readonly #dialect: SchemaDialect;
  /** The references that are being followed. */
  readonly #following = new Set<string>();
  #schemas = 0;

  constructor(root: Json, dialect: SchemaDialect) {
    this.#root = root;
    this.#dialect = dialect;
  }

  adapt(schema: Json): Json {
    this.#schemas += 1;
    if (this.#schemas > SCHEMAS_MAX)
      throw new AppError("too_large", `wanted a schema of at most ${SCHEMAS_MAX} parts once its references are followed, got a larger one`);
    // `true` allows everything, as the empty schema does; `false`, which allows nothing, has no other word in smaller dialects.
    if (!isObject(schema)) return {};
    const reference = schema.$ref;
    if (this.#dialect.inlinesRefs && typeof reference === "string") return this.#follow(reference, schema);
    return this.#drop(this.#children(this.#simplify(schema)));
  }

  #follow(reference: string, schema: Fields): Json {
    const beside = omit(schema, "$ref");
    const target = resolve(this.#root, reference);
    if (!isObject(target)) return this.adapt(beside);
    if (this.#following.has(reference)) return this.adapt({ ...(typeof target.type === "string" && { type: target.type }), ...beside });
    this.#following.add(reference);
    const adapted = this.adapt({ ...target, ...beside });
    this.#following.delete(reference);
    return adapted;
  }

  #knows(keyword: string): boolean {
    const { keywords, without } = this.#dialect;
    return keywords === undefined ? !without?.has(keyword) : keywords.has(keyword);
  }

  /** Says what the dialect has no word for with those it has. */
  #simplify(schema: Fields): Fields {
    let simple: Fields = schema;
    if (simple.allOf !== undefined && !this.#knows("allOf")) simple = this.#merge(simple);
    if (simple.const !== undefined && !this.#knows("const")) simple = { ...simple, enum: [simple.const] };
    if (simple.oneOf !== undefined && simple.anyOf === undefined && !this.#knows("oneOf")) simple = { ...simple, anyOf: simple.oneOf };
    if (this.#dialect.hasNullable) simple = withoutNull(simple);
    if (this.#dialect.hasTextEnums && Array.isArray(simple.enum) && !simple.enum.every((value) => typeof value === "string"))
      simple = omit(simple, "enum");
    return simple;
  }

  /** All of several schemas as one, for those that only add properties to each other, which is what `allOf` is used for. */
  #merge({ allOf, ...schema }: Fields): Fields {
    let merged: Fields = schema;
    for (const item of Array.isArray(allOf) ? (allOf as readonly Json[]) : []) {
      const target = isObject(item) && typeof item.$ref === "string" ? resolve(this.#root, item.$ref) : item;
      if (!isObject(target)) continue;
      const properties = { ...fieldsOf(merged.properties), ...fieldsOf(target.properties) };
      const required = [...new Set([...listOf(merged.required), ...listOf(target.required)])];
      merged = {
        ...target,
        ...merged,
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(required.length > 0 && { required }),
      };
    }
    return merged;
  }

  /** The schema with those inside it adapted. */
  #children(schema: Fields): Fields {
    return Object.fromEntries(
      Object.entries(schema).map(([keyword, value]) => {
        if (MAPS.has(keyword) && isObject(value)) return [keyword, mapValues(value, (item) => this.adapt(item))];
        if (LISTS.has(keyword) && Array.isArray(value)) return [keyword, (value as readonly Json[]).map((item) => this.adapt(item))];
        if (SCHEMAS.has(keyword) && isObject(value)) return [keyword, this.adapt(value)];
        return [keyword, value];
      }),
    );
  }

  #drop(schema: Fields): Fields {
    const isKept = (keyword: string): boolean => this.#knows(keyword) && !(this.#dialect.inlinesRefs && DEFINITIONS.has(keyword));
    return Object.fromEntries(Object.entries(schema).filter(([keyword]) => isKept(keyword)));
  }
}

const DEFINITIONS: ReadonlySet<string> = new Set(["$defs", "definitions"]);
/** The keywords that hold schemas by name, schemas in a list, and one schema. */
const MAPS: ReadonlySet<string> = new Set([...DEFINITIONS, "properties", "patternProperties", "dependentSchemas"]);
const LISTS: ReadonlySet<string> = new Set(["anyOf", "oneOf", "allOf", "prefixItems", "items"]);
const SCHEMAS: ReadonlySet<string> = new Set([
  "items",
  "additionalProperties",
  "contains",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/** `nullable` in place of the type "null"; several types become alternatives. */
function withoutNull(schema: Fields): Fields {
  const types = listOf(schema.type);
  if (types.length > 0) {
    const kept = types.filter((type) => type !== "null");
    const nullable = kept.length < types.length ? { nullable: true } : {};
    const [only] = kept;
    if (kept.length === 1 && only !== undefined) return { ...schema, type: only, ...nullable };
    return { ...omit(schema, "type"), anyOf: kept.map((type) => ({ type })), ...nullable };
  }
  const options = listOf(schema.anyOf);
  const kept = options.filter((option) => !(isObject(option) && option.type === "null"));
  if (kept.length === options.length) return schema;
  const [only] = kept;
  if (kept.length === 1 && isObject(only)) return { ...only, ...omit(schema, "anyOf"), nullable: true };
  return { ...schema, anyOf: kept, nullable: true };
}

/** What a reference within the same schema names (RFC 6901). */
function resolve(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith("#")) return undefined;
  let place: Json | undefined = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    const key = decodeStep(step);
    if (!isObject(place) || !Object.hasOwn(place, key)) return undefined;
    place = place[key];
  }
  return place;
}

function decodeStep(step: string): string {
  const plain = step.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function isObject(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldsOf(value: Json | undefined): Fields {
  return isObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function omit(schema: Fields, keyword: string): Fields {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword));
}

function mapValues(map: Fields, change: (value: Json) => Json): Fields {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}
