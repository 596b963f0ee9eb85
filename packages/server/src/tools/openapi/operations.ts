import { AppError, type Json } from "@tutti/core";
import { isObject, listIn, objectIn, resolved, textIn, type ApiDocument, type JsonObject } from "./document.ts";
import { SchemaWriter } from "./schemas.ts";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"] as const;
const DESCRIPTION_CHARACTERS_MAX = 1_000;
/** Headers that a parameter may not describe (OpenAPI 3.1 §4.8.12.1), and the one that Tutti fills itself. */
const IGNORED_HEADERS = new Set(["accept", "content-type", "authorization"]);
const IDEMPOTENCY_KEY = "idempotency-key";

/** A parameter, and under which name the tool takes it. */
export interface Parameter {
  readonly name: string;
  readonly property: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly style: string;
  readonly explode: boolean;
  readonly isRequired: boolean;
  /** Written as JSON into one text. */
  readonly isJson: boolean;
  readonly schema: Json;
  readonly description: string | undefined;
}

/** What a request carries besides its parameters. */
interface RequestBody {
  readonly mediaType: string;
  readonly isRequired: boolean;
  readonly schema: Json;
}

/** An operation of a description, ready to be made a tool. */
export interface ApiOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly body: RequestBody | undefined;
  /** What the tool takes, as JSON Schema. */
  readonly input: JsonObject;
  /** What a success gives in its body, as JSON Schema. */
  readonly answer: Json;
  readonly security: readonly JsonObject[];
  /** Whether the server takes a key that tells repetitions from new requests. */
  readonly takesKey: boolean;
  readonly declaresLinks: boolean;
  readonly extension: Json | undefined;
}

/** An operation that cannot be a tool, and why. */
export interface SkippedOperation {
  readonly operation: string;
  readonly reason: string;
}

/** All operations of a description, and those that cannot be tools. */
export function operationsOf(document: ApiDocument): {
  readonly operations: readonly ApiOperation[];
  readonly skipped: readonly SkippedOperation[];
} {
  const operations: ApiOperation[] = [];
  const skipped: SkippedOperation[] = [];
  const places = Object.entries(objectIn(document.root, "paths")).flatMap(([path, item]) =>
    METHODS.map((method) => ({ path, method, item })),
  );
  for (const { path, method, item: written } of places) {
    try {
      const item = resolved(document, written);
      const operation = isObject(item) ? item[method] : undefined;
      if (isObject(operation)) operations.push(readOperation(document, { path, method, item, operation }));
    } catch (error) {
      skipped.push({ operation: `${method.toUpperCase()} ${path}`, reason: AppError.from(error).message });
    }
  }
  return { operations: withOwnIds(operations), skipped };
}

interface Place {
  readonly path: string;
  readonly method: string;
  readonly item: Json | undefined;
  readonly operation: JsonObject;
}

function readOperation(document: ApiDocument, { path, method, item, operation }: Place): ApiOperation {
  const writer = new SchemaWriter(document, "request");
  const all = parametersOf(document, [...listIn(item, "parameters"), ...listIn(operation, "parameters")], writer);
  const parameters = all.filter(({ name, in: place }) => !(place === "header" && name.toLowerCase() === IDEMPOTENCY_KEY));
  const body = bodyOf(document, operation["requestBody"], writer);
  const security = operation["security"] === undefined ? listIn(document.root, "security") : listIn(operation, "security");
  const texts = [textIn(operation, "summary"), textIn(operation, "description")].filter((text) => text !== undefined && text !== "");
  return {
    id: textIn(operation, "operationId") ?? `${method}${path.replaceAll(/[^a-zA-Z0-9]+/g, "_").replace(/_$/, "")}`,
    method: method.toUpperCase(),
    path,
    tags: listIn(operation, "tags").filter((tag) => typeof tag === "string"),
    description: (texts.join(". ").trim() || `${method.toUpperCase()} ${path}`).slice(0, DESCRIPTION_CHARACTERS_MAX),
    parameters,
    body,
    input: inputOf(parameters, body, writer),
    answer: answerOf(document, operation),
    security: security.filter(isObject),
    takesKey: all.length > parameters.length,
    declaresLinks: declaresLinks(document, operation),
    extension: operation["x-tutti-pagination"],
  };
}

function parametersOf(document: ApiDocument, raw: readonly Json[], writer: SchemaWriter): readonly Parameter[] {
  const found = new Map<string, Parameter>();
  const taken = new Set(["body", "pagesMax"]);
  for (const one of raw) {
    const parameter = resolved(document, one);
    const [name, place] = [textIn(parameter, "name"), textIn(parameter, "in")];
    if (name === undefined || !isPlace(place)) throw new AppError("invalid_input", "wanted a parameter with a name and a known place");
    if (place === "header" && IGNORED_HEADERS.has(name.toLowerCase())) continue;
    // An operation's own parameter goes over its path's.
    const before = found.get(`${place} ${name}`)?.property;
    const property = before ?? propertyNamed(name, place, taken);
    taken.add(property);
    found.set(`${place} ${name}`, readParameter({ name, property, in: place }, parameter as JsonObject, writer));
  }
  return [...found.values()];
}

