import type { Json } from "@tutti/core";
import { isMap, isNode, isPair, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import { fieldsOf, type Fields } from "../../../parts/json-fields.ts";

/** Ids of the nodes around a body, from the outside in: [] is the graph itself, ["each"] what the map `each` does. */
export type Scope = readonly string[];

/** A node as far as it can be drawn. */
export interface DrawnNode {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly fields: Fields;
}

/** An edge as far as it can be drawn; `index` is its place in the list. */
export interface DrawnEdge {
  readonly index: number;
  readonly from: string;
  readonly to: string;
  readonly fields: Fields;
}

/** Nodes and edges of one body. */
export interface DrawnBody {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** A graph's text: the document it holds, or why it cannot be read. Lines count from 1. */
export type ReadText =
  | { readonly ok: true; readonly document: Document.Parsed; readonly root: Fields }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** Longer texts are no graphs; the server's own bound. */
const CHARACTERS_MAX = 1_048_576;

/** Reads a graph's text as far as that goes. JSON is YAML too. Never throws. */
export function readText(text: string): ReadText {
  if (text.length > CHARACTERS_MAX) return { ok: false, line: 1, message: `wanted at most ${CHARACTERS_MAX} characters` };
  try {
    const counter = new LineCounter();
    const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) return { ok: false, line: Math.max(1, counter.linePos(error.pos[0]).line), message: error.message };
    return { ok: true, document, root: fieldsOf(document.toJS() as Json) };
  } catch (thrown) {
    // Aliases that multiply beyond the library's own bound.
    return { ok: false, line: 1, message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** The nodes and edges of a body; what is too wrong to be drawn is left out. Pure. */
export function bodyAt(root: Fields, scope: Scope): DrawnBody {
  const body = scope.reduce((outer, id) => fieldsOf(fieldsOf(fieldsOf(outer["nodes"])[id])["do"]), root);
  const nodes = Object.entries(fieldsOf(body["nodes"])).map(([id, node]): DrawnNode => {
    const fields = fieldsOf(node);
    return { id, type: textOf(fields["type"]), title: textOf(fields["title"]), fields };
  });
  const ids = new Set(nodes.map(({ id }) => id));
  const edges = (Array.isArray(body["edges"]) ? (body["edges"] as readonly Json[]) : []).flatMap((edge, index): readonly DrawnEdge[] => {
    const fields = fieldsOf(edge);
    const [from, to] = [textOf(fields["from"]), textOf(fields["to"])];
    return ids.has(from) && ids.has(to) ? [{ index, from, to, fields }] : [];
  });
  return { nodes, edges };
}

/** Whether a node has a body of its own. */
export function hasBody(type: string): boolean {
  return type === "map" || type === "loop" || type === "group";
}

/** The part of a scope that is there: nodes may have gone with another edit. Pure. */
export function existingScope(root: Fields, scope: Scope): Scope {
  let body = root;
  for (const [depth, id] of scope.entries()) {
    const node = fieldsOf(fieldsOf(body["nodes"])[id]);
    if (!hasBody(textOf(node["type"]))) return scope.slice(0, depth);
    body = fieldsOf(node["do"]);
  }
  return scope;
}

/** Where in the document a body stands. */
export function pathOf(scope: Scope): readonly string[] {
  return scope.flatMap((id) => ["nodes", id, "do"]);
}

/** What in the text stands at an offset: a node, or an edge, the innermost. */
export interface Place {
  readonly scope: Scope;
  readonly selected: { readonly node: string } | { readonly edge: number } | undefined;
}

/** What stands at a character of the text. */
export function placeAt(document: Document.Parsed, offset: number, scope: Scope = []): Place {
  const nodes = document.getIn([...pathOf(scope), "nodes"], true);
  for (const pair of isMap(nodes) ? nodes.items : []) {
    if (!isPair(pair) || !isNode(pair.key) || !within(pair.key.range?.[0], isNode(pair.value) ? pair.value.range?.[1] : undefined, offset))
      continue;
    const id = String(pair.key);
    const inner = document.hasIn([...pathOf(scope), "nodes", id, "do"])
      ? placeAt(document, offset, [...scope, id])
      : { scope, selected: undefined };
    return inner.selected === undefined ? { scope, selected: { node: id } } : inner;
  }
  const edges = document.getIn([...pathOf(scope), "edges"], true);
  const edge = isSeq(edges) ? edges.items.findIndex((item) => isNode(item) && within(item.range?.[0], item.range?.[1], offset)) : -1;
  return { scope, selected: edge === -1 ? undefined : { edge } };
}

function within(from: number | undefined, to: number | undefined, offset: number): boolean {
  return from !== undefined && to !== undefined && offset >= from && offset <= to;
}

/** Where a node's id or an edge stands in the text; undefined when it is not there. */
export function offsetOf(document: Document.Parsed, { scope, selected }: Place): number | undefined {
  if (selected === undefined) return undefined;
  if ("edge" in selected) {
    const edge = document.getIn([...pathOf(scope), "edges", selected.edge], true);
    return isNode(edge) ? edge.range?.[0] : undefined;
  }
  const nodes = document.getIn([...pathOf(scope), "nodes"], true);
  const pair = isMap(nodes) ? nodes.items.find((item) => isNode(item.key) && String(item.key) === selected.node) : undefined;
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

/** A scalar as text; nothing of what is none. */
export function textOf(value: Json | undefined): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
