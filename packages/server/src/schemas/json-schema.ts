import { AppError, type Json, type Schema } from "@tutti/core";
import { format, Validator, type SchemaDraft } from "@cfworker/json-schema";
import { RE2JS } from "re2js";

const PROBLEMS_MAX = 5;
const DEPTH_MAX = 64;
const NODES_MAX = 20_000;

const DRAFTS: readonly (readonly [RegExp, SchemaDraft])[] = [
  [/draft-04/, "4"],
  [/draft-0[67]/, "7"],
  [/2019-09/, "2019-09"],
];

/** Formats whose check takes time in the length of the text; others are notes for people. */
const FORMATS: ReadonlySet<Json> = new Set(["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6"]);

/** Keywords whose value is data, in which a key that looks like a keyword is none. */
const DATA = new Set(["const", "enum", "default", "examples"]);
/** Keywords that hold schemas by name. */
const BY_NAME = new Set(["properties", "$defs", "definitions", "dependentSchemas", "dependentRequired"]);

type JsonObject = { readonly [key: string]: Json };

/** A `Schema` that answers at once. */
interface JsonSchema extends Schema<Json> {
  /** What does not fit, with its place; nothing when all does. */
  problemsOf(value: unknown): readonly Problem[];
}

/**
 * A JSON Schema (drafts 4 to 2020-12) as a `Schema`. It is interpreted, never compiled to code, and its patterns run on RE2, because it may
 * come from strangers: an MCP server, an API's description. Throws `invalid_input` for what is no schema, `unsupported` for what cannot be
 * checked safely. The value itself is passed on: nothing is coerced, and defaults are notes for the caller.
 */
export function jsonSchema(schema: Json): JsonSchema {
  const patterns = new Map<string, RE2JS>();
  const safe = safeSchema(schema, { depth: 0, counted: { nodes: 0 }, isMap: false, patterns });
  const validator = validatorOf(safe, draftOf(schema));
  const check = (value: unknown): readonly Problem[] => withPatterns(patterns, () => problemsOf(validator, value));
  return {
    problemsOf: check,
    "~standard": {
      validate(value) {
        const problems = check(value);
        return problems.length === 0 ? { value } : { issues: problems };
      },
    },
  };
}

