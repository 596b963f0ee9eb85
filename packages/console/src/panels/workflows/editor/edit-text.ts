import { AppError, type Json } from "@tutti/core";
import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { fieldsOf, type Fields } from "../../../parts/json-fields.ts";
import { pathOf, type Scope } from "./graph-text.ts";

/** One edit of a graph, within one body of it. */
export type Edit =
  /** Adds nodes and edges. */
  | { readonly do: "add"; readonly nodes: Readonly<Record<string, Fields>>; readonly edges: readonly Fields[] }
  /** Takes nodes out, with the edges from and to them, and edges by their place in the list. */
  | { readonly do: "remove"; readonly nodes: readonly string[]; readonly edges: readonly number[] }
  | { readonly do: "rename"; readonly id: string; readonly to: string }
  /** Sets a field of a node, or takes it out when there is no value. */
  | { readonly do: "set-node"; readonly id: string; readonly path: readonly string[]; readonly value: Json | undefined }
  | { readonly do: "set-edge"; readonly index: number; readonly key: string; readonly value: Json | undefined }
  /** Sets a field of the graph itself, whatever the body. */
  | { readonly do: "set-graph"; readonly path: readonly string[]; readonly value: Json | undefined };

/** Longer values get lines of their own. */
const FLOW_CHARACTERS_MAX = 110;
const WRITE = { lineWidth: 0 } as const;

/** The text after an edit. What the edit is not about stays as it was written, comments too. Throws `conflict` where it cannot be made. */
export function editText(text: string, scope: Scope, edit: Edit): string {
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors.length > 0) throw new AppError("conflict", "the text cannot be read; mend it before you edit the picture");
  if (document.contents === null) document.contents = document.createNode({}) as never;
  try {
    apply(document, pathOf(scope), edit);
  } catch (thrown) {
    throw new AppError("conflict", "this part of the text uses an alias or another form that the picture cannot edit; edit it as text", {
      cause: thrown,
    });
  }
  return document.toString(WRITE);
}

function apply(document: Document.Parsed, body: readonly string[], edit: Edit): void {
  switch (edit.do) {
    case "add": {
      const nodes = collection<YAMLMap>(document, [...body, "nodes"], {});
      for (const [id, node] of Object.entries(edit.nodes)) nodes.set(id, made(document, node));
      if (edit.edges.length === 0) return;
      const edges = collection<YAMLSeq>(document, [...body, "edges"], []);
      for (const edge of edit.edges) edges.add(document.createNode(edge, { flow: true }));
      return;
    }
    case "remove":
      remove(document, body, edit);
      return;
    case "rename":
      rename(document, body, edit);
      return;
    case "set-node":
      put(document, [...body, "nodes", edit.id, ...edit.path], edit.value);
      return;
    case "set-edge":
      put(document, [...body, "edges", edit.index, edit.key], edit.value);
      return;
    case "set-graph":
      put(document, edit.path, edit.value);
  }
}

/** The map or list at a path, which is made when it is not there. An empty one that stood on one line gets lines. */
function collection<T extends YAMLMap | YAMLSeq>(document: Document.Parsed, path: readonly string[], empty: Json): T {
  const found = document.getIn(path, true);
  if (isCollection(found)) {
    if (found.items.length === 0) found.flow = false;
    return found as T;
  }
  if (isAlias(found)) throw new AppError("conflict", `an alias stands at ${path.join(".")}`);
  const fresh = document.createNode(empty) as unknown as T;
  document.setIn(path, fresh);
  return fresh;
}

function put(document: Document.Parsed, path: readonly (string | number)[], value: Json | undefined): void {
  if (value === undefined) {
    if (document.hasIn(path)) document.deleteIn(path);
    return;
  }
  const before = document.getIn(path, true);
  // A text keeps how it was quoted, and the comment beside it; an empty one had to be quoted.
  if (isScalar(before) && (typeof value !== "object" || value === null)) {
    if (typeof value === typeof before.value && before.value !== "") before.value = value;
    else document.setIn(path, value);
    return;
  }
  document.setIn(path, made(document, value));
}

function made(document: Document.Parsed, value: Json): unknown {
  const isShort = JSON.stringify(value).length <= FLOW_CHARACTERS_MAX && !("do" in fieldsOf(value));
  return document.createNode(value, { flow: isShort });
}

function remove(
  document: Document.Parsed,
  body: readonly string[],
  { nodes, edges }: { readonly nodes: readonly string[]; readonly edges: readonly number[] },
): void {
  for (const id of nodes) document.deleteIn([...body, "nodes", id]);
  const gone = new Set(nodes);
  const all = document.getIn([...body, "edges"], true);
  if (isSeq(all)) {
    all.items = all.items.filter((item, index) => {
      const ends = isMap(item) ? [String(item.get("from")), String(item.get("to"))] : [];
      return !edges.includes(index) && !ends.some((end) => gone.has(end));
    });
    // A list without lines would read as nothing at all.
    if (all.items.length === 0) document.deleteIn([...body, "edges"]);
  }
  const start = document.getIn([...body, "start"], true);
  if (isSeq(start)) start.items = start.items.filter((item) => !gone.has(String(item)));
}

/** The node's key, the edges' ends, the starts, and every expression that speaks of it, also those of bodies inside. */
function rename(document: Document.Parsed, body: readonly string[], { id, to }: { readonly id: string; readonly to: string }): void {
  const items = (key: string): readonly unknown[] => {
    const found = document.getIn([...body, key], true);
    return isCollection(found) ? found.items : [];
  };
  for (const pair of items("nodes")) if (isPair(pair) && isScalar(pair.key) && String(pair.key) === id) pair.key.value = to;
  for (const edge of items("edges")) {
    if (!isMap(edge)) continue;
    for (const end of ["from", "to"]) if (edge.get(end) === id) edge.set(end, to);
  }
  for (const item of items("start")) if (isScalar(item) && item.value === id) item.value = to;
  const within = body.length === 0 ? document.contents : document.getIn(body, true);
  if (isCollection(within)) renameInExpressions(within as YAMLMap | YAMLSeq, id, to);
}

function renameInExpressions(within: YAMLMap | YAMLSeq, id: string, to: string): void {
  const speaksOf = new RegExp(String.raw`\bnodes\.${id.replaceAll(/\W/g, String.raw`\$&`)}(?!\w)`, "g");
  visit(within, {
    Scalar(_, scalar) {
      if (typeof scalar.value === "string" && scalar.value.includes("${"))
        scalar.value = scalar.value.replaceAll(/\$\{[^}]*\}/g, (expression) => expression.replaceAll(speaksOf, `nodes.${to}`));
    },
  });
}
