import type { Schema } from "@tutti/core";

/** A field of an object: a text that must be there, or one that may be. */
export type Field = "text" | "optional text";

/** A schema for flat objects of texts. For more than that, take a library: zod, valibot and arktype all fit. */
export function shape<T>(fields: Readonly<Record<keyof T & string, Field>>): Schema<T> {
  return { "~standard": { validate: (value: unknown) => check<T>(value, fields) } };
}

/** The same as JSON Schema, for models and people. */
export function jsonSchema(fields: Readonly<Record<string, Field>>): {
  readonly type: "object";
  readonly properties: Readonly<Record<string, { readonly type: "string" }>>;
  readonly required: readonly string[];
} {
  const entries = Object.entries(fields);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name]) => [name, { type: "string" }])),
    required: entries.filter(([, field]) => field === "text").map(([name]) => name),
  };
}

function check<T>(
  value: unknown,
  fields: Readonly<Record<string, Field>>,
): { readonly value: T } | { readonly issues: readonly { readonly message: string; readonly path: readonly string[] }[] } {
  if (typeof value !== "object" || value === null)
    return { issues: [{ message: `wanted an object, got ${JSON.stringify(value)}`, path: [] }] };
  const given = value as Readonly<Record<string, unknown>>;
  const missing = Object.entries(fields).filter(
    ([name, field]) => typeof given[name] !== "string" && (field === "text" || given[name] !== undefined),
  );
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(fields, name));
  const issues = [
    ...missing.map(([name]) => ({ message: `wanted a text, got ${JSON.stringify(given[name])}`, path: [name] })),
    ...unknown.map((name) => ({ message: `is not known; there are ${Object.keys(fields).join(", ")}`, path: [name] })),
  ];
  return issues.length === 0 ? { value: value as T } : { issues };
}
