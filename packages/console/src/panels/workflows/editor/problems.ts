import type { GraphProblem } from "@tutti/core/graph";
import { idOf } from "./draw-text.ts";
import type { Place, Scope } from "./graph-text.ts";

/** Something wrong in a graph, and its line in the text where it came as one. */
export type Problem = GraphProblem & { readonly line?: number; readonly column?: number };

/** The innermost node or edge that a path leads to, and the fields within it. Pure. */
export function placeOfPath(path: GraphProblem["path"]): { readonly place: Place; readonly rest: GraphProblem["path"] } {
  let scope: Scope = [];
  let selected: Place["selected"];
  let at = 0;
  while (path[at] === "nodes" && typeof path[at + 1] === "string") {
    const id = String(path[at + 1]);
    selected = { node: id };
    at += 2;
    if (path[at] !== "do" || path.length <= at + 1) break;
    scope = [...scope, id];
    selected = undefined;
    at += 1;
  }
  const index = path[at + 1];
  if (selected === undefined && path[at] === "edges" && typeof index === "number")
    return { place: { scope, selected: { edge: index } }, rest: path.slice(at + 2) };
  // What is wrong with a body as a whole stands at the node around it.
  const around = scope.at(-1);
  if (selected === undefined && around !== undefined)
    return { place: { scope: scope.slice(0, -1), selected: { node: around } }, rest: path.slice(at) };
  return { place: { scope, selected }, rest: path.slice(at) };
}

/** What is wrong, by what the picture calls the node or edge; "" is the graph itself. Pure. */
export function problemsById(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  return Map.groupBy(problems, ({ path }) => idOf(placeOfPath(path).place));
}

/** What is wrong with one field of a node, an edge or the graph. Pure. */
export function problemAt(problems: readonly Problem[], field: string): string | undefined {
  const found = problems.filter(({ path }) => placeOfPath(path).rest.map(String).join(".").split(".").includes(field));
  return found.length === 0 ? undefined : found.map(({ message }) => message).join("; ");
}
