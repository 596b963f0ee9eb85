import { canonicalJson, type Json } from "../json.ts";
import { orMeant } from "./did-you-mean.ts";
import type { Graph, GraphEdge, GraphNode } from "./graph.ts";
import type { GraphProblem } from "./problem.ts";

/** One change to a running graph. */
export type GraphChange =
  | { readonly do: "add"; readonly id: string; readonly node: GraphNode }
  /** Its edges go with it. */
  | { readonly do: "remove"; readonly id: string }
  | { readonly do: "replace"; readonly id: string; readonly node: GraphNode }
  | { readonly do: "connect"; readonly edge: GraphEdge }
  /** All edges from one node to another. */
  | { readonly do: "disconnect"; readonly from: string; readonly to: string }
  | { readonly do: "output"; readonly output: Json };

/** What an amendment does to a graph, by id and by "from → to"; `fields` are what else of the graph is another, such as its output. */
export interface GraphDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly replaced: readonly string[];
  readonly connected: readonly string[];
  readonly disconnected: readonly string[];
  readonly fields: readonly string[];
}

/** The graph after some changes, made one after the other; or what is wrong with them, with paths into the list. Pure. */
export function applyChanges(
  graph: Graph,
  changes: readonly GraphChange[],
): { readonly graph: Graph; readonly problems: readonly GraphProblem[] } {
  const nodes = new Map(Object.entries(graph.nodes));
  let edges = graph.edges;
  let { output } = graph;
  const problems: GraphProblem[] = [];
  for (const [index, change] of changes.entries()) {
    const ids = [...nodes.keys()];
    const refuse = (key: string, message: string): void => void problems.push({ code: "unknown_node", path: [index, key], message });
    const want = (id: string, key: string): void => {
      if (!nodes.has(id)) refuse(key, `wanted a node of the run, got "${id}", which is none; ${orMeant(id, ids)}`);
    };
    switch (change.do) {
      case "add":
        if (nodes.has(change.id))
          refuse("id", `wanted a new id, got "${change.id}", which the run has already; choose another, or replace it`);
        else nodes.set(change.id, change.node);
        break;
      case "remove":
        want(change.id, "id");
        nodes.delete(change.id);
        edges = edges.filter(({ from, to }) => from !== change.id && to !== change.id);
        break;
      case "replace":
        want(change.id, "id");
        nodes.set(change.id, change.node);
        break;
      case "connect":
        edges = [...edges, change.edge];
        break;
      case "disconnect": {
        const rest = edges.filter(({ from, to }) => from !== change.from || to !== change.to);
        if (rest.length === edges.length)
          refuse("from", `wanted an edge of the run, got one from ${change.from} to ${change.to}, which is not there`);
        edges = rest;
        break;
      }
      case "output":
        output = change.output;
    }
  }
  const { output: _, ...rest } = graph;
  return { graph: { ...rest, nodes: Object.fromEntries(nodes), edges, ...(output !== undefined && { output }) }, problems };
}

/** What two graphs differ in. Pure. */
export function differenceOf(before: Graph, after: Graph): GraphDifference {
  const edgesBefore = new Map(before.edges.map((edge) => [identity(edge), edge]));
  const edgesAfter = new Map(after.edges.map((edge) => [identity(edge), edge]));
  const idsBefore = Object.keys(before.nodes);
  const idsAfter = Object.keys(after.nodes);
  const { nodes: _, edges: __, ...fieldsBefore } = before;
  const { nodes: ___, edges: ____, ...fieldsAfter } = after;
  const names = Object.keys({ ...fieldsBefore, ...fieldsAfter }) as (keyof typeof fieldsBefore)[];
  return {
    added: idsAfter.filter((id) => !Object.hasOwn(before.nodes, id)),
    removed: idsBefore.filter((id) => !Object.hasOwn(after.nodes, id)),
    replaced: idsAfter.filter((id) => Object.hasOwn(before.nodes, id) && identity(before.nodes[id]) !== identity(after.nodes[id])),
    connected: [...edgesAfter].flatMap(([key, edge]) => (edgesBefore.has(key) ? [] : [shown(edge)])),
    disconnected: [...edgesBefore].flatMap(([key, edge]) => (edgesAfter.has(key) ? [] : [shown(edge)])),
    fields: names.filter((name) => identity(fieldsBefore[name]) !== identity(fieldsAfter[name])),
  };
}

/**
 * What in an amended graph would touch the past: a node may be added, removed, replaced and rewired as long as it has not begun. Paths
 * lead into `after`. Pure.
 */
export function touchesPast(before: Graph, after: Graph, hasBegun: (id: string) => boolean): readonly GraphProblem[] {
  const problems: GraphProblem[] = [];
  const refuse = (path: GraphProblem["path"], message: string): void => void problems.push({ code: "past", path, message });
  for (const key of ["name", "version", "input", "limits"] as const)
    if (identity(before[key]) !== identity(after[key]))
      refuse([key], `${key} cannot change while the graph runs; leave it as it was, or start a new run`);
  for (const [id, node] of Object.entries(before.nodes).filter(([begun]) => hasBegun(begun))) {
    const now = after.nodes[id];
    if (now === undefined) refuse(["nodes"], `${id} has begun and cannot be taken out any more; put it back`);
    else if (identity(node) !== identity(now))
      refuse(["nodes", id], `${id} has begun and cannot change any more; put it back, and add a node after it`);
  }
  const [edgesBefore, edgesAfter] = [before, after].map(({ edges }) => new Set(edges.map(identity)));
  for (const [index, edge] of after.edges.entries())
    if (hasBegun(edge.to) && edgesBefore?.has(identity(edge)) === false)
      refuse(["edges", index], `${edge.to} has begun, so no new edge can lead to it; lead ${shown(edge)} to a node that has not`);
  for (const edge of before.edges)
    if (hasBegun(edge.to) && edgesAfter?.has(identity(edge)) === false)
      refuse(["edges"], `${edge.to} has begun, so the edge ${shown(edge)} cannot be taken out any more; put it back`);
  return problems;
}

function shown({ from, to }: GraphEdge): string {
  return `${from} → ${to}`;
}

/** Equal for values that mean the same: keys in any order, and those without a value left out. */
function identity(value: unknown): string {
  return canonicalJson(value ?? null);
}
