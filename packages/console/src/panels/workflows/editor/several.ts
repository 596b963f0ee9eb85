import type { DrawnBody, Place } from "./graph-text.ts";

/** What is selected first, and the nodes of the same body besides it. */
interface Several {
  readonly place: Place;
  readonly also: readonly string[];
}

/** What is selected after a node was clicked besides it: one more, or one less. Nodes of another body begin anew. Pure. */
export function toggled({ place, also }: Several, next: Place): Several {
  const { scope, selected } = place;
  const isTogether = scope.join(".") === next.scope.join(".");
  if (selected === undefined || next.selected === undefined || !("node" in selected) || !("node" in next.selected) || !isTogether)
    return { place: next, also: [] };
  const { node } = next.selected;
  if (node !== selected.node) return { place, also: also.includes(node) ? also.filter((one) => one !== node) : [...also, node] };
  const [first, ...others] = also;
  return { place: { scope, selected: first === undefined ? undefined : { node: first } }, also: others };
}

/** The ids of all selected nodes that are still there. Pure. */
export function nodesChosen(body: DrawnBody, { selected }: Place, also: readonly string[]): readonly string[] {
  if (selected === undefined || !("node" in selected)) return [];
  const chosen = new Set([selected.node, ...also]);
  return body.nodes.flatMap(({ id }) => (chosen.has(id) ? [id] : []));
}
