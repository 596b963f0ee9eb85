import { AppError, type Json } from "@tutti/core";
import { parse as parseYaml } from "yaml";

export type JsonObject = { readonly [key: string]: Json };

/** An API description (OpenAPI 3.0 or 3.1), as far as it was looked at. */
export interface ApiDocument {
  readonly root: JsonObject;
  readonly title: string;
  readonly isVersion30: boolean;
}

const CHARACTERS_MAX = 8 * 1_048_576;
/** References that lead to references. */
const HOPS_MAX = 16;

/** Reads a description written in JSON or YAML. Throws `invalid_input` for anything else. */
export function readDocument(text: string): ApiDocument {
  if (text.length > CHARACTERS_MAX)
    throw new AppError("too_large", `wanted an API description of at most ${CHARACTERS_MAX} characters, got ${text.length}`);
  const root = parsed(text);
  const version = isObject(root) ? root["openapi"] : undefined;
  if (!isObject(root) || typeof version !== "string" || !/^3\.[01]\./.test(version)) {
    const got =
      isObject(root) && root["swagger"] !== undefined
        ? "a Swagger 2 document; convert it first"
        : `openapi: ${JSON.stringify(version) ?? "none"}`;
    throw new AppError("invalid_input", `wanted an API description in OpenAPI 3.0 or 3.1, got ${got}`);
  }
  const title = textIn(objectIn(root, "info"), "title") ?? "API";
  return { root, title, isVersion30: version.startsWith("3.0.") };
}

function parsed(text: string): Json {
  try {
    // JSON is YAML, but its own reader is many times faster.
    return (text.trimStart().startsWith("{") ? JSON.parse(text) : parseYaml(text, { maxAliasCount: 100 })) as Json;
  } catch (error) {
    throw new AppError(
      "invalid_input",
      `wanted an API description in JSON or YAML: ${error instanceof Error ? firstLine(error.message) : ""}`,
      {
        cause: error,
      },
    );
  }
}

/** What is wrong and where, without the picture of the text that the reader of YAML adds. */
function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.replace(/:$/, "") ?? "";
}

/** What stands in a place, after the references that lead from there. Throws `unsupported` for references to other files. */
export function resolved(document: ApiDocument, value: Json | undefined): Json | undefined {
  let at = value;
  for (let hop = 0; isObject(at) && typeof at["$ref"] === "string"; hop += 1) {
    if (hop >= HOPS_MAX) throw new AppError("invalid_input", `wanted references that end, got ${at["$ref"]} going round`);
    at = atPointer(document.root, at["$ref"]);
  }
  return at;
}

/** The value that a local reference such as "#/components/schemas/Pet" names. */
export function atPointer(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith("#/") && reference !== "#")
    throw new AppError("unsupported", `wanted references within the description, got ${reference}; bundle it into one file`);
  let at: Json | undefined = root;
  for (const part of reference.split("/").slice(1)) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)];
    else at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectIn(value: Json | undefined, key: string): JsonObject {
  const inner = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isObject(inner) ? inner : {};
}

export function listIn(value: Json | undefined, key: string): readonly Json[] {
  const inner = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return Array.isArray(inner) ? (inner as readonly Json[]) : [];
}

export function textIn(value: Json | undefined, key: string): string | undefined {
  const inner = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof inner === "string" ? inner : undefined;
}
