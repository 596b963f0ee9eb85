import type { Json } from "@tutti/core";
import { fieldsOf } from "./json-fields.ts";

interface Named {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
}

/** A field as a form can show it. */
export type FieldSchema = Named &
  (
    | { readonly kind: "text"; readonly isLong: boolean }
    | { readonly kind: "number"; readonly isWhole: boolean }
    | { readonly kind: "boolean" }
    | { readonly kind: "choice"; readonly options: readonly (string | number | boolean | null)[] }
    | { readonly kind: "json" }
  );

/** Texts that may be longer than this get several lines. */
const LINE_CHARACTERS = 200;

/** An object schema's fields in their order, and which of them must be given. */
export function objectOf(schema: Json): {
  readonly properties: readonly { readonly name: string; readonly schema: Json }[];
  readonly required: ReadonlySet<string>;
} {
  const { properties, required } = fieldsOf(schema);
  return {
    properties: Object.entries(fieldsOf(properties ?? {})).map(([name, field]) => ({ name, schema: field })),
    required: new Set(Array.isArray(required) ? required.filter((name) => typeof name === "string") : []),
  };
}

/** How a form shows a field of this JSON Schema. */
export function readField(schema: Json): FieldSchema {
  const { type, title, description, maxLength, format } = fieldsOf(schema);
  const named = {
    ...(typeof title === "string" && { title }),
    ...(typeof description === "string" && { description }),
  };
  const options = optionsOf(schema);
  if (options !== undefined) return { ...named, kind: "choice", options };
  if (type === "boolean") return { ...named, kind: "boolean" };
  if (type === "number" || type === "integer") return { ...named, kind: "number", isWhole: type === "integer" };
  if (type === "string")
    return { ...named, kind: "text", isLong: format === undefined && typeof maxLength === "number" && maxLength > LINE_CHARACTERS };
  return { ...named, kind: "json" };
}

function optionsOf(schema: Json): readonly (string | number | boolean | null)[] | undefined {
  const { enum: list, anyOf, oneOf } = fieldsOf(schema);
  const constants = [anyOf, oneOf].find(Array.isArray)?.map((one: Json) => fieldsOf(one)["const"]);
  const options = Array.isArray(list) ? list : constants;
  const scalars = options?.filter(
    (option): option is string | number | boolean | null => option !== undefined && typeof option !== "object",
  );
  return scalars !== undefined && scalars.length > 0 && scalars.length === options?.length ? scalars : undefined;
}