function validatorOf(schema: Json, draft: SchemaDraft): Validator {
  try {
    return new Validator(schema as never, draft, false);
  } catch (error) {
    throw new AppError("invalid_input", `wanted a JSON Schema, got one that cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** What does not fit, and where. */
interface Problem {
  readonly message: string;
  readonly path: readonly string[];
}

function problemsOf(validator: Validator, value: unknown): readonly Problem[] {
  try {
    const { valid, errors } = validator.validate(value);
    if (valid) return [];
    // Errors of the schemas around an error repeat it: the deepest ones say what is wrong.
    const deepest = errors.filter(({ instanceLocation: at }) => !errors.some((other) => other.instanceLocation.startsWith(`${at}/`)));
    return deepest.slice(0, PROBLEMS_MAX).map(({ error, keyword, instanceLocation }) => ({
      message: error === "False boolean schema." ? "unknown field" : keyword === "format" ? patternError(error) : error,
      path: instanceLocation
        .split("/")
        .slice(1)
        .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")),
    }));
  } catch (error) {
    // An unresolved $ref, or a schema without an end: what cannot be checked does not pass.
    return [{ message: `it cannot be checked: ${messageOf(error)}`, path: [] }];
  }
}

function patternError(error: string): string {
  return error.replace(/format "re2:(.*)"/s, 'the pattern "$1"');
}

interface Walk {
  readonly depth: number;
  readonly counted: { nodes: number };
  /** Whether the keys are names that people gave, not keywords. */
  readonly isMap: boolean;
  /** By the name of the format that stands for each. */
  readonly patterns: Map<string, RE2JS>;
}

/** A copy with patterns as formats that RE2 checks, and without formats that we do not check. */
function safeSchema(schema: Json, walk: Walk): Json {
  walk.counted.nodes += 1;
  if (walk.depth > DEPTH_MAX || walk.counted.nodes > NODES_MAX)
    throw new AppError("too_large", `wanted a schema of at most ${DEPTH_MAX} levels and ${NODES_MAX} parts, got a larger one`);
  const inner = { ...walk, depth: walk.depth + 1, isMap: false };
  if (Array.isArray(schema)) return (schema as readonly Json[]).map((item) => safeSchema(item, inner));
  if (!isObject(schema)) return schema;
  if (walk.isMap) return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, safeSchema(value, inner)]));
  const entries = Object.entries(schema).flatMap(([key, value]): readonly [string, Json][] => {
    if (key === "pattern" || key === "$schema" || (key === "format" && !FORMATS.has(value))) return [];
    if (key === "patternProperties") return [[key, patternProperties(value, inner)]];
    if (DATA.has(key)) return [[key, value]];
    return [[key, safeSchema(value, { ...inner, isMap: BY_NAME.has(key) })]];
  });
  const pattern = schema["pattern"];
  if (typeof pattern !== "string") return Object.fromEntries(entries);
  const { allOf = [], ...rest } = Object.fromEntries(entries);
  return {
    ...rest,
    allOf: [...(Array.isArray(allOf) ? (allOf as readonly Json[]) : []), { format: patternFormat(pattern, walk.patterns) }],
  };
}

/** Such a pattern is done with at its first letter. */
const ANYTHING = new Set([".*", ".+", "^.*", "^.+", "^.*$", "^.+$"]);
const OPTIONALS_MAX = 4;

/**
 * The validator runs these patterns itself, against names that a caller made up: only those pass that cannot try twice. So one repetition at
 * most, of no group and no alternatives, which begins where the name does.
 */
function patternProperties(value: Json, walk: Walk): Json {
  if (!isObject(value)) return value;
  for (const pattern of Object.keys(value)) {
    if (!ANYTHING.has(pattern) && !isSimple(pattern))
      throw new AppError(
        "unsupported",
        `wanted patternProperties with at most one repetition a pattern, behind ^ and of no group, got ${JSON.stringify(pattern)}`,
      );
    compile(pattern);
  }
  return safeSchema(value, { ...walk, isMap: true });
}

function isSimple(pattern: string): boolean {
  if (/\\\d|\\k|\(\?/.test(pattern)) return false;
  const plain = pattern.replaceAll(/\\./gs, "");
  const repeats = plain.match(/[*+{]/g)?.length ?? 0;
  const optionals = plain.match(/\?/g)?.length ?? 0;
  if (repeats > 1 || optionals > OPTIONALS_MAX || /\)[*+{]/.test(plain)) return false;
  return repeats === 0 || (pattern.startsWith("^") && !plain.includes("|"));
}

/** The name of a format that holds a text against a pattern. */
function patternFormat(pattern: string, patterns: Map<string, RE2JS>): string {
  const name = `re2:${pattern}`;
  if (!patterns.has(name)) patterns.set(name, compile(pattern));
  return name;
}

/** The validator looks formats up by name in one place for all; a schema's own are there while it is used, so that nothing piles up. */
function withPatterns<T>(patterns: ReadonlyMap<string, RE2JS>, work: () => T): T {
  for (const [name, pattern] of patterns) format[name] = (text) => pattern.matcher(text).find();
  try {
    return work();
  } finally {
    for (const name of patterns.keys()) delete format[name];
  }
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch (error) {
    const text = JSON.stringify(pattern);
    throw new AppError("unsupported", `wanted a pattern in RE2 syntax, got ${text}: ${messageOf(error)}`, { cause: error });
  }
}

function draftOf(schema: Json): SchemaDraft {
  const named = isObject(schema) ? schema["$schema"] : undefined;
  return DRAFTS.find(([pattern]) => typeof named === "string" && pattern.test(named))?.[1] ?? "2020-12";
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
