import type { Json } from "@tutti/core";
import { fieldsOf, type Fields } from "../../../parts/json-fields.ts";
import { textOf, type DrawnBody } from "./graph-text.ts";
import { freeId } from "./node-kinds.ts";

/** A part of a graph on its way from one place to another. */
export interface GraphPart {
  readonly nodes: Readonly<Record<string, Fields>>;
  readonly edges: readonly Fields[];
}

const KIND = "tutti-graph-part";

/** Nodes of a body, with the edges among them. Pure. */
export function partOf(body: DrawnBody, ids: readonly string[]): GraphPart {
  const nodes = Object.fromEntries(body.nodes.filter(({ id }) => ids.includes(id)).map(({ id, fields }) => [id, fields]));
  return { nodes, edges: body.edges.filter(({ from, to }) => from in nodes && to in nodes).map(({ fields }) => fields) };
}

/** A part as text for the clipboard. Pure. */
export function textOfPart(part: GraphPart): string {
  return JSON.stringify({ kind: KIND, ...part }, null, 2);
}

/** The part that a text holds, or undefined when it holds none. Pure. */
export function readPart(text: string): GraphPart | undefined {
  try {
    const { kind, nodes, edges } = fieldsOf(JSON.parse(text) as Json);
    if (kind !== KIND) return undefined;
    const read = Object.entries(fieldsOf(nodes)).map(([id, node]) => [id, fieldsOf(node)] as const);
    if (read.length === 0) return undefined;
    return { nodes: Object.fromEntries(read), edges: Array.isArray(edges) ? (edges as readonly Json[]).map(fieldsOf) : [] };
  } catch {
    // Whatever else is on the clipboard is no part of a graph.
    return undefined;
  }
}

/** The part under ids that are free in a body. Pure. */
export function withFreeIds({ nodes, edges }: GraphPart, taken: readonly string[]): GraphPart {
  const ids = new Map<string, string>();
  for (const id of Object.keys(nodes)) ids.set(id, freeId(id, [...taken, ...ids.values()]));
  const renamed = (id: Json | undefined): Json => ids.get(textOf(id)) ?? textOf(id);
  return {
    nodes: Object.fromEntries(Object.entries(nodes).map(([id, node]) => [ids.get(id) ?? id, node])),
    edges: edges.map((edge) => ({ ...edge, from: renamed(edge["from"]), to: renamed(edge["to"]) })),
  };
}
