import assert from "node:assert/strict";
import { Validator, type Schema } from "@cfworker/json-schema";
import type { TestApp } from "../testing.ts";

type Node = Readonly<Record<string, unknown>>;

/** One operation of the API's description. */
interface DescribedOperation {
  readonly method: string;
  readonly path: string;
  readonly hasBody: boolean;
  /** The media types of each success, by status; none for an answer without a body. */
  readonly successes: Readonly<Record<string, readonly string[]>>;
  /** The shape of its errors. */
  readonly error: Node | undefined;
}

/** The API's description, to hold real answers against. */
export interface ApiShapes {
  readonly operations: readonly DescribedOperation[];
  /** Those whose answers were held against it so far, as "METHOD /path STATUS". */
  readonly seen: ReadonlySet<string>;
  /** A fetch whose JSON answers are checked; one that is not as described fails the test. */
  readonly fetch: typeof fetch;
}

/** Reads a server's own description. */
export async function readApiShapes(app: Pick<TestApp, "fetch">): Promise<ApiShapes> {
  const document = (await (await app.fetch("/openapi.json")).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Node>>>>;
    readonly components: Node;
  };
  const components = closed(document.components);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => operationOf(document.components, { method, path, described })),
  );
  const seen = new Set<string>();
  const validators = new Map<string, Validator>();
  const validatorOf = (key: string, schema: unknown): Validator => {
    const kept = validators.get(key) ?? new Validator({ ...(closed(schema) as Schema), components }, "2020-12", false);
    validators.set(key, kept);
    return kept;
  };
  return {
    operations,
    seen,
    async fetch(input, init) {
      const response = await fetch(input, init);
      const { pathname } = new URL(input instanceof Request ? input.url : String(input));
      const method = (init?.method ?? "GET").toLowerCase();
      const path = pathOf(
        pathname,
        Object.keys(document.paths).filter((template) => document.paths[template]?.[method] !== undefined),
      );
      const responses = document.paths[path]?.[method]?.["responses"] as Readonly<Record<string, Node>>;
      const found = resolved(responses[response.status] ?? (response.ok ? undefined : responses["default"]), document.components);
      assert.ok(found !== undefined, `${method} ${path} may answer ${response.status}`);
      const type = response.headers.get("content-type")?.split(";", 1)[0] ?? "";
      const media = (found["content"] ?? {}) as Readonly<Record<string, { readonly schema: unknown }>>;
      assert.ok(response.status === 204 || media[type] !== undefined, `${method} ${path} ${response.status} may be ${type}`);
      const key = `${method.toUpperCase()} ${path} ${response.status}`;
      seen.add(key);
      if (!type.endsWith("json") || response.status === 204) return response;
      const { valid, errors } = validatorOf(key, media[type]?.schema).validate(await response.clone().json());
      assert.ok(valid, `${key}: ${errors.map((error) => `${error.instanceLocation} ${error.error}`).join("\n")}`);
      return response;
    },
  };
}

function operationOf(
  components: Node,
  { method, path, described }: { readonly method: string; readonly path: string; readonly described: Node },
): DescribedOperation {
  const responses = described["responses"] as Readonly<Record<string, Node>>;
  const body = described["requestBody"] as { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> } | undefined;
  const mediaTypes = (response: Node): readonly string[] =>
    Object.entries((response["content"] ?? {}) as Readonly<Record<string, { readonly schema?: object }>>).flatMap(([type, { schema }]) =>
      schema !== undefined && Object.keys(schema).length > 0 ? [type] : [],
    );
  const successes = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  const error = resolved(responses["default"], components);
  return {
    method: method.toUpperCase(),
    path,
    hasBody: Object.values(body?.content ?? {}).some(({ schema }) => schema !== undefined),
    successes: Object.fromEntries(successes.map(([status, response]) => [status, mediaTypes(response)])),
    error: error !== undefined && mediaTypes(error).length > 0 ? error : undefined,
  };
}

function resolved(node: Node | undefined, components: Node): Node | undefined {
  const reference = node?.["$ref"];
  if (typeof reference !== "string") return node;
  const [kind = "", name = ""] = reference.replace("#/components/", "").split("/");
  return (components[kind] as Readonly<Record<string, Node>> | undefined)?.[name];
}

function pathOf(pathname: string, templates: readonly string[]): string {
  const path = templates.includes(pathname) ? pathname : templates.find((template) => matches(template, pathname));
  assert.ok(path !== undefined, `${pathname} is described`);
  return path;
}

/** The id of a model may have slashes in it. */
function matches(template: string, pathname: string): boolean {
  const last = template.startsWith("/v1/models/") || template.startsWith("/v1/model-catalog/") ? ".+" : "[^/]+";
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, last)}$`).test(pathname);
}

/** The same schema, in which objects hold nothing but what is named, unless it says otherwise: an answer with more is told of too. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  // What several schemas say of one object is closed by none of them.
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, key === "allOf" ? value : closed(value)]));
  const isOpen = !("properties" in copy) || typeof copy["properties"] !== "object" || "additionalProperties" in copy;
  return isOpen ? copy : { ...copy, additionalProperties: false };
}
