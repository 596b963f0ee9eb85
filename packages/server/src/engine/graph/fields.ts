import type { Json } from "@tutti/core";
import type { GraphNode } from "@tutti/core/graph";

/** What a field's value must be. "expression": nothing but an expression, and one that is true or false. */
export type Expected = "any" | "text" | "number" | "list" | "expression";

type Fields = Readonly<Record<string, Expected>>;

/** Which fields of a node are worked out when it begins, from what is there then. */
const FIELDS: Readonly<Record<GraphNode["type"], Fields>> = {
  tool: { input: "any" },
  agent: { input: "any" },
  workflow: { input: "any" },
  model: { system: "text", prompt: "text" },
  condition: { if: "expression" },
  transform: { value: "any" },
  map: { items: "list" },
  loop: { times: "number" },
  group: {},
  wait: { ms: "number", until: "text" },
  approval: { question: "text", detail: "any" },
  emit: { data: "any", key: "text" },
  fail: { message: "text" },
};

/** A field of a node that holds expressions. */
export interface Field {
  readonly key: string;
  readonly expected: Expected;
  readonly value: Json;
}

/** The fields of a node that are worked out when it begins and that it has. */
export function fieldsOf(node: GraphNode): readonly Field[] {
  return Object.entries(FIELDS[node.type]).flatMap(([key, expected]) => {
    const value = (node as unknown as Readonly<Record<string, Json | undefined>>)[key];
    return value === undefined ? [] : [{ key, expected, value }];
  });
}