function readParameter(named: Pick<Parameter, "name" | "property" | "in">, raw: JsonObject, writer: SchemaWriter): Parameter {
  const content = objectIn(raw, "content");
  const [mediaType] = Object.keys(content);
  const style = textIn(raw, "style") ?? (named.in === "query" || named.in === "cookie" ? "form" : "simple");
  const isFine =
    named.in === "query" ? ["form", "spaceDelimited", "pipeDelimited", "deepObject"].includes(style) : ["form", "simple"].includes(style);
  if (!isFine) throw new AppError("unsupported", `the parameter ${named.name} is written in the style ${style}, which is not known`);
  return {
    ...named,
    style,
    explode: typeof raw["explode"] === "boolean" ? raw["explode"] : style === "form" || style === "deepObject",
    isRequired: raw["required"] === true || named.in === "path",
    isJson: mediaType !== undefined,
    schema: writer.write(mediaType === undefined ? raw["schema"] : objectIn(content, mediaType)["schema"]),
    description: textIn(raw, "description"),
  };
}

/** A name that providers of models take for a property, and that no other parameter has. */
function propertyNamed(name: string, place: string, taken: ReadonlySet<string>): string {
  const clean = name.replaceAll(/[^\w.-]/g, "_").slice(0, 60) || place;
  if (!taken.has(clean)) return clean;
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? `${place}_${clean}`.slice(0, 60) : `${place}_${clean}`.slice(0, 56) + String(count);
    if (!taken.has(candidate)) return candidate;
  }
}

function bodyOf(document: ApiDocument, raw: Json | undefined, writer: SchemaWriter): RequestBody | undefined {
  const body = resolved(document, raw);
  if (!isObject(body)) return undefined;
  const content = objectIn(body, "content");
  const types = Object.keys(content);
  const mediaType =
    types.find((type) => /^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) ??
    types.find((type) => /^application\/x-www-form-urlencoded\b/i.test(type)) ??
    types.find((type) => /^text\//i.test(type)) ??
    (types.includes("*/*") ? "*/*" : undefined);
  const isRequired = body["required"] === true;
  if (mediaType === undefined && !isRequired) return undefined;
  if (mediaType === undefined)
    throw new AppError("unsupported", `its body is ${types.join(" or ") || "of no type"}, not JSON, a form or text`);
  return {
    mediaType: mediaType === "*/*" ? "application/json" : mediaType,
    isRequired,
    schema: writer.write(objectIn(content, mediaType)["schema"]),
  };
}

function inputOf(parameters: readonly Parameter[], body: RequestBody | undefined, writer: SchemaWriter): JsonObject {
  const properties: [string, Json][] = parameters.map(({ property, schema, description }) => [
    property,
    description === undefined || !isObject(schema) || schema["$ref"] !== undefined ? schema : { description, ...schema },
  ]);
  if (body !== undefined) properties.push(["body", body.schema]);
  const required = [
    ...parameters.filter(({ isRequired }) => isRequired).map(({ property }) => property),
    ...(body?.isRequired === true ? ["body"] : []),
  ];
  return { type: "object", properties: Object.fromEntries(properties), required, additionalProperties: false, ...writer.definitions };
}

/** The bodies of all successes. */
function answerOf(document: ApiDocument, operation: JsonObject): Json {
  const writer = new SchemaWriter(document, "response");
  const bodies = successesOf(document, operation).map((response) => {
    const content = objectIn(response, "content");
    const json = Object.keys(content).find((type) => /json/i.test(type));
    if (json !== undefined) return writer.write(objectIn(content, json)["schema"]);
    return Object.keys(content).length === 0 ? { type: "null" } : { type: "string" };
  });
  const isOpen = bodies.length === 0 || bodies.some((body) => isObject(body) && Object.keys(body).length === 0);
  if (isOpen) return {};
  return { ...(bodies.length === 1 && isObject(bodies[0]) ? bodies[0] : { anyOf: bodies }), ...writer.definitions };
}

function declaresLinks(document: ApiDocument, operation: JsonObject): boolean {
  return successesOf(document, operation).some((response) =>
    Object.keys(objectIn(response, "headers")).some((name) => name.toLowerCase() === "link"),
  );
}

function successesOf(document: ApiDocument, operation: JsonObject): readonly (Json | undefined)[] {
  return Object.entries(objectIn(operation, "responses"))
    .filter(([status]) => /^2(?:\d\d|XX)$/i.test(status))
    .map(([, response]) => resolved(document, response));
}

/** Ids that are there twice get a number. */
function withOwnIds(operations: readonly ApiOperation[]): readonly ApiOperation[] {
  const counts = new Map<string, number>();
  return operations.map((operation) => {
    const count = (counts.get(operation.id) ?? 0) + 1;
    counts.set(operation.id, count);
    return count === 1 ? operation : { ...operation, id: `${operation.id}_${count}` };
  });
}

function isPlace(place: string | undefined): place is Parameter["in"] {
  return place === "path" || place === "query" || place === "header" || place === "cookie";
}
