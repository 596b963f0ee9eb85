import type { Json } from "@tutti/core";

/** What stands in an object, by name. */
export type Fields = Readonly<Record<string, Json>>;

/** The fields of an object; none of what is none. */
export function fieldsOf(value: Json | undefined): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
