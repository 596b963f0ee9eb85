import type { Json } from "@tutti/core";
import type { GraphNode } from "@tutti/core/graph";
import type { ValueType } from "./expression.ts";

type JsonObject = { readonly [key: string]: Json };

const DEPTH_MAX = 16;

/** The type of the values a JSON Schema takes, as far as expressions can be held against it. */
export function typeOfSchema(schema: Json | undefined, depth = 0): ValueType {
  if (!isObject(schema) || depth > DEPTH_MAX) return "dyn";
  const type = schema["type"];
  if (type === "object") return typeOfObject(schema, depth);
  return typeof type === "string" ? (SCALARS[type] ?? "dyn") : "dyn";
}

const SCALARS: Readonly<Record<string, ValueType>> = {
  string: "string",
  boolean: "bool",
  number: "double",
  integer: "double",
  array: "list",
};

/** Only what is always there has a type to rely on; what may be missing can also be null. */
function typeOfObject({ properties, required, additionalProperties }: JsonObject, depth: number): ValueType {
  if (!isObject(properties) || isObject(additionalProperties) || additionalProperties === true) return "dyn";
  const always = Array.isArray(required) ? required : [];
  return Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [name, always.includes(name) ? typeOfSchema(inner, depth + 1) : "dyn"]),
  );
}

/** The type of what a node gives. `valueType` is that of a transform's value. */
export function typeOfOutput(node: GraphNode, valueType: ValueType): ValueType {
  switch (node.type) {
    case "condition":
      return node.cases === undefined ? "bool" : "string";
    case "transform":
      return valueType;
    case "model":
      return { content: "string", finishReason: "string", usage: { inputTokens: "double", outputTokens: "double" } };
    case "map":
      return "list";
    case "approval":
      return { approved: "bool", by: "string", reason: "string" };
    case "wait":
      return node.signal === undefined ? "dyn" : typeOfSchema(node.schema);
    case "tool":
    case "agent":
    case "workflow":
    case "loop":
    case "group":
    case "emit":
    case "fail":
      return "dyn";
  }
}

/** The type of a CEL value by the name the checker gives it. */
export function typeNamed(name: string): ValueType {
  if (name.startsWith("list")) return "list";
  // An int becomes JSON and comes back as a double.
  if (name === "int" || name === "uint" || name === "double") return "double";
  return name === "bool" || name === "string" ? name : "dyn";
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
