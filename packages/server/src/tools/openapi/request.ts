import { AppError, type Json } from "@tutti/core";
import { isObject, type JsonObject } from "./document.ts";
import type { ApiOperation, Parameter } from "./operations.ts";

/** A request as an operation describes it, for an input that fits its schema. */
export interface ApiRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Puts an input together to a request. Pure. */
export function requestOf(operation: ApiOperation, server: URL, input: JsonObject): ApiRequest {
  const given = operation.parameters.flatMap((parameter) => {
    const value = Object.hasOwn(input, parameter.property) ? input[parameter.property] : undefined;
    return value === undefined ? [] : [{ parameter, value }];
  });
  const url = new URL(server);
  url.pathname = `${server.pathname.replace(/\/$/, "")}${pathOf(operation, given)}`;
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (const { parameter, value } of given) {
    if (parameter.in === "query") for (const [name, text] of queryOf(parameter, value)) url.searchParams.append(name, text);
    if (parameter.in === "header") headers[parameter.name.toLowerCase()] = lineOf(parameter, value);
    if (parameter.in === "cookie") cookies.push(`${parameter.name}=${encodeURIComponent(lineOf(parameter, value))}`);
  }
  if (cookies.length > 0) headers["cookie"] = cookies.join("; ");
  const body = Object.hasOwn(input, "body") ? bodyOf(operation, input["body"]) : undefined;
  if (body !== undefined && operation.body !== undefined) headers["content-type"] = operation.body.mediaType;
  return { url, headers, body };
}

interface Given {
  readonly parameter: Parameter;
  readonly value: Json;
}

function pathOf({ path }: ApiOperation, given: readonly Given[]): string {
  return path.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const found = given.find(({ parameter }) => parameter.in === "path" && parameter.name === name);
    const text = found === undefined ? "" : lineOf(found.parameter, found.value);
    // Such a part would lead to another path than the description's.
    if (text === "" || text === "." || text === "..")
      throw new AppError("invalid_input", `wanted a value for ${name} in ${path}, got "${text}"`);
    return encodeURIComponent(text);
  });
}

function queryOf(parameter: Parameter, value: Json): readonly (readonly [string, string])[] {
  const { name, style, explode, isJson } = parameter;
  if (isJson) return [[name, JSON.stringify(value)]];
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map(textOf);
    const separator = { spaceDelimited: " ", pipeDelimited: "|" }[style] ?? ",";
    return explode ? items.map((item) => [name, item] as const) : [[name, items.join(separator)]];
  }
  if (!isObject(value)) return [[name, textOf(value)]];
  const fields = Object.entries(value).map(([key, field]) => [key, textOf(field)] as const);
  if (style === "deepObject") return fields.map(([key, field]) => [`${name}[${key}]`, field] as const);
  return explode ? fields : [[name, fields.flat().join(",")]];
}

/** The style "simple": lists and objects in one text, with commas. */
function lineOf({ explode, isJson, name }: Parameter, value: Json): string {
  const text = isJson ? JSON.stringify(value) : simple(value, explode);
  if (/[\r\n\0]/.test(text)) throw new AppError("invalid_input", `wanted ${name} on one line, got more`);
  return text;
}

function simple(value: Json, explode: boolean): string {
  if (Array.isArray(value)) return (value as readonly Json[]).map(textOf).join(",");
  if (!isObject(value)) return textOf(value);
  return Object.entries(value)
    .map(([key, field]) => `${key}${explode ? "=" : ","}${textOf(field)}`)
    .join(",");
}

function bodyOf({ body }: ApiOperation, value: Json | undefined): string | undefined {
  if (value === undefined || body === undefined) return undefined;
  if (body.mediaType.startsWith("text/")) return textOf(value);
  if (!body.mediaType.startsWith("application/x-www-form-urlencoded")) return JSON.stringify(value);
  const form = new URLSearchParams();
  for (const [name, field] of Object.entries(isObject(value) ? value : {}))
    for (const item of Array.isArray(field) ? (field as readonly Json[]) : [field]) form.append(name, textOf(item));
  return form.toString();
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
