import type { Json } from "@tutti/core";
import { fieldsOf, type Fields } from "../../parts/json-fields.ts";

/** An operation of the API's description, as a form asks for it. */
export interface DescribedOperation {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly summary: string;
  /** What stands in braces in the path. */
  readonly pathNames: readonly string[];
  readonly query: readonly { readonly name: string; readonly description: string }[];
  /** The JSON Schema of its body; undefined when it takes none. */
  readonly body: Json | undefined;
  /** Where the things that its path names are listed, if anywhere. */
  readonly listPath: string | undefined;
}

/** How deep references within a schema are followed: a form shows the first two levels as fields. */
const DEPTH_MAX = 3;

/** Finds an operation ("POST /v1/runs") in the API's description. Pure. */
export function readOperation(description: Json, key: string): DescribedOperation | undefined {
  const [method = "", path = ""] = key.split(" ");
  const { paths, components } = fieldsOf(description);
  const found = fieldsOf(fieldsOf(paths)[path])[method.toLowerCase()];
  if (found === undefined) return undefined;
  const { summary, parameters, requestBody } = fieldsOf(found);
  const schema = fieldsOf(fieldsOf(fieldsOf(requestBody)["content"])["application/json"])["schema"];
  const schemas = fieldsOf(fieldsOf(components)["schemas"]);
  const collection = path.slice(0, path.indexOf("/{"));
  const isListed = path.includes("/{") && fieldsOf(fieldsOf(paths)[collection])["get"] !== undefined;
  return {
    method: method as DescribedOperation["method"],
    path,
    summary: typeof summary === "string" ? summary : key,
    pathNames: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name),
    query: (Array.isArray(parameters) ? (parameters as readonly Json[]) : []).flatMap((parameter) => {
      const { in: place, name, description: about } = fieldsOf(parameter);
      return place === "query" && typeof name === "string" ? [{ name, description: typeof about === "string" ? about : "" }] : [];
    }),
    body: schema === undefined ? undefined : followed(schema, schemas, 0),
    listPath: isListed ? collection : undefined,
  };
}

/** Puts what its path names into an operation's path. Pure. */
export function filledPath({ path }: Pick<DescribedOperation, "path">, given: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given[name] ?? ""));
}

/** The names or ids of what a list's answer holds. Pure. */
export function namesIn(answer: Json): readonly string[] {
  const [list = []] = Object.values(fieldsOf(answer)).filter((value) => Array.isArray(value)) as readonly (readonly Json[])[];
  return list.flatMap((entry) => {
    const { name, id } = fieldsOf(entry);
    const one = name ?? id;
    return typeof one === "string" ? [one] : [];
  });
}

function followed(schema: Json, schemas: Fields, depth: number): Json {
  const { $ref: reference, ...own } = fieldsOf(schema);
  if (typeof reference === "string" && depth < DEPTH_MAX)
    return followed(schemas[reference.replace("#/components/schemas/", "")] ?? {}, schemas, depth + 1);
  const { properties, allOf } = own;
  if (properties === undefined && Array.isArray(allOf) && allOf.length === 1) return followed(allOf[0] as Json, schemas, depth + 1);
  if (properties === undefined || depth >= DEPTH_MAX) return own;
  const inside = Object.entries(fieldsOf(properties)).map(([name, field]) => [name, followed(field, schemas, depth + 1)]);
  return { ...own, properties: Object.fromEntries(inside) as Json };
}
